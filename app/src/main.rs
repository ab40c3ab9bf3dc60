//! The replicated application that `rollproof` rolls.
fn main() {}

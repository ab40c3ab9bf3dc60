//! Checks what this machine has and what it lacks, and says what the effect is and how to fix it.
//!
//! The checks only look. They install, start and change nothing, except that they load the kernel
//! module that an engine would load too.

mod engine_checks;
mod examine;
mod finding;
mod machine_checks;

pub use examine::{can_run, examine};
pub use finding::{Finding, Status, json, table};

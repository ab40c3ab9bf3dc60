//! The one integration-test binary. Each module tests one feature from outside.

mod stack_cases;
mod stack_hostile;

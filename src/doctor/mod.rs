//! What this machine has and lacks for the program's work, and what each lack costs.
//!
//! It only looks: nothing is installed, started or changed, but for the kernel module that an
//! engine would load too.

mod engine_checks;
mod examine;
mod example_checks;
mod finding;
mod kernel_checks;
mod lab_checks;
mod table;

pub use examine::{can_run, examine};
pub use finding::{Finding, Status};
pub use table::{json, table};

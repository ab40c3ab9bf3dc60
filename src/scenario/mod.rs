//! Scenarios: what is changed, how the app misbehaves, and what must happen.
//!
//! A scenario is a [`Declaration`]: data, with nothing to run. Those that need nothing but a service
//! are in [`usual`]; the others are YAML in `catalogue/`, in the same form as a user's own file.
//! Performing one is the job of `run`, judging it that of `judge`.

mod catalogue;
mod declaration;
mod file;
mod usual;
mod values;

pub use catalogue::{all, find, similar};
pub use declaration::{Act, Ask, Declaration, Group, Scenario};
pub use file::read;
pub use usual::{broken_update, deploy_broken_update, deploy_update, update, watched_update};

//! Good and broken updates: what to do, what to expect, and doing it under load.

mod at_rest;
mod change;
mod patience;
mod recorder;
#[expect(clippy::module_inception, reason = "one type a file, named after it")]
mod scenario;
mod target;
mod trial;
mod warm_up;

pub use change::Change;
pub use patience::Patience;
pub use recorder::Recorder;
pub use scenario::Scenario;
pub use target::{Target, find_target};
pub use trial::{Trial, TrialOptions};
pub use warm_up::warm_up;

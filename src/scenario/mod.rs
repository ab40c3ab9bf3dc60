//! Good and broken updates: what to do, what to expect, and doing it under load.

mod admit;
mod at_rest;
mod change;
mod patience;
mod recorder;
#[expect(clippy::module_inception, reason = "one type a file, named after it")]
mod scenario;
mod stream_kind;
mod streams;
mod target;
mod trial;
mod warm_up;

pub use admit::admit;
pub use change::Change;
pub use patience::Patience;
pub use recorder::Recorder;
pub use scenario::Scenario;
pub use stream_kind::StreamKind;
pub use streams::Streams;
pub use target::{Target, find_target};
pub use trial::{Trial, TrialOptions};
pub use warm_up::warm_up;

//! One run: a stack is deployed or found, asked all the time, watched, changed, and recorded.
//!
//! [`RunSpec`] ─► [`RunSpec::begin`] ─► [`Run::perform`] ─► [`Run::finish`]. Every command that
//! measures is one such specification. What happens goes to the sinks, never to a terminal.

mod act;
mod admit;
mod also;
mod baseline;
mod begin;
mod companions;
mod deployment;
mod finish;
mod first_answers;
mod load;
mod next;
mod next_changes;
mod next_foreseen;
mod node_to_ask;
mod patience;
mod perform;
mod probing;
mod recorder;
mod rest;
mod roll;
mod scheme;
mod spec;
mod subject;
mod target;
mod unrest;
mod way_in;
mod withdrawn;

pub use also::{Also, check_added, check_changes};
pub use begin::Run;
pub use deployment::{Deployment, deploy, until_converged};
pub use finish::Finished;
pub use load::Load;
pub use next_changes::NextChanges;
pub use next_foreseen::NextForeseen;
pub use patience::Patience;
pub use recorder::Recorder;
pub use scheme::Scheme;
pub use spec::{RunEnv, RunSpec, new_run_id};
pub use subject::{Arrival, Subject, own_body};
pub use target::{Target, TargetWish, find_target};
pub use withdrawn::{cuts_off, withdrawn};

//! The run record: what a run saw, as append-only JSON lines in a folder of its own.
//!
//! The judge and the reports work from the record alone.

mod closed;
mod event;
mod expects;
mod machine_load;
mod meta;
mod offset;
mod outcome;
mod purpose;
mod reader;
mod run;
mod run_folder;
#[cfg(test)]
pub(crate) mod samples;
mod shot;
mod task_seen;
mod task_state;
mod unsent;
mod unsent_counts;
mod update_state;
mod writer;

pub use event::{ContainerAction, EndReason, Event, EventKind, SpecMatch};
pub use expects::Expects;
pub use machine_load::MachineLoad;
pub use meta::{
    Connection, EngineFacts, HealthcheckFacts, Meta, NegativeControl, PolicyFacts, SCHEMA_VERSION,
    StackFacts, StreamFacts,
};
pub use offset::Offset;
pub use outcome::Outcome;
pub use purpose::Purpose;
pub use reader::RecordReader;
pub use run::Run;
pub use run_folder::RunFolder;
pub use shot::Shot;
pub use task_seen::TaskSeen;
pub use task_state::TaskState;
pub use unsent::Unsent;
pub use unsent_counts::UnsentCounts;
pub use update_state::UpdateState;
pub use writer::RecordWriter;

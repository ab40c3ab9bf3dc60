//! The run record: what a run observed, as append-only JSON lines in one folder per run.
//!
//! The judge and the reports read nothing but the record.

mod against;
mod event;
mod health;
mod log;
mod meta;
mod must;
mod outcome;
mod reader;
mod run_folder;
mod run_list;
#[cfg(test)]
pub(crate) mod samples;
mod shot;
mod sink;
mod stack_settings;
mod unsent;
mod user_limits;
mod withdrawn_port;
mod writer;

pub use against::{Against, FormerScenario, FormerStream, Tolerance, Tolerances};
pub use event::{
    ContainerAction, EndReason, Event, EventKind, Expects, MachineLoad, NodeSeen, OtherChange,
    SpecMatch, TaskSeen,
};
pub use health::{CheckRules, CheckSeen};
pub use log::LogLine;
pub use meta::{
    BASELINE_REQUESTS, Connection, EngineFacts, EntryFacts, Meta, NegativeControl, Purpose, Route,
    SCHEMA_VERSION, StackFacts, StreamFacts,
};
pub use must::{Ending, Losses, Must};
pub use outcome::Outcome;
pub use reader::{RecordReader, Run};
pub use run_folder::RunFolder;
pub use run_list::RunEntry;
pub use shot::{HeldEnd, Shot};
pub use sink::Sink;
pub use unsent::{Unsent, UnsentCounts};
pub use user_limits::{AllowedFailed, UserLimits};
pub use withdrawn_port::WithdrawnPort;
pub use writer::RecordWriter;

//! Watches the engines and turns what it sees into one timeline of events.
//!
//! Swarm sends no events about tasks (moby `daemon/events.go`), so services and tasks are
//! polled. Containers and update states come from the engines' event streams within
//! milliseconds and show what happens between two polls.

mod event_streams;
mod generations;
mod health_checks;
mod kept_lines;
mod machine;
mod nodes;
mod observer;
mod poll;
mod service_logs;
mod snapshot;
mod standstill;

pub use generations::Generations;
pub use observer::{EventSink, Observer, Watch};
pub use snapshot::{ServiceSnapshot, Snapshot};
pub use standstill::{Prospect, Standstill};

//! Watching the engine: polls and event streams become one timeline of events.
//!
//! Swarm sends no events about tasks (moby `daemon/events.go`), so services and tasks are
//! polled; containers and update states come from the engines' event streams within
//! milliseconds, and fill in what happens between two polls.

mod event_streams;
mod generations;
mod machine;
mod observer;
mod poll;
mod snapshot;
mod translate;

pub use generations::Generations;
pub use observer::{EventSink, Observer, Watch};
pub use snapshot::{ServiceSnapshot, Snapshot};

//! One failed request, explained.

use serde::Serialize;

use super::Cause;
use crate::Offset;
use crate::record::Outcome;

/// One failed request and what explains it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failure {
    /// The stream.
    pub stream: String,
    /// When it was intended.
    pub at: Offset,
    /// How it failed.
    pub class: Outcome,
    /// The container that answered, if the answer told.
    pub replica: Option<String>,
    /// The version that answered, if the answer told.
    pub version: Option<String>,
    /// Whether its connection had served a request before.
    pub reused: bool,
    /// The nearest change of a task that could have to do with it.
    pub nearest: Option<Nearest>,
    /// The group it belongs to.
    pub cause: Cause,
    /// Why it failed: one plain sentence.
    pub because: String,
}

/// A change of a task near a failed request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Nearest {
    /// What changed: `told-to-stop`, `stop-signal`, `ended`, `failed`, `started`, `running`.
    pub event: &'static str,
    /// The task's slot.
    pub slot: u64,
    /// The task's id.
    pub task: String,
    /// Seconds from the change to the request; negative if the request came first.
    pub dt_s: Offset,
}

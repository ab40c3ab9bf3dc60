//! What is recorded of a container's health checks.

use serde::{Deserialize, Serialize};

use crate::Offset;

/// One run of a container's health check. The event's time is the moment at which it started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckSeen {
    /// The task whose container was checked.
    pub task: String,
    /// From the container's start to the check's, both by the clock of the container's engine.
    pub after: Offset,
    /// How long it took.
    pub took: Offset,
    /// Its exit code: 0 is healthy; -1 if it ran into its time limit or could not be started.
    pub exit_code: i64,
    /// Failed checks in a row after it, as the engine counts them: 0 for a failure that does not
    /// count yet. Absent if the engine was asked only after the next check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub streak: Option<u64>,
    /// The end of its output, on one line, in which values of the environment are masked.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub output: String,
    /// What the engine goes by; in the first check that the run sees of a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<CheckRules>,
}

/// What the engine goes by when it checks a container, with its defaults filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRules {
    /// From the end of a check to the start of the next.
    pub interval: Offset,
    /// The time limit of a check.
    pub timeout: Offset,
    /// Failures in a row that make a container unhealthy.
    pub retries: u64,
    /// The time after the container's start in which a failure does not count until a check has
    /// passed.
    pub start_period: Offset,
}

impl CheckSeen {
    /// Whether it passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.exit_code == 0
    }
}

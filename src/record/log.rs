//! What is recorded of a container's output.

use serde::{Deserialize, Serialize};

/// A line that a container of the service under test printed. The event's time is when it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// The task whose container it was.
    pub task: String,
    /// The line, in which values of the container's environment are masked.
    pub text: String,
    /// Whether it was printed to standard error.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stderr: bool,
    /// How many lines of this container were left out just before, because it printed too many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

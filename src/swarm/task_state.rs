//! Task states, in Swarm's order.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A task's observed or desired state, in Swarm's order: a task only moves down this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    /// Created, not processed yet.
    New,
    /// Has its network resources (older engines only).
    Allocated,
    /// Waiting for a node.
    Pending,
    /// Assigned to a node.
    Assigned,
    /// Accepted by the node.
    Accepted,
    /// The node is pulling the image and creating the container.
    Preparing,
    /// The container exists and is waiting to start.
    Ready,
    /// Started, but not healthy yet.
    Starting,
    /// Running, and healthy if there is a health check.
    Running,
    /// Ended on its own with exit code 0.
    Complete,
    /// Stopped by Swarm.
    Shutdown,
    /// Ended with an error.
    Failed,
    /// The node could not start it.
    Rejected,
    /// About to be deleted.
    Remove,
    /// Lost with its node.
    Orphaned,
    /// A state this version does not know.
    #[serde(other)]
    Unknown,
}

impl TaskState {
    /// Parses the API's value; any other value is [`TaskState::Unknown`].
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "new" => Self::New,
            "allocated" => Self::Allocated,
            "pending" => Self::Pending,
            "assigned" => Self::Assigned,
            "accepted" => Self::Accepted,
            "preparing" => Self::Preparing,
            "ready" => Self::Ready,
            "starting" => Self::Starting,
            "running" => Self::Running,
            "complete" => Self::Complete,
            "shutdown" => Self::Shutdown,
            "failed" => Self::Failed,
            "rejected" => Self::Rejected,
            "remove" => Self::Remove,
            "orphaned" => Self::Orphaned,
            _ => Self::Unknown,
        }
    }

    /// Whether a task in this observed state has ended and will never run again.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        self > Self::Running && self != Self::Unknown
    }

    /// The API's value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Allocated => "allocated",
            Self::Pending => "pending",
            Self::Assigned => "assigned",
            Self::Accepted => "accepted",
            Self::Preparing => "preparing",
            Self::Ready => "ready",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Shutdown => "shutdown",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Remove => "remove",
            Self::Orphaned => "orphaned",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for TaskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

//! One task as the observer saw it.

use serde::{Deserialize, Serialize};

use super::TaskState;

/// One task as the observer saw it, written whenever anything of it changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSeen {
    /// The task's id.
    pub task: String,
    /// The service's name, with the stack's prefix.
    pub service: String,
    /// The replica number, from 1; 0 for a task of a global service.
    pub slot: u64,
    /// The node's id, empty while it has none.
    pub node: String,
    /// Which version of the service's task template it was made from: numbered from 1 in the
    /// order in which this run met them.
    pub generation: u32,
    /// The image as written, for people.
    pub image: String,
    /// Observed state.
    pub state: TaskState,
    /// Desired state.
    pub desired: TaskState,
    /// The engine's word on the state, such as `started`.
    pub message: String,
    /// The engine's error text, empty if none.
    pub error: String,
    /// The container's exit code, once it has ended.
    pub exit_code: Option<i64>,
    /// The container's full id, empty while it has none.
    pub container: String,
    /// Its addresses in the swarm's networks, without prefix lengths; empty while it has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
}

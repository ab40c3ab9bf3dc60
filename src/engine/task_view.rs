//! A task as the engine has it.

use jiff::Timestamp;
use serde_json::Value;

use super::service_view::parse_time;
use super::services::items;
use crate::swarm::TaskState;

/// A task as the engine has it.
#[derive(Debug, Clone)]
pub struct TaskView {
    /// The task's id.
    pub id: String,
    /// The service's id.
    pub service_id: String,
    /// Replica number, from 1; 0 for a global service.
    pub slot: u64,
    /// The node's id, empty while it has none.
    pub node: String,
    /// The task spec it was made from.
    pub spec: Value,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// Observed state.
    pub state: TaskState,
    /// Desired state.
    pub desired: TaskState,
    /// When the observed state was reported.
    pub state_at: Option<Timestamp>,
    /// The engine's word on the state.
    pub message: String,
    /// The engine's error text, empty if none.
    pub error: String,
    /// The container's exit code, once it has ended.
    pub exit_code: Option<i64>,
    /// The container's id, empty while it has none.
    pub container: String,
    /// Its addresses in the swarm's networks, without prefix lengths.
    pub addresses: Vec<String>,
}

impl TaskView {
    /// Reads the engine's JSON; absent if it has no id.
    #[must_use]
    pub fn parse(value: &Value) -> Option<Self> {
        let status = &value["Status"];
        let container = &status["ContainerStatus"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let state = TaskState::parse(status["State"].as_str().unwrap_or_default());
        Some(Self {
            id: value["ID"].as_str()?.to_owned(),
            service_id: text(&value["ServiceID"]),
            slot: value["Slot"].as_u64().unwrap_or(0),
            node: text(&value["NodeID"]),
            spec: value["Spec"].clone(),
            created_at: value["CreatedAt"].as_str().and_then(parse_time),
            state,
            desired: TaskState::parse(value["DesiredState"].as_str().unwrap_or_default()),
            state_at: status["Timestamp"].as_str().and_then(parse_time),
            message: text(&status["Message"]),
            error: text(&status["Err"]),
            // The engine reports 0 for a container that has not ended yet.
            exit_code: container["ExitCode"].as_i64().filter(|_| state.is_terminal()),
            container: text(&container["ContainerID"]),
            addresses: addresses(value),
        })
    }

    /// The image it was made from.
    #[must_use]
    pub fn image(&self) -> &str {
        self.spec["ContainerSpec"]["Image"].as_str().unwrap_or_default()
    }
}

/// The addresses of a task, those in the ingress network left out: nobody asks a task there.
fn addresses(task: &Value) -> Vec<String> {
    items(&task["NetworksAttachments"])
        .filter(|attachment| attachment["Network"]["Spec"]["Ingress"].as_bool() != Some(true))
        .flat_map(|attachment| items(&attachment["Addresses"]))
        .filter_map(|address| Some(address.as_str()?.split('/').next()?.to_owned()))
        .collect()
}

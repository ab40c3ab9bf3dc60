//! A task, as the engine tells of it.

use std::net::Ipv4Addr;
use std::sync::Arc;

use serde_json::{Value, json};

use super::replica::Replica;
use crate::Offset;
use crate::swarm::TaskState;

/// A task and its container.
pub(super) struct TaskRecord {
    pub(super) id: String,
    pub(super) slot: u64,
    /// Its template, by its index in the service.
    pub(super) template: usize,
    pub(super) version: u64,
    pub(super) created: Offset,
    pub(super) updated: Offset,
    pub(super) state: TaskState,
    pub(super) state_at: Offset,
    pub(super) message: String,
    pub(super) error: String,
    pub(super) assigned: bool,
    pub(super) address: Option<Ipv4Addr>,
    pub(super) container: Option<Container>,
    /// Its replica is in the load balancer.
    pub(super) balanced: bool,
    /// Swarm has forgotten it.
    pub(super) gone: bool,
}

/// The container of a task.
pub(super) struct Container {
    pub(super) id: String,
    pub(super) created: Offset,
    pub(super) started: Option<Offset>,
    pub(super) ended: Option<Offset>,
    pub(super) exit_code: Option<i32>,
    pub(super) health: &'static str,
    pub(super) replica: Option<Arc<Replica>>,
}

impl Container {
    /// Whether its process runs.
    pub(super) fn runs(&self) -> bool {
        self.started.is_some() && self.ended.is_none()
    }
}

impl TaskRecord {
    /// A task that was just created.
    pub(super) fn new(id: String, slot: u64, template: usize, version: u64, at: Offset) -> Self {
        Self {
            id,
            slot,
            template,
            version,
            created: at,
            updated: at,
            state: TaskState::New,
            state_at: at,
            message: "created".to_owned(),
            error: String::new(),
            assigned: false,
            address: None,
            container: None,
            balanced: false,
            gone: false,
        }
    }

    /// The task has this state now.
    pub(super) fn becomes(&mut self, state: TaskState, message: &str, at: Offset) {
        self.state = state;
        self.state_at = at;
        message.clone_into(&mut self.message);
    }

    /// `Status` of the task.
    pub(super) fn status(&self, time: impl Fn(Offset) -> Value) -> Value {
        let mut status = json!({
            "Timestamp": time(self.state_at),
            "State": self.state.to_string(),
            "Message": self.message,
            "PortStatus": {},
        });
        if !self.error.is_empty() {
            status["Err"] = json!(self.error);
        }
        if let Some(container) = &self.container {
            status["ContainerStatus"] = json!({
                "ContainerID": container.id,
                "PID": u8::from(container.runs()),
                "ExitCode": container.exit_code.unwrap_or(0),
            });
        }
        status
    }
}

//! The containers of tasks: what events say of them, and when they are forgotten.

use serde_json::{Value, json};

use super::ground::Ground;
use super::service::Service;
use crate::Offset;
use crate::engine::{CONTAINER_SERVICE_LABEL, CONTAINER_TASK_LABEL};
use crate::swarm::TaskState;

/// Ended tasks that are kept in a slot, with the one that runs (swarmkit `manager.go`,
/// `defaultTaskHistoryRetentionLimit`).
const HISTORY: usize = 5;

impl Service {
    /// Forgets ended tasks that are too many, and their containers.
    pub(super) fn reap(&mut self, ground: &mut Ground, at: Offset) {
        let attempts = self.body().restart_policy().max_attempts;
        let attempts = usize::try_from(attempts).unwrap_or(usize::MAX);
        let kept = if attempts > 0 { attempts.saturating_add(1) } else { HISTORY };
        let mut seen: std::collections::HashMap<u64, usize> = std::collections::HashMap::new();
        for index in (0..self.tasks.len()).rev() {
            let task = &self.tasks[index];
            if task.gone {
                continue;
            }
            let count = seen.entry(task.slot).or_insert(0);
            *count += 1;
            let now = self.live.task(u32::try_from(index).unwrap_or(u32::MAX));
            let unwanted = now.is_none_or(|now| now.desired > TaskState::Running);
            let removed = self.removed || now.is_some_and(|now| now.desired >= TaskState::Remove);
            let over = task.state.is_terminal() || (unwanted && task.container.is_none());
            if over && (*count > kept || removed) {
                self.forget_task(ground, index, at);
            }
        }
    }

    fn forget_task(&mut self, ground: &mut Ground, index: usize, at: Offset) {
        let id = u32::try_from(index).unwrap_or(u32::MAX);
        if self.tasks[index].container.is_some() {
            self.container_event(ground, id, "destroy", &json!({}), at);
        }
        let task = &mut self.tasks[index];
        task.gone = true;
        if let Some(container) = task.container.take() {
            ground.logs.remove(&container.id);
        }
        if let Some(address) = task.address.take() {
            ground.addresses.give_back(address);
        }
    }

    /// The name of a task and of its container. A task of a global service has its node's id in place of a
    /// slot (swarmkit `api/naming`).
    pub(super) fn task_name(&self, index: usize, ground: &Ground) -> String {
        let task = &self.tasks[index];
        let slot = match self.body().replicas() {
            Some(_) => task.slot.to_string(),
            None => ground.node.id.clone(),
        };
        format!("{}.{slot}.{}", self.name(), task.id)
    }

    /// The labels of a task's container.
    pub(super) fn container_labels(&self, index: usize, ground: &Ground) -> Value {
        let task = &self.tasks[index];
        let own = &self.templates[task.template].task["ContainerSpec"]["Labels"];
        let mut labels = own.as_object().cloned().unwrap_or_default();
        let name = self.name();
        for (key, value) in [
            ("com.docker.swarm.node.id", ground.node.id.clone()),
            ("com.docker.swarm.service.id", self.id.clone()),
            (CONTAINER_SERVICE_LABEL, name.to_owned()),
            ("com.docker.swarm.task", String::new()),
            (CONTAINER_TASK_LABEL, task.id.clone()),
            ("com.docker.swarm.task.name", self.task_name(index, ground)),
        ] {
            labels.insert(key.to_owned(), json!(value));
        }
        Value::Object(labels)
    }

    pub(super) fn container_event(
        &self,
        ground: &mut Ground,
        id: u32,
        action: &str,
        more: &Value,
        at: Offset,
    ) {
        let index = id as usize;
        let Some(container) = &self.tasks[index].container else { return };
        let mut attributes = self.container_labels(index, ground);
        let template = &self.templates[self.tasks[index].template].task;
        attributes["image"] = template["ContainerSpec"]["Image"].clone();
        attributes["name"] = attributes["com.docker.swarm.task.name"].clone();
        for (key, value) in more.as_object().into_iter().flatten() {
            attributes[key] = value.clone();
        }
        ground.tell(at, "container", action, &container.id, attributes);
    }
}

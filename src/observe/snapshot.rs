//! The newest state of the watched services.

use std::collections::BTreeMap;

use crate::Offset;
use crate::engine::ServiceView;
use crate::record::TaskSeen;
use crate::swarm::{RestartCondition, TaskState};

/// The newest state of the watched services.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// When it was requested; everything in it is at least this new.
    pub asked_at: Offset,
    /// The services that exist, by name.
    pub services: BTreeMap<String, ServiceSnapshot>,
    /// Since when the engine has not answered, and the first error.
    pub lost: Option<(Offset, String)>,
}

/// One service and its tasks.
#[derive(Debug, Clone)]
pub struct ServiceSnapshot {
    /// The service.
    pub view: ServiceView,
    /// The generation of its current spec.
    pub generation: u32,
    /// Its tasks, including ended ones that the engine still remembers.
    pub tasks: Vec<TaskSeen>,
    /// When its update state or one of its tasks last changed, by the engine's timestamp if there
    /// is one.
    pub changed_at: Offset,
    /// Since when its update state is what it is.
    pub state_since: Offset,
}

impl ServiceSnapshot {
    /// Number of tasks of the current spec that are running and should be.
    #[must_use]
    pub fn running(&self) -> usize {
        self.current().filter(|task| task.state == TaskState::Running).count()
    }

    /// Tasks of the current spec that should be running, whether they are or not.
    pub fn current(&self) -> impl Iterator<Item = &TaskSeen> {
        self.tasks
            .iter()
            .filter(|task| task.generation == self.generation && task.desired <= TaskState::Running)
    }

    /// The newest task of each slot of the current spec that Swarm does not replace, because of the
    /// service's restart policy: one that is done, or failed for good.
    pub fn ended(&self) -> impl Iterator<Item = &TaskSeen> {
        let condition = self.view.spec.restart_policy().condition;
        let mut newest: BTreeMap<(u64, &str), &TaskSeen> = BTreeMap::new();
        for task in self.tasks.iter().filter(|task| task.generation == self.generation) {
            // A global service has one task a node.
            let node = if task.slot == 0 { task.node.as_str() } else { "" };
            newest.insert((task.slot, node), task);
        }
        newest.into_values().filter(move |task| match condition {
            // One that Swarm stopped did not end by itself.
            RestartCondition::None => {
                task.state.is_terminal()
                    && !matches!(task.state, TaskState::Shutdown | TaskState::Remove)
            }
            RestartCondition::OnFailure => task.state == TaskState::Complete,
            // A job's tasks are never run again once they have ended well.
            RestartCondition::Any | RestartCondition::Unknown => {
                self.view.spec.is_job() && task.state == TaskState::Complete
            }
        })
    }

    /// Tasks that may still have a live container but should not run, or belong to another spec.
    pub fn outgoing(&self) -> impl Iterator<Item = &TaskSeen> {
        self.tasks.iter().filter(|task| {
            !task.state.is_terminal()
                && task.state >= TaskState::Assigned
                && (task.generation != self.generation || task.desired > TaskState::Running)
        })
    }

    /// The newest task of the current spec that has an error.
    #[must_use]
    pub fn last_error(&self) -> Option<&TaskSeen> {
        let current = |task: &&TaskSeen| task.generation == self.generation;
        self.tasks.iter().rev().filter(current).find(|task| !task.error.is_empty())
    }
}

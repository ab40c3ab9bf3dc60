//! The newest state of the watched services.

use std::collections::BTreeMap;

use crate::Offset;
use crate::engine::ServiceView;
use crate::record::TaskSeen;
use crate::swarm::TaskState;

/// The newest state of the watched services.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// When it was asked for; everything in it is at least this new.
    pub asked_at: Offset,
    /// The services that exist, by name.
    pub services: BTreeMap<String, ServiceSnapshot>,
    /// Since when the engine does not answer, and its last error.
    pub lost: Option<(Offset, String)>,
}

/// One service and its tasks.
#[derive(Debug, Clone)]
pub struct ServiceSnapshot {
    /// The service.
    pub view: ServiceView,
    /// The generation of its current spec.
    pub generation: u32,
    /// Its tasks, ended ones included as long as the engine remembers them.
    pub tasks: Vec<TaskSeen>,
    /// When its update's state or one of its tasks changed last, by the engine's own time where
    /// it tells one.
    pub changed_at: Offset,
}

impl ServiceSnapshot {
    /// Tasks of the current spec that run and are wanted.
    #[must_use]
    pub fn running(&self) -> usize {
        self.current().filter(|task| task.state == TaskState::Running).count()
    }

    /// Tasks of the current spec that are wanted, running or not.
    pub fn current(&self) -> impl Iterator<Item = &TaskSeen> {
        self.tasks
            .iter()
            .filter(|task| task.generation == self.generation && task.desired <= TaskState::Running)
    }

    /// Tasks that still have a live container but are not wanted, or are of another spec.
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

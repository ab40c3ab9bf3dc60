//! The story of a rollback.

use serde::Serialize;

use super::scene::Scene;
use super::task_life::TaskLife;
use crate::Offset;
use crate::swarm::UpdateState;

/// The story of a rollback. Instants count from the run's start; absent means not seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RollbackStory {
    /// The task whose failure the engine names as the reason.
    pub trigger_task: Option<String>,
    /// The slot of that task.
    pub trigger_slot: Option<u64>,
    /// That task's error, as the engine has it.
    pub trigger_error: Option<String>,
    /// When that task had failed.
    pub failure_at: Option<Offset>,
    /// When the rollback began.
    pub started_at: Offset,
    /// When the engine called it completed. Replicas can still be missing then.
    pub completed_at: Option<Offset>,
    /// When every replica served the version from before again.
    pub capacity_restored_at: Option<Offset>,
}

impl RollbackStory {
    /// The story, if a rollback was seen.
    pub(super) fn of(scene: &Scene) -> Option<Self> {
        let started_at = scene.rollback_seen()?;
        let messages = scene.states.iter().filter(|state| state.1.is_rollback());
        let trigger_task = messages.map(|state| state.2).find_map(named_task);
        let life = trigger_task.and_then(|id| scene.tasks.find(id));
        Some(Self {
            trigger_task: trigger_task.map(str::to_owned),
            trigger_slot: life.map(|life| life.last.slot),
            trigger_error: life.and_then(error_of),
            failure_at: life.and_then(|life| life.failed.or(life.ended)),
            started_at,
            completed_at: scene.first_in(UpdateState::RollbackCompleted).map(|seen| seen.0),
            capacity_restored_at: scene.tasks.all_served(scene.old, scene.replicas, started_at),
        })
    }
}

/// The task in "update rolled back due to failure or early termination of task ID".
fn named_task(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("termination of task ")?;
    rest.split_whitespace().next()
}

fn error_of(life: &TaskLife) -> Option<String> {
    let last = life.last;
    if !last.error.is_empty() {
        return Some(last.error.clone());
    }
    // A container that ends with code 0 leaves no error, and fails the update all the same.
    last.exit_code.map(|code| format!("its container ended with exit code {code}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engine_names_the_task() {
        let message = "update rolled back due to failure or early termination of task 5x8b1p0k";
        assert_eq!(named_task(message), Some("5x8b1p0k"));
        assert_eq!(named_task("rollback completed"), None);
        assert_eq!(named_task("manually requested rollback"), None);
    }
}

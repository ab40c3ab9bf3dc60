//! What Swarm did with the change, and the story of a rollback.

use serde::Serialize;

use super::scene::Scene;
use super::task_failure::STOPPED_EARLY;
use super::tasks::TaskLife;
use crate::Offset;
use crate::record::{Expects, SpecMatch};
use crate::swarm::UpdateState;
use crate::wording::clean;

/// So many of the last lines of a task that failed are in the report.
const LAST_LINES: usize = 5;

/// What Swarm did with the change. Instants count from the run's start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UpdateStory {
    /// When the engine took the change; absent if it never did.
    pub submitted_at: Option<Offset>,
    /// The update states seen since, in order.
    pub states: Vec<StateSeen>,
    /// The last of them; `none` if there was none.
    pub final_state: UpdateState,
    /// Whether any sign of a rollback was seen, whatever the final state says.
    pub rolled_back: bool,
    /// Whether the service has its spec from before again; absent if that is not known, or if
    /// nothing was to be restored.
    pub spec_restored: Option<bool>,
    /// The number of replicas before and after the change, if it changes that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas_changed: Option<ReplicasChanged>,
    /// When it came to rest.
    pub converged: Converged,
    /// The same, in seconds since the engine took the change.
    pub converged_after_s: Converged,
    /// From the change until Swarm said that it, or its rollback, was done and every replica served;
    /// absent if it did not come to that.
    pub took_s: Option<Offset>,
}

/// How a change alters the number of replicas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ReplicasChanged {
    /// The number before the change.
    pub from: u64,
    /// The number that the change asks for.
    pub to: u64,
}

/// An update state and when it began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StateSeen {
    /// The state.
    pub state: UpdateState,
    /// When it began.
    pub at: Offset,
    /// The engine's message.
    pub message: String,
}

/// The three instants that are all called "converged". Absent if it did not come to that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Converged {
    /// Every replica runs the version that was aimed at: the new one, or after a rollback the
    /// previous one.
    pub new_tasks_running: Option<Offset>,
    /// The update state says that nothing more will happen.
    pub status_terminal: Option<Offset>,
    /// The last container of the replaced version has ended.
    pub last_old_gone: Option<Offset>,
}

impl UpdateStory {
    pub(super) fn of(scene: &Scene) -> Self {
        let submitted_at = scene.submitted.map(|submitted| submitted.0);
        let converged = Converged::of(scene);
        let after = |instant: Option<Offset>| Some(instant? - submitted_at?);
        let restorable = scene.expects == Expects::Rollback || scene.rolled_back();
        Self {
            submitted_at,
            states: scene
                .states
                .iter()
                .map(|(at, state, message)| StateSeen {
                    state: *state,
                    at: *at,
                    message: (*message).to_owned(),
                })
                .collect(),
            final_state: scene.final_state(),
            rolled_back: scene.rolled_back(),
            spec_restored: (restorable && scene.spec != SpecMatch::Unknown)
                .then_some(scene.spec == SpecMatch::Previous),
            replicas_changed: scene
                .is_scaled()
                .then_some(ReplicasChanged { from: scene.replicas, to: scene.submitted_replicas }),
            took_s: took(scene, converged),
            converged,
            converged_after_s: Converged {
                new_tasks_running: after(converged.new_tasks_running),
                status_terminal: after(converged.status_terminal),
                last_old_gone: after(converged.last_old_gone),
            },
        }
    }
}

fn took(scene: &Scene, converged: Converged) -> Option<Offset> {
    let (submitted, _) = scene.submitted?;
    let done = match (converged.status_terminal, converged.new_tasks_running) {
        (Some(terminal), Some(serving)) => terminal.max(serving),
        // A scenario that declares what must happen may not want that.
        (Some(terminal), None) if scene.must.is_some() => terminal,
        // Swarm gives no state where it had nothing to replace.
        (None, _) if scene.states.is_empty() && scene.unknown().is_none() => scene.ended,
        _ => return None,
    };
    Some(done - submitted)
}

impl Converged {
    fn of(scene: &Scene) -> Self {
        let nothing = Self { new_tasks_running: None, status_terminal: None, last_old_gone: None };
        let Some((submitted, new)) = scene.submitted else { return nothing };
        if new == scene.old && scene.states.is_empty() {
            return nothing;
        }
        let aimed = scene.aimed_generation();
        let from = scene.rollback_seen().unwrap_or(submitted);
        let replaced = if aimed == new { scene.old } else { new };
        let terminal = scene.states.last().filter(|state| state.1.is_terminal());
        Self {
            new_tasks_running: scene.tasks.all_served(aimed, scene.wanted_replicas(), from),
            status_terminal: terminal.map(|state| state.0),
            last_old_gone: scene.tasks.last_ended(|life| {
                life.last.generation == replaced
                    && life.ended.is_none_or(|ended| ended >= submitted)
            }),
        }
    }
}

/// The story of a rollback. Instants count from the run's start; absent means not seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RollbackStory {
    /// The task whose failure the engine names as the reason. A rollback that has nothing to do is
    /// completed at once, and its message gone before anybody could read it: then the last task of the new
    /// version that had failed.
    pub trigger_task: Option<String>,
    /// The slot of that task.
    pub trigger_slot: Option<u64>,
    /// Why that task failed: see [`super::TaskFailure`].
    pub trigger_error: Option<String>,
    /// Why its health check gave up, in numbers; absent if it did not, or if that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger_arithmetic: Option<String>,
    /// The last lines that it printed; empty if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trigger_log: Vec<String>,
    /// When that task had failed.
    pub failure_at: Option<Offset>,
    /// When the rollback began.
    pub started_at: Offset,
    /// When the engine called it completed. Replicas can still be missing then.
    pub completed_at: Option<Offset>,
    /// When every replica served the previous version again.
    pub capacity_restored_at: Option<Offset>,
}

impl RollbackStory {
    /// The story, if a rollback was seen.
    pub(super) fn of(scene: &Scene) -> Option<Self> {
        let started_at = scene.rollback_seen()?;
        let named = scene.named_task();
        let life = match named {
            Some(id) => scene.tasks.find(id),
            None => last_failed(scene, started_at),
        };
        Some(Self {
            trigger_task: named
                .or_else(|| life.map(|life| life.last.task.as_str()))
                .map(str::to_owned),
            trigger_slot: life.map(|life| life.last.slot),
            trigger_error: life.map(|life| match life.failure() {
                Some(failure) => failure.to_string(),
                None => match scene.nodes.iter().find(|loss| loss.node == life.last.node) {
                    Some(loss) => format!("was stopped by Swarm: {}", loss.what()),
                    None => STOPPED_EARLY.to_owned(),
                },
            }),
            trigger_arithmetic: life.and_then(TaskLife::health_arithmetic),
            trigger_log: life.map(last_lines).unwrap_or_default(),
            failure_at: life.and_then(|life| life.failed.or(life.ended)),
            started_at,
            completed_at: scene.first_in(UpdateState::RollbackCompleted).map(|seen| seen.0),
            capacity_restored_at: scene.tasks.all_served(scene.old, scene.replicas, started_at),
        })
    }
}

/// The last task of the new version that had failed when a rollback began for which the engine gave no
/// reason.
fn last_failed<'a>(scene: &'a Scene, started_at: Offset) -> Option<&'a TaskLife<'a>> {
    let (_, reason) = scene.first_in(UpdateState::RollbackStarted).unwrap_or_default();
    let lives = scene.tasks.lives.iter().filter(|_| reason.is_empty());
    let new = lives
        .filter(|life| life.last.generation == scene.new_generation() && scene.is_of_this(life));
    let failed = |life: &&TaskLife| life.failure_at().is_some_and(|at| at <= started_at);
    new.filter(failed).max_by_key(|life| life.failure_at())
}

/// The last lines that a task printed.
fn last_lines(life: &TaskLife) -> Vec<String> {
    let from = life.log.len().saturating_sub(LAST_LINES);
    life.log[from..].iter().map(|(_, line)| clean(&line.text).into_owned()).collect()
}

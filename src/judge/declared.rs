//! What is checked where a scenario declares what must happen.

use super::capacity::Capacity;
use super::cause::{Cause, CauseGroup};
use super::check::{Check, Verdict};
use super::scene::Scene;
use super::swarm_checks::{about_the_end, crowded};
use super::tasks::TaskLife;
use crate::Offset;
use crate::record::{Ending, Losses, Must};
use crate::swarm::UpdateState;
use crate::wording::{count, counted, length, list};

/// What the checks look at.
pub(super) struct Declared<'a> {
    must: &'a Must,
    scene: &'a Scene<'a>,
    capacity: Option<&'a Capacity>,
    /// Why users' requests failed.
    causes: &'a [CauseGroup],
}

impl<'a> Declared<'a> {
    /// Absent for a scenario that declares nothing.
    pub(super) fn of(
        scene: &'a Scene<'a>,
        capacity: Option<&'a Capacity>,
        causes: &'a [CauseGroup],
    ) -> Option<Self> {
        scene.must.map(|must| Self { must, scene, capacity, causes })
    }

    /// The checks on what Swarm did.
    pub(super) fn checks(&self) -> Vec<Check> {
        let mut checks = vec![self.outcome()];
        checks.extend(self.states());
        checks.extend(self.lowest());
        checks.extend(self.losses());
        checks.extend(self.replicas());
        checks.extend(self.within());
        checks
    }

    fn outcome(&self) -> Check {
        let (wanted, found) = (self.must.outcome, ending(self.scene));
        let (verdict, unknown) = about_the_end(self.scene, found == wanted);
        let because = unknown.unwrap_or_else(|| {
            let failure = self.scene.first_failure();
            let failure = failure.map_or_else(String::new, |failure| format!(": {failure}"));
            let what = in_the_past(found);
            if found == wanted {
                format!("{what}{failure}")
            } else {
                format!("{what}, instead of `{}`{failure}", wanted.as_str())
            }
        });
        Check::new("outcome", verdict, found.as_str(), wanted.as_str(), because)
    }

    fn states(&self) -> Option<Check> {
        let wanted = &self.must.states;
        if wanted.is_empty() {
            return None;
        }
        let found: Vec<UpdateState> = self.scene.states.iter().map(|state| state.1).collect();
        let (verdict, unknown) = about_the_end(self.scene, found == *wanted);
        let words = |states: &[UpdateState]| match states {
            [] => "none".to_owned(),
            states => states.iter().map(|state| state.as_str()).collect::<Vec<_>>().join(", "),
        };
        let because = unknown.unwrap_or_else(|| format!("the states were {}", words(&found)));
        Some(Check::new("states", verdict, words(&found), words(wanted), because))
    }

    fn lowest(&self) -> Option<Check> {
        let wanted = self.must.lowest?;
        let limit = format!("at least {wanted} running");
        let Some(capacity) = self.capacity else {
            let because = "no task of the service was seen";
            return Some(Check::new("lowest", Verdict::Inconclusive, "unknown", limit, because));
        };
        let found = capacity.min_running;
        let because = format!("{} running at the lowest point", counted(found, "replica"));
        // Too few once is proof, enough only if all was seen.
        let (verdict, unknown) =
            if found >= wanted { about_the_end(self.scene, true) } else { (Verdict::Fail, None) };
        let because = unknown.unwrap_or(because);
        Some(Check::new("lowest", verdict, format!("{found} running"), limit, because))
    }

    /// That requests are lost where the scenario says so. That none is lost is checked as always.
    fn losses(&self) -> Option<Check> {
        if self.must.losses != Losses::Some {
            return None;
        }
        let wanted = self.must.cause.as_deref();
        let counts = |group: &&CauseGroup| {
            wanted.is_none_or(|wanted| name(group.cause).as_deref() == Some(wanted))
        };
        let failed: u64 = self.causes.iter().filter(counts).map(|group| group.failed).sum();
        let all: u64 = self.causes.iter().map(|group| group.failed).sum();
        let (verdict, unknown) = about_the_end(self.scene, failed > 0);
        let because = unknown.unwrap_or_else(|| match self.causes.iter().find(counts) {
            Some(group) => format!("{} lost: {}", counted(failed, "request"), group.text),
            None if all > 0 => {
                let causes: Vec<String> =
                    self.causes.iter().filter_map(|group| name(group.cause)).collect();
                format!("{} lost, but because of {}", counted(all, "request"), list(&causes))
            }
            None => "no request was lost".to_owned(),
        });
        let limit = match wanted {
            Some(cause) => format!("some lost: {cause}"),
            None => "some lost".to_owned(),
        };
        Some(Check::new("losses", verdict, format!("{} lost", count(failed)), limit, because))
    }

    fn replicas(&self) -> Option<Check> {
        let wanted = self.must.replicas?;
        let running = self.scene.tasks.wanted().filter(|life| life.running.is_some());
        let found = running.count() as u64;
        let (verdict, unknown) = about_the_end(self.scene, found == wanted);
        let because = unknown.unwrap_or_else(|| {
            let crowded = if found > wanted { crowded(self.scene) } else { String::new() };
            format!("{} running in the end{crowded}", counted(found, "replica"))
        });
        Some(Check::new("replicas", verdict, found.to_string(), wanted.to_string(), because))
    }

    fn within(&self) -> Option<Check> {
        let limit = self.must.within?;
        let took = self.scene.ended - self.scene.submitted_at();
        let (verdict, unknown) = about_the_end(self.scene, took <= limit);
        let because = unknown.unwrap_or_else(|| format!("it took {}", length(took)));
        Some(Check::new("within", verdict, length(took), length(limit), because))
    }
}

/// The trust checks that a scenario is held to: one that declares losses cannot also be asked for a
/// service at rest, or for an answer of every replica.
pub(super) fn applies(check: &Check, must: Option<&Must>) -> bool {
    must.is_none_or(|must| must.losses == Losses::None)
        || !matches!(check.name, "baseline-after" | "replicas-seen" | "enough-probes")
}

/// What Swarm did with the change in the end.
fn ending(scene: &Scene) -> Ending {
    let previous = scene.spec == crate::record::SpecMatch::Previous;
    match scene.final_state() {
        UpdateState::RollbackPaused => Ending::RollbackPaused,
        UpdateState::Paused => Ending::Paused,
        UpdateState::RollbackCompleted => Ending::RolledBack,
        UpdateState::Completed if scene.rolled_back() && previous => {
            if is_back(scene) {
                Ending::RolledBack
            } else {
                Ending::Mixed
            }
        }
        UpdateState::Completed if is_sound(scene) => Ending::Completed,
        UpdateState::Completed => Ending::Mixed,
        UpdateState::None if scene.new_generation() == scene.old => without_an_update(scene),
        _ => Ending::NeverEnds,
    }
}

/// Whether every replica runs the previous version: Swarm also writes `completed` over a rollback that
/// failed, where `rollback_config` has `failure_action: rollback`.
fn is_back(scene: &Scene) -> bool {
    let mut places: Vec<_> = scene.tasks.serving_last(scene.old).map(TaskLife::place).collect();
    places.sort_unstable();
    places.dedup();
    places.len() as u64 >= scene.replicas
}

/// Whether every replica runs the new version, and none of that version failed on the way.
fn is_sound(scene: &Scene) -> bool {
    let new = scene.new_generation();
    let mut places: Vec<_> = scene.tasks.serving_last(new).map(TaskLife::place).collect();
    places.sort_unstable();
    places.dedup();
    let failed = |life: &TaskLife| life.last.generation == new && has_failed(scene, life);
    places.len() as u64 >= scene.submitted_replicas && !scene.tasks.lives.iter().any(failed)
}

fn without_an_update(scene: &Scene) -> Ending {
    let lives = &scene.tasks.lives;
    if lives.iter().any(|life| has_failed(scene, life)) {
        return Ending::TaskFailed;
    }
    let begins = |at: Option<Offset>| at.is_some_and(|at| at >= scene.submitted_at());
    let replaced =
        lives.iter().any(|life| begins(life.running) && life.last.slot <= scene.replicas);
    if replaced { Ending::Completed } else { Ending::NothingReplaced }
}

/// Whether a task ended by itself, or because of its health check, since the change.
fn has_failed(scene: &Scene, life: &TaskLife) -> bool {
    let since = |at: Offset| at >= scene.submitted_at();
    life.failure_at().or(life.unhealthy).is_some_and(since)
}

fn in_the_past(ending: Ending) -> &'static str {
    match ending {
        Ending::Completed => "Swarm completed the update, and every replica runs it",
        Ending::Mixed => "Swarm said `completed`, although replicas failed or are missing",
        Ending::RolledBack => "Swarm rolled back",
        Ending::RollbackPaused => "the rollback failed too, and Swarm stopped there",
        Ending::Paused => "Swarm paused the update",
        Ending::NeverEnds => "the update did not end",
        Ending::NothingReplaced => "no task was replaced",
        Ending::TaskFailed => "a task failed without an update",
    }
}

/// A cause's name, as scenarios and reports have it.
fn name(cause: Cause) -> Option<String> {
    serde_json::to_value(cause).ok()?.as_str().map(str::to_owned)
}

//! What is checked of Swarm: that it did with the change what was expected.

use std::collections::BTreeMap;

use super::check::{Check, Verdict};
use super::fixes::state_fix;
use super::remedies::{LEFTOVER, TASK_ERRORS};
use super::scene::Scene;
use super::tasks::TaskLife;
use super::update_story::RollbackStory;
use crate::record::{SpecMatch, StackFacts};
use crate::swarm::UpdateState;
use crate::wording::{count, counted};

/// The check that Swarm rolled a broken update back.
pub(super) const ROLLBACK_HAPPENED: &str = "rollback-happened";

/// The checks on a good update.
pub(super) fn update_checks(scene: &Scene, stack: &StackFacts) -> Vec<Check> {
    vec![
        update_completed(scene, stack),
        not_rolled_back(scene, stack),
        spec(scene, "spec-is-submitted", SpecMatch::Submitted),
        every_slot(scene, "every-slot-on-new-version", "new"),
        no_leftover_tasks(scene),
    ]
}

/// The checks on a broken update.
pub(super) fn rollback_checks(
    scene: &Scene,
    story: Option<&RollbackStory>,
    stack: &StackFacts,
) -> Vec<Check> {
    vec![
        rollback_happened(scene, story, stack),
        rollback_completed(scene, story, stack),
        spec(scene, "spec-restored", SpecMatch::Previous),
        every_slot(scene, "every-slot-on-old-version", "previous"),
        no_leftover_tasks(scene),
    ]
}

/// The checks on a change that should replace nothing.
pub(super) fn no_change_checks(scene: &Scene) -> Vec<Check> {
    let new = scene
        .tasks
        .lives
        .iter()
        .filter(|life| life.running.is_some_and(|running| running >= scene.submitted_at()))
        .count() as u64;
    let (verdict, unknown) = about_the_end(scene, new == 0);
    let replaced = Check::new(
        "nothing-replaced",
        // A task that was replaced is proven whatever happened later.
        if new > 0 { Verdict::Fail } else { verdict },
        counted(new, "new task"),
        "no new task",
        unknown.unwrap_or_else(|| match new {
            0 => "no task was replaced".to_owned(),
            _ => "Swarm replaced tasks for a change that should replace none".to_owned(),
        }),
    );
    vec![replaced, every_slot(scene, "every-slot-on-old-version", "same"), no_leftover_tasks(scene)]
}

/// The verdict on something about the end: a broken expectation is only proven if the end was
/// seen. The second part says why it is not known.
pub(super) fn about_the_end(scene: &Scene, good: bool) -> (Verdict, Option<String>) {
    match (good, scene.unknown()) {
        (_, Some(unknown)) => (Verdict::Inconclusive, Some(unknown)),
        (true, None) => (Verdict::Pass, None),
        (false, None) => (Verdict::Fail, None),
    }
}

fn update_completed(scene: &Scene, stack: &StackFacts) -> Check {
    let state = scene.final_state();
    // Swarm gives no state if there was nothing to replace.
    let same = scene.new_generation() == scene.old || scene.replicas == 0;
    let nothing_to_do = state == UpdateState::None && same;
    let good = (state == UpdateState::Completed && !scene.rolled_back()) || nothing_to_do;
    let (verdict, unknown) = about_the_end(scene, good);
    let because = unknown.unwrap_or_else(|| match state {
        _ if nothing_to_do && scene.is_scaled() => {
            "only the number of replicas changed: there was nothing to replace".to_owned()
        }
        _ if nothing_to_do => "there was nothing to replace".to_owned(),
        _ if good => "Swarm completed the update".to_owned(),
        UpdateState::Paused => with_failure(scene, "Swarm paused the update"),
        _ if scene.rolled_back() => with_failure(scene, "Swarm rolled the update back"),
        UpdateState::None => "Swarm did not start an update".to_owned(),
        _ => unfinished(scene, "the update"),
    });
    Check::new("update-completed", verdict, state.as_str(), "completed", because)
        .remedy_if_failed(state_fix(scene, stack).sentence())
}

fn not_rolled_back(scene: &Scene, stack: &StackFacts) -> Check {
    let rolled_back = scene.rolled_back();
    let (verdict, unknown) = about_the_end(scene, !rolled_back);
    let because = if rolled_back {
        with_failure(scene, "Swarm rolled the update back")
    } else {
        unknown.unwrap_or_else(|| "there was no sign of a rollback".to_owned())
    };
    Check::new(
        "not-rolled-back",
        // One sight is proof.
        if rolled_back { Verdict::Fail } else { verdict },
        if rolled_back { "rolled back" } else { "not rolled back" },
        "not rolled back",
        because,
    )
    .remedy_if_failed(state_fix(scene, stack).sentence())
}

/// A sentence with the task that failed, if there was one.
fn with_failure(scene: &Scene, sentence: &str) -> String {
    match scene.first_failure() {
        Some(failure) => format!("{sentence}: {failure}"),
        None => sentence.to_owned(),
    }
}

fn unfinished(scene: &Scene, what: &str) -> String {
    let state = scene.final_state();
    match (scene.end.deadline(), scene.stuck_task()) {
        (Some(_), Some(failure)) => format!("{what} timed out: {failure}"),
        (Some(text), None) => format!("{what} timed out: {text}"),
        (None, _) => format!("{what} is still in state `{state}`"),
    }
}

fn rollback_happened(scene: &Scene, story: Option<&RollbackStory>, stack: &StackFacts) -> Check {
    let (name, limit) = (ROLLBACK_HAPPENED, "rolled back");
    if let Some(story) = story {
        let because = match (story.trigger_slot, &story.trigger_error) {
            (Some(0), Some(error)) => format!("Swarm rolled back; a task {error}"),
            (Some(slot), Some(error)) => format!("Swarm rolled back; slot {slot} {error}"),
            _ => "Swarm rolled back".to_owned(),
        };
        return Check::new(name, Verdict::Pass, "rolled back", limit, because);
    }
    let state = scene.final_state();
    let (verdict, unknown) = about_the_end(scene, false);
    let because = unknown.unwrap_or_else(|| match state {
        UpdateState::Paused => with_failure(scene, "Swarm paused the update"),
        UpdateState::Completed => "Swarm completed the broken update".to_owned(),
        UpdateState::None => "Swarm did not start an update".to_owned(),
        _ => unfinished(scene, "the broken update"),
    });
    Check::new(name, verdict, state.as_str(), limit, because)
        .remedy_if_failed(state_fix(scene, stack).sentence())
}

fn rollback_completed(scene: &Scene, story: Option<&RollbackStory>, stack: &StackFacts) -> Check {
    let completed = story.is_some_and(|story| story.completed_at.is_some());
    let state = scene.final_state();
    // A later `completed` is a repair of slots that the rollback had missed; it counts as an
    // update for Swarm, and the spec is the previous one all the same.
    let repaired = completed && state == UpdateState::Completed;
    let good = completed && (state == UpdateState::RollbackCompleted || repaired);
    let (verdict, unknown) = about_the_end(scene, good);
    let because = unknown.unwrap_or_else(|| match state {
        _ if repaired => "Swarm completed the rollback, then repaired a slot that it had missed \
                          and overwrote the state with `completed`"
            .to_owned(),
        _ if good => "Swarm completed the rollback".to_owned(),
        UpdateState::RollbackPaused => "the rollback failed too, and Swarm paused it".to_owned(),
        UpdateState::Completed if story.is_some() => {
            "the state went from a rollback to `completed` without `rollback_completed`".to_owned()
        }
        _ if story.is_none() => "there was no rollback to complete".to_owned(),
        _ => unfinished(scene, "the rollback"),
    });
    Check::new("rollback-completed", verdict, state.as_str(), "rollback_completed", because)
        .remedy_if_failed(state_fix(scene, stack).sentence())
}

/// Every replica runs the wanted version in the end.
pub(super) fn every_slot(scene: &Scene, name: &'static str, version: &str) -> Check {
    let wanted = scene.wanted_generation();
    let mut places: Vec<_> = scene.tasks.serving_last(wanted).map(TaskLife::place).collect();
    places.sort_unstable();
    places.dedup();
    let (found, replicas) = (places.len() as u64, scene.wanted_replicas());
    let (verdict, unknown) = about_the_end(scene, found >= replicas);
    let because = unknown.unwrap_or_else(|| {
        if found >= replicas {
            return format!("every replica runs the {version} version");
        }
        let running: Vec<_> = scene.tasks.wanted().filter(|life| life.running.is_some()).collect();
        let others = running.iter().filter(|life| life.last.generation != wanted).count() as u64;
        let other = if version == "new" { "previous" } else { "new" };
        let missing = replicas - found;
        match (replicas, others) {
            (1, 0) => "the replica does not run".to_owned(),
            (1, _) => format!("the replica still runs the {other} version"),
            _ if others >= missing && missing == replicas => {
                format!("all {} still run the {other} version", counted(replicas, "replica"))
            }
            _ if others >= missing => format!(
                "{} of {} still run the {other} version",
                count(missing),
                counted(replicas, "replica")
            ),
            _ => format!(
                "only {} of {} run the {version} version",
                count(found),
                counted(replicas, "replica")
            ),
        }
    });
    let limit = format!("{replicas} of {replicas}");
    Check::new(name, verdict, format!("{found} of {replicas}"), limit, because)
        .remedy_if_failed(TASK_ERRORS)
}

/// No task is left that nobody needs.
fn no_leftover_tasks(scene: &Scene) -> Check {
    let wanted = scene.tasks.wanted().count() as u64;
    let extra = wanted.saturating_sub(scene.wanted_replicas());
    let (verdict, unknown) = about_the_end(scene, extra == 0);
    Check::new(
        "no-leftover-tasks",
        verdict,
        counted(wanted, "task"),
        format!("at most {}", scene.wanted_replicas()),
        unknown.unwrap_or_else(|| match extra {
            0 => "no task is left over".to_owned(),
            _ => counted(extra, "leftover task") + &crowded(scene),
        }),
    )
    .remedy_if_failed(LEFTOVER)
}

/// The first slot with more than one task, if any: `: slot 1 has 2 tasks`. A task that is restarted
/// while the rollback makes one for its slot too is the usual way to get there; Swarm repairs that when
/// it next looks at the service.
pub(super) fn crowded(scene: &Scene) -> String {
    let mut tasks: BTreeMap<_, u64> = BTreeMap::new();
    for life in scene.tasks.wanted().filter(|life| life.last.slot > 0) {
        *tasks.entry(life.last.slot).or_default() += 1;
    }
    let crowded = tasks.into_iter().find(|(_, tasks)| *tasks > 1);
    crowded.map_or_else(String::new, |(slot, tasks)| {
        format!(": slot {slot} has {}", counted(tasks, "task"))
    })
}

/// The service has the spec it should have in the end.
fn spec(scene: &Scene, name: &'static str, wanted: SpecMatch) -> Check {
    let word = |spec| match spec {
        SpecMatch::Submitted => "the submitted spec",
        SpecMatch::Previous => "the previous spec",
        SpecMatch::Other => "a third spec",
        SpecMatch::Unknown => "unknown",
    };
    let (mut verdict, unknown) = about_the_end(scene, scene.spec == wanted);
    if scene.spec == SpecMatch::Unknown {
        verdict = Verdict::Inconclusive;
    }
    let because = unknown.unwrap_or_else(|| match (scene.spec, wanted) {
        (SpecMatch::Unknown, _) => "the service's spec could not be read in the end".to_owned(),
        (found, wanted) if found == wanted => format!("the service has {}", word(found)),
        (SpecMatch::Other, _) => "the service was changed by something else".to_owned(),
        (SpecMatch::Submitted, _) => "Swarm kept the broken version".to_owned(),
        (SpecMatch::Previous, _) => "Swarm went back to the previous version".to_owned(),
    });
    Check::new(name, verdict, word(scene.spec), word(wanted), because)
}

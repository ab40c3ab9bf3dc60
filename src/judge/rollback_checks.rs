//! What is checked when a rollback is expected.

use super::end_checks::{about_the_end, every_slot, no_leftover_tasks, spec};
use super::scene::Scene;
use super::update_checks::unfinished_remedy;
use super::{Check, RollbackStory, Verdict};
use crate::record::SpecMatch;
use crate::swarm::{FailureAction, UpdatePolicy, UpdateState};

/// The checks on a broken update.
pub(super) fn rollback_checks(
    scene: &Scene,
    story: Option<&RollbackStory>,
    policy: &UpdatePolicy,
) -> Vec<Check> {
    vec![
        happened(scene, story, policy),
        completed(scene, story),
        spec(scene, "spec-restored", SpecMatch::Previous),
        every_slot(scene, "every-slot-on-old-version", "previous"),
        no_leftover_tasks(scene),
    ]
}

fn happened(scene: &Scene, story: Option<&RollbackStory>, policy: &UpdatePolicy) -> Check {
    let (name, limit) = ("rollback-happened", "rolled back");
    if let Some(story) = story {
        let because = match (&story.trigger_slot, &story.trigger_error) {
            (Some(slot), Some(error)) => {
                format!("Swarm rolled back because a task of slot {slot} failed: {error}")
            }
            _ => "Swarm rolled back by itself".to_owned(),
        };
        return Check::new(name, Verdict::Pass, "rolled back", limit, because);
    }
    let state = scene.final_state();
    let (verdict, unknown) = about_the_end(scene, false);
    let because = unknown.unwrap_or_else(|| match state {
        UpdateState::Paused => "Swarm noticed the failure and only paused the update".to_owned(),
        UpdateState::Completed => "Swarm called the broken update completed".to_owned(),
        UpdateState::None => "Swarm did not start an update".to_owned(),
        _ => match scene.end.deadline() {
            Some(text) => format!("the broken update did not end in time: {text}"),
            None => format!("the broken update's last state is {state}"),
        },
    });
    let remedy = match state {
        UpdateState::Completed if policy.failure_action == FailureAction::Continue => {
            "set `update_config.failure_action: rollback`: with `continue` Swarm does not look at \
             failures at all"
                .to_owned()
        }
        UpdateState::Completed => format!(
            "give the service a `healthcheck` that notices the failure, and set \
             `update_config.monitor` (now {} s) above the time it needs for that; \
             `max_failure_ratio` is {}",
            policy.monitor, policy.max_failure_ratio
        ),
        UpdateState::None => "check that the change replaces tasks at all".to_owned(),
        _ => unfinished_remedy(state, policy),
    };
    Check::new(name, verdict, state.as_str(), limit, because).remedy_if_failed(remedy)
}

fn completed(scene: &Scene, story: Option<&RollbackStory>) -> Check {
    let completed = story.is_some_and(|story| story.completed_at.is_some());
    let state = scene.final_state();
    // A later `completed` is a repair of slots that the rollback had missed; it counts as an
    // update for Swarm, and the spec is that from before all the same.
    let repaired = completed && state == UpdateState::Completed;
    let good = completed && (state == UpdateState::RollbackCompleted || repaired);
    let (verdict, unknown) = about_the_end(scene, good);
    let because = unknown.unwrap_or_else(|| match state {
        _ if repaired => "Swarm completed the rollback, then found a slot that it had missed, \
                          repaired it and overwrote the state with `completed`"
            .to_owned(),
        _ if good => "Swarm called the rollback completed".to_owned(),
        UpdateState::RollbackPaused => "the rollback failed too and was paused".to_owned(),
        UpdateState::Completed if story.is_some() => {
            "the state went from a rollback to `completed` without `rollback_completed`".to_owned()
        }
        _ if story.is_none() => "there was no rollback to complete".to_owned(),
        _ => match scene.end.deadline() {
            Some(text) => format!("the rollback did not end in time: {text}"),
            None => format!("the last state is {state}"),
        },
    });
    let remedy = match state {
        UpdateState::Completed => {
            "set `update_config.delay` to some seconds, and `rollback_config.failure_action` to \
             `pause` or `continue`"
        }
        _ if story.is_none() => "see `rollback-happened`",
        _ => {
            "check that the version from before still starts and gets healthy, and give \
             `rollback_config` settings of its own"
        }
    };
    Check::new("rollback-completed", verdict, state.as_str(), "rollback_completed", because)
        .remedy_if_failed(remedy)
}

//! What is checked when an update, or no change, is expected.

use super::end_checks::{about_the_end, every_slot, no_leftover_tasks, spec};
use super::scene::Scene;
use super::{Check, Verdict};
use crate::record::SpecMatch;
use crate::swarm::{UpdatePolicy, UpdateState};

/// The checks on a good update.
pub(super) fn update_checks(scene: &Scene, policy: &UpdatePolicy) -> Vec<Check> {
    vec![
        completed(scene, policy),
        not_rolled_back(scene),
        spec(scene, "spec-is-submitted", SpecMatch::Submitted),
        every_slot(scene, "every-slot-on-new-version", "new"),
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
        .count();
    let (verdict, unknown) = about_the_end(scene, new == 0);
    let replaced = Check::new(
        "nothing-replaced",
        // A task that was replaced is proven whatever happened later.
        if new > 0 { Verdict::Fail } else { verdict },
        format!("{new} new tasks"),
        "no new task",
        unknown.unwrap_or_else(|| match new {
            0 => "no task was replaced".to_owned(),
            _ => "Swarm replaced tasks for a change that should replace none".to_owned(),
        }),
    );
    vec![replaced, every_slot(scene, "every-slot-on-old-version", "same"), no_leftover_tasks(scene)]
}

fn completed(scene: &Scene, policy: &UpdatePolicy) -> Check {
    let state = scene.final_state();
    // Swarm gives no state if there was nothing to replace.
    let nothing_to_do = state == UpdateState::None && scene.new_generation() == scene.old;
    let good = (state == UpdateState::Completed && !scene.rolled_back()) || nothing_to_do;
    let (verdict, unknown) = about_the_end(scene, good);
    let because = unknown.unwrap_or_else(|| match state {
        _ if nothing_to_do => "there was nothing to replace".to_owned(),
        _ if good => "Swarm called the update completed".to_owned(),
        UpdateState::Paused => format!("Swarm paused the update{}", last_message(scene)),
        _ if scene.rolled_back() => {
            format!("Swarm rolled the update back{}", last_message(scene))
        }
        _ => match scene.end.deadline() {
            Some(text) => format!("the update did not end in time: {text}"),
            None => format!("the update's last state is {state}"),
        },
    });
    Check::new("update-completed", verdict, state.as_str(), "completed", because)
        .remedy_if_failed(unfinished_remedy(state, policy))
}

fn not_rolled_back(scene: &Scene) -> Check {
    let rolled_back = scene.rolled_back();
    let (verdict, unknown) = about_the_end(scene, !rolled_back);
    let because = if rolled_back {
        format!("Swarm rolled back{}", last_message(scene))
    } else {
        unknown.unwrap_or_else(|| "no sign of a rollback was seen".to_owned())
    };
    Check::new(
        "not-rolled-back",
        // One sight is proof.
        if rolled_back { Verdict::Fail } else { verdict },
        if rolled_back { "rolled back" } else { "not rolled back" },
        "not rolled back",
        because,
    )
    .remedy_if_failed("look at the error of the task that failed")
}

/// The engine's last message that says more than the state.
fn last_message(scene: &Scene) -> String {
    let told = scene.states.iter().map(|state| state.2).rfind(|told| told.contains("due to"));
    told.map(|message| format!(": {message}")).unwrap_or_default()
}

/// What to change for an update that came to this state.
pub(super) fn unfinished_remedy(state: UpdateState, policy: &UpdatePolicy) -> String {
    match state {
        UpdateState::Paused => {
            "set `update_config.failure_action: rollback`, so that Swarm returns to the version \
             that worked; a paused update stays half done until somebody acts"
                .to_owned()
        }
        UpdateState::RollbackPaused => "find out why the version from before fails too, and set \
             `rollback_config.failure_action: pause` or `continue` as you need it"
            .to_owned(),
        UpdateState::Updating | UpdateState::RollbackStarted => {
            "a task that can be neither started nor called unhealthy keeps Swarm waiting for ever: \
             look for placement, images, and a `healthcheck` with a long `start_period` or many \
             `retries`"
                .to_owned()
        }
        _ => format!(
            "look at the tasks' errors; `update_config.monitor` is {} s: a failure that shows \
             later than that is not noticed",
            policy.monitor
        ),
    }
}

//! What to change where Swarm did not do with a change what was expected; values come from the
//! stack's own numbers.

use std::collections::BTreeMap;

use super::fix::Fix;
use super::loss_fixes::healthcheck;
use super::remedies::{NODE, TASK_ERRORS};
use super::scene::Scene;
use super::task_failure::TaskFailure;
use super::tasks::TaskLife;
use super::waiting_fixes::{cannot_start, stuck};
use crate::Offset;
use crate::record::{Expects, StackFacts};
use crate::remedy::{self, Remedy, rules, whole_seconds_above};
use crate::swarm::{FailureAction, HealthCheck, Order, UpdateState};

/// How long Swarm may need to hear of a task's end.
const SWARM_SEES: Offset = Offset::from_millis(500);

/// What to change for a service that is in a state which was not expected.
pub(super) fn state_fix(scene: &Scene, stack: &StackFacts) -> Fix {
    match scene.final_state() {
        // A version that should have worked needs a repair, whatever Swarm made of it.
        UpdateState::Paused if scene.expects == Expects::Update => failing_version(scene),
        UpdateState::Completed if scene.expects == Expects::Update && scene.rolled_back() => {
            failing_version(scene)
        }
        UpdateState::Paused => roll_back(stack),
        UpdateState::Updating | UpdateState::RollbackStarted => stuck(scene, stack),
        UpdateState::RollbackPaused => failed_rollback(stack),
        UpdateState::Completed if scene.rolled_back() => failed_rollback(stack),
        UpdateState::Completed if scene.expects == Expects::Rollback => not_noticed(scene, stack),
        UpdateState::None => Fix::text("check that the change replaces tasks at all"),
        _ => failing_version(scene),
    }
}

/// A version that should have worked failed.
fn failing_version(scene: &Scene) -> Fix {
    if let Some(loss) = scene.nodes.first().filter(|_| scene.is_stopped_by_a_node()) {
        return Fix::text(loss.remedy());
    }
    let Some(life) = scene.failed_task() else { return Fix::text(TASK_ERRORS) };
    match life.failure() {
        Some(TaskFailure::Unhealthy(_)) => Fix::about(
            "healthcheck",
            "make the new version pass its health check, or give it more time to start: \
             `healthcheck.start_period`",
        )
        .by(rules::SLOW_START_KILLED),
        Some(TaskFailure::OutOfMemory) => {
            Fix::text("give the service more memory: `deploy.resources.limits.memory`")
        }
        Some(TaskFailure::Lost) | None => Fix::text(NODE),
        Some(
            TaskFailure::Rejected { error }
            | TaskFailure::NotStarted { error }
            | TaskFailure::StartFailed { error },
        ) => cannot_start(&error),
        Some(_) => Fix::text(format!(
            "fix what makes the new version end: `docker service logs {}` shows it",
            scene.service
        )),
    }
}

/// A version that worked before failed when Swarm returned to it.
fn failed_rollback(stack: &StackFacts) -> Fix {
    if stack.rollback_config.failure_action == FailureAction::Rollback {
        return Fix::Set(remedy::pause_a_rollback());
    }
    Fix::about(
        "rollback_config.failure_action",
        "find out why the previous version fails too: no setting repairs that. Leave \
         `rollback_config.failure_action` at `pause`: with `rollback` Swarm calls a rollback that \
         failed `completed`",
    )
}

pub(super) fn roll_back(stack: &StackFacts) -> Fix {
    Fix::Set(remedy::roll_back(&stack.update_config, &stack.rollback_config))
}

/// The broken version was not noticed: everything that kept Swarm from it.
fn not_noticed(scene: &Scene, stack: &StackFacts) -> Fix {
    let policy = &stack.update_config;
    let failures = Failures::of(scene, stack);
    let rolls_back = || remedy::roll_back(policy, &stack.rollback_config);
    let mut remedies: Vec<Remedy> = Vec::new();
    if policy.failure_action == FailureAction::Continue {
        remedies.push(rolls_back());
    } else if failures.slots == 0 {
        return match stack.healthcheck {
            None => healthcheck(stack),
            Some(_) => Fix::about(
                "healthcheck",
                "make the `healthcheck` notice the failure: the broken version passed it",
            ),
        };
    }
    let counted = |slots: u64| f64::from(u32::try_from(slots).unwrap_or(u32::MAX));
    let share = policy.max_failure_ratio * counted(scene.replicas);
    if failures.slots > 0 && counted(failures.slots) <= share {
        remedies.push(remedy::no_tolerance());
    }
    let monitor = whole_seconds_above(failures.noticed_after);
    if failures.slots > 0 && monitor > policy.monitor {
        remedies.push(remedy::longer_monitor(monitor, failures.late));
    }
    if remedies.is_empty() {
        return Fix::about(
            "update_config.monitor",
            "set a longer `update_config.monitor`: a failure that Swarm looks at later than that \
             after the task's start does not count, and it looks at none while the last tasks start",
        )
        .by(rules::FAILURE_LOST);
    }
    if policy.failure_action == FailureAction::Pause {
        remedies.push(rolls_back());
    }
    together(remedies).map_or_else(|| Fix::text(TASK_ERRORS), Fix::Set)
}

/// Several remedies as one: the first one decides.
fn together(remedies: Vec<Remedy>) -> Option<Remedy> {
    remedies.into_iter().reduce(|first, other| first.and(other.settings))
}

/// Failed tasks of the new version.
struct Failures {
    /// How many slots had one.
    slots: u64,
    /// How long after such a task's start Swarm may look at its failure, in seconds, at worst. It
    /// looks at none from when it has handed out the last slot until every new task runs, or has
    /// failed, and the last delay is over (swarmkit `updater.Run`).
    noticed_after: f64,
    /// Whether one of them was sound before.
    late: bool,
}

impl Failures {
    fn of(scene: &Scene, stack: &StackFacts) -> Self {
        let new = scene.new_generation();
        let of_new = || {
            let lives = scene.tasks.lives.iter();
            lives.filter(|life| life.last.generation == new && scene.is_of_this(life))
        };
        let failed = |life: &TaskLife| life.failed.or(life.unhealthy);
        // Swarm takes a task for started when it runs or has ended.
        let started = |life: &TaskLife| life.running.or_else(|| failed(life));
        // Replacements of failed tasks come from elsewhere: the first of a slot is the update's.
        let mut first: BTreeMap<_, &TaskLife> = BTreeMap::new();
        for life in of_new() {
            let known = first.entry(life.place()).or_insert(life);
            if life.first_seen < known.first_seen {
                *known = life;
            }
        }
        let handed_out = first.values().map(|life| life.first_seen).max().unwrap_or_default();
        let all_started = first.values().filter_map(|life| started(life)).max().unwrap_or_default();
        let looks_again = all_started + Offset::from_secs_f64(stack.update_config.delay);
        let detection = stack.healthcheck.as_ref().map_or(0.0, detection);
        let (mut slots, mut noticed_after, mut late) = (0, 0.0_f64, false);
        for life in first.values() {
            let (Some(at), Some(from)) = (failed(life), started(life)) else { continue };
            slots += 1;
            let looked = if at <= handed_out { at } else { at.max(looks_again) };
            noticed_after = noticed_after.max((looked - from + SWARM_SEES).as_secs_f64());
            // Another time it may take as long as the health check allows.
            if life.unhealthy.is_some() && life.running.is_some() {
                noticed_after = noticed_after.max(detection);
                late = true;
            }
        }
        Self { slots, noticed_after, late }
    }
}

/// How long a failing health check takes to make a task unhealthy, in seconds.
fn detection(check: &HealthCheck) -> f64 {
    let retries = f64::from(u32::try_from(check.retries).unwrap_or(u32::MAX));
    retries * (check.interval + check.timeout) + check.start_period
}

/// What to change for replicas that were missing.
pub(super) fn capacity_fix(scene: &Scene, stack: &StackFacts) -> Fix {
    if let Some(loss) = scene.nodes.first() {
        return Fix::text(loss.remedy());
    }
    let policy = &stack.update_config;
    let touched = scene.touched_before_rollback();
    if scene.rolled_back() && policy.parallelism > 0 && touched > policy.parallelism {
        return Fix::Set(remedy::longer_delay(policy));
    }
    if policy.order == Order::StartFirst && stack.healthcheck.is_none() {
        return healthcheck(stack);
    }
    Fix::text(TASK_ERRORS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_check_takes_all_its_retries() {
        let check = HealthCheck {
            test: vec![],
            interval: 5.0,
            timeout: 3.0,
            retries: 3,
            start_period: 2.5,
            start_interval: None,
        };
        assert!(
            (whole_seconds_above(detection(&check)) - 27.0).abs() < 1e-9,
            "24 s and 2.5 s before"
        );
    }
}

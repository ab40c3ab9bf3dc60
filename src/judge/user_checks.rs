//! What is checked for the users' sake in every scenario.

use std::collections::BTreeSet;

use super::scene::Scene;
use super::{Capacity, CauseGroup, Check, StreamStats, Verdict};
use crate::record::{Expects, StackFacts};
use crate::swarm::Order;

/// What keeps failed requests from proving anything.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doubt {
    /// Requests failed before the change too.
    pub baseline: bool,
    /// The target that no update touches failed too.
    pub control: bool,
    /// How many of the failed requests a busy machine can account for.
    pub busy: u64,
}

/// No request failed.
pub(super) fn no_failed_requests(
    streams: &[&StreamStats],
    causes: &[CauseGroup],
    doubt: Doubt,
) -> Check {
    let sent: u64 = streams.iter().map(|stream| stream.sent).sum();
    let failed: u64 = streams.iter().map(|stream| stream.failed).sum();
    let longest = streams.iter().map(|stream| stream.longest_gap_s).max().unwrap_or_default();
    let total = streams.iter().map(|stream| stream.total_bad_s).max().unwrap_or_default();
    let verdict = match failed {
        0 => Verdict::Pass,
        _ if doubt.baseline || doubt.control || failed == doubt.busy => Verdict::Inconclusive,
        _ => Verdict::Fail,
    };
    let because = match verdict {
        Verdict::Pass => "every request was answered as it should be".to_owned(),
        Verdict::Inconclusive if failed == doubt.busy => {
            format!(
                "{failed} answers came late or not in time, and this machine was too busy just then \
                 to tell why"
            )
        }
        Verdict::Inconclusive if doubt.control => {
            "requests failed, but the control target, which no update touches, failed too"
                .to_owned()
        }
        Verdict::Inconclusive => {
            "requests failed, but some had failed before the update too: the update may not be \
             the reason"
                .to_owned()
        }
        Verdict::Fail => {
            let main = causes.first().map_or("unexplained", |group| group.text.as_str());
            format!("users would have noticed: {failed} requests failed; most often: {main}")
        }
    };
    let check = Check::new(
        "no-failed-requests",
        verdict,
        format!(
            "{failed} of {sent} failed, longest gap {:.2} s, {:.2} s bad in all",
            longest.as_secs_f64(),
            total.as_secs_f64()
        ),
        "0 failed",
        because,
    );
    if verdict == Verdict::Inconclusive && failed == doubt.busy {
        return check.remedy("run on a machine with more free processor time, or at a lower rate");
    }
    match causes.first().and_then(|group| group.remedy) {
        Some(remedy) => check.remedy(remedy),
        None => check,
    }
}

/// Enough replicas ran at all times.
pub(super) fn capacity(scene: &Scene, capacity: Option<&Capacity>, stack: &StackFacts) -> Check {
    let (update, rollback) = (&stack.update_config, &stack.rollback_config);
    let allowed = match scene.expects {
        Expects::Update if update.order == Order::StartFirst => 0,
        Expects::Update => update.at_once(scene.replicas),
        // One of the two at a time: a rollback stops tasks that did not run anyway. Start-first
        // is no promise here: where the failed task's restart and the rollback both put a good
        // task in a slot, Swarm takes the slot for changed and replaces its healthy task too.
        Expects::Rollback => update.at_once(scene.replicas).max(rollback.at_once(scene.replicas)),
        Expects::NoChange => 0,
    };
    let least = scene.replicas.saturating_sub(allowed);
    let limit = format!("at least {least} running");
    let Some(capacity) = capacity else {
        return Check::new(
            "capacity",
            Verdict::Inconclusive,
            "unknown",
            limit,
            "no task of the service was seen",
        );
    };
    let measured = format!("{} running, {} serving", capacity.min_running, capacity.min_serving);
    if capacity.min_running >= least {
        let because = format!("there were never fewer than {} replicas", capacity.min_running);
        return Check::new("capacity", Verdict::Pass, measured, limit, because);
    }
    let before = capacity.steps.first().map_or(0, |step| step.running);
    if before < scene.replicas {
        return Check::new(
            "capacity",
            Verdict::Inconclusive,
            measured,
            limit,
            format!("only {before} of {} replicas were running before the change", scene.replicas),
        )
        .remedy("let the service come to rest first, and look at its tasks' errors");
    }
    let touched = touched_before_rollback(scene);
    let policy = &stack.update_config;
    let over = scene.rolled_back() && policy.parallelism > 0 && touched > policy.parallelism;
    let (because, remedy) = if over {
        (
            format!(
                "Swarm had begun {touched} slots before it reacted to the failure, more than the \
                 {} at once that were asked for",
                policy.parallelism
            ),
            "set `update_config.delay` to some seconds: without it Swarm hands out the next slots \
             before it looks at a failure",
        )
    } else {
        (
            format!("only {} replicas were running at the lowest point", capacity.min_running),
            "look at the tasks' errors; `order: start-first` starts a new task before it stops the \
             old one",
        )
    };
    Check::new("capacity", Verdict::Fail, measured, limit, because).remedy(remedy)
}

/// How many slots had got a task of the new version when the rollback began.
fn touched_before_rollback(scene: &Scene) -> u64 {
    let Some(rollback) = scene.rollback_seen() else { return 0 };
    let new = scene.new_generation();
    let stopped: BTreeSet<_> = scene
        .tasks
        .lives
        .iter()
        .filter(|life| {
            life.last.generation != new
                && life.running.is_some()
                && life
                    .told_to_stop
                    .is_some_and(|told| told >= scene.submitted_at() && told <= rollback)
        })
        .map(super::task_life::TaskLife::place)
        .collect();
    stopped.len() as u64
}

//! What is checked for the users' sake in every scenario.

use std::collections::BTreeMap;

use super::capacity::Capacity;
use super::cause::{Cause, CauseGroup};
use super::check::{Check, Verdict};
use super::explained::Explained;
use super::fixes::capacity_fix;
use super::remedies::{FREE_MACHINE, SOUND_FIRST};
use super::scene::Scene;
use super::stream_stats::StreamStats;
use crate::record::{Expects, Outcome, StackFacts};
use crate::swarm::Order;
use crate::wording::{count, counted, length};

/// No request failed.
pub(super) fn no_failed_requests(
    streams: &[&StreamStats],
    explained: &Explained,
    control_failed: bool,
) -> Check {
    let causes = explained.causes.as_slice();
    let sent: u64 = streams.iter().map(|stream| stream.sent).sum();
    let failed: u64 = streams.iter().map(|stream| stream.failed).sum();
    let longest = streams.iter().map(|stream| stream.longest_gap_s).max().unwrap_or_default();
    let total = streams.iter().map(|stream| stream.total_bad_s).max().unwrap_or_default();
    let verdict = match (failed, explained.proof) {
        (0, _) => Verdict::Pass,
        (_, 0) => Verdict::Inconclusive,
        _ if control_failed => Verdict::Inconclusive,
        _ => Verdict::Fail,
    };
    let requests = counted(failed, "request");
    let busy = explained.busy == failed;
    let because = match verdict {
        Verdict::Pass => "no request failed".to_owned(),
        Verdict::Inconclusive if busy => format!(
            "{requests} came late or not in time, and the machine was too busy then to tell why"
        ),
        Verdict::Inconclusive if control_failed => format!(
            "{requests} failed, but so did requests to the control target, which no update touches"
        ),
        Verdict::Inconclusive if explained.unseen > 0 && explained.as_before == 0 => {
            format!("{requests} failed while the engine did not respond")
        }
        Verdict::Inconclusive => format!(
            "{requests} failed, but some had failed before the update too: the update may not be \
             the reason"
        ),
        Verdict::Fail => match causes {
            [] => format!("{requests} lost"),
            [only] => in_words(&requests, only, streams),
            [first, ..] => {
                let most = format!("{} of {requests}", count(first.failed));
                in_words(&most, first, streams)
            }
        },
    };
    let measured = format!(
        "{} of {} failed, longest gap {}, {} without an answer in all",
        count(failed),
        count(sent),
        length(longest),
        length(total)
    );
    let check = Check::new("no-failed-requests", verdict, measured, "0 failed", because);
    if verdict == Verdict::Inconclusive && busy {
        return check.remedy(FREE_MACHINE);
    }
    match causes.first().and_then(|group| group.remedy.as_ref()) {
        Some(remedy) => check.remedy(remedy),
        None => check,
    }
}

/// Why so many requests were lost, in one sentence.
pub(super) fn in_words(how_many: &str, group: &CauseGroup, streams: &[&StreamStats]) -> String {
    if group.cause != Cause::Unexplained {
        return format!("{how_many} lost: {}", group.text);
    }
    match most_failed(streams) {
        Some(Outcome::WrongStatus | Outcome::AppError) => {
            format!("{how_many} got another status than the expected one")
        }
        Some(Outcome::WrongBody) => format!("{how_many} got another body than the expected one"),
        Some(class) => format!("{how_many} lost ({class}): no task changed near them"),
        None => format!("{how_many} lost"),
    }
}

/// How most of the failed requests failed.
pub(super) fn most_failed(streams: &[&StreamStats]) -> Option<Outcome> {
    let mut classes = BTreeMap::new();
    for (class, failed) in streams.iter().flat_map(|stream| &stream.failed_by_class) {
        *classes.entry(*class).or_insert(0) += failed;
    }
    classes.into_iter().max_by_key(|class: &(Outcome, u64)| class.1).map(|class| class.0)
}

/// Enough replicas ran at all times; or served, if the user says how many are enough.
pub(super) fn capacity(
    scene: &Scene,
    capacity: Option<&Capacity>,
    stack: &StackFacts,
    enough: Option<u64>,
) -> Check {
    let replicas = scene.least_replicas();
    let (update, rollback) = (&stack.update_config, &stack.rollback_config);
    let allowed = match scene.expects {
        Expects::Update if update.order == Order::StartFirst => 0,
        Expects::Update => update.at_once(replicas),
        // One of the two at a time: a rollback stops tasks that did not run anyway. Start-first
        // is no promise here: where the failed task's restart and the rollback both put a good
        // task in a slot, Swarm takes the slot for changed and replaces its healthy task too.
        // What failed after it had been running is missing on top of what the rollback stops.
        Expects::Rollback => {
            let stopped = match rollback.order {
                Order::StartFirst => 0,
                _ => rollback.at_once(replicas),
            };
            let late = scene.failed_late() + stopped;
            update.at_once(replicas).max(rollback.at_once(replicas)).max(late)
        }
        // A scenario that declares what must happen declares the lowest capacity too.
        Expects::NoChange | Expects::Declared => 0,
    };
    let least = enough.unwrap_or_else(|| replicas.saturating_sub(allowed));
    let limit =
        format!("at least {least} {}", if enough.is_some() { "serving" } else { "running" });
    let check = |verdict, measured: &str, because: String| {
        Check::new("capacity", verdict, measured, limit.as_str(), because)
    };
    let Some(capacity) = capacity else {
        let because = "no task of the service was seen".to_owned();
        return check(Verdict::Inconclusive, "unknown", because);
    };
    if let Some(unknown) = scene.unknown().filter(|_| scene.submitted.is_none()) {
        return check(Verdict::Inconclusive, "unknown", unknown);
    }
    let measured = format!("{} running, {} serving", capacity.min_running, capacity.min_serving);
    // The tasks of a node that is lost or drained serve nobody from then on, whatever Swarm's list
    // says of them.
    let (fewest, doing) = if scene.nodes.is_empty() && enough.is_none() {
        (capacity.min_running, "running")
    } else {
        (capacity.min_serving, "serving")
    };
    let of = counted(replicas, "replica");
    let lowest = format!("{fewest} of {of} {doing} at the lowest point");
    if fewest >= least {
        return check(Verdict::Pass, &measured, lowest);
    }
    let before = capacity.steps.first().map_or(0, |step| step.running);
    if before < replicas {
        let because = format!(
            "only {before} of {} were running before the change",
            counted(replicas, "replica")
        );
        return check(Verdict::Inconclusive, &measured, because).remedy(SOUND_FIRST);
    }
    if let Some(loss) = scene.nodes.first() {
        let because =
            format!("only {fewest} of {of} were {doing} at the lowest point: {}", loss.what());
        return check(Verdict::Fail, &measured, because).remedy(loss.remedy());
    }
    let touched = scene.touched_before_rollback();
    let at_once = update.parallelism;
    let because = if enough.is_some() {
        format!("only {fewest} of {of} served at the lowest point; {least} wanted")
    } else if scene.rolled_back() && at_once > 0 && touched > at_once {
        format!(
            "Swarm had begun {} before it reacted to the failure, more than the parallelism of \
             {at_once}",
            counted(touched, "slot")
        )
    } else {
        format!("only {}", lowest.replace(" running", " were running"))
    };
    check(Verdict::Fail, &measured, because).remedy(capacity_fix(scene, stack).sentence())
}

//! All failed requests of a scenario, explained.

use std::collections::HashMap;

use super::attribution::{Attribution, Finding};
use super::holder::Holder;
use super::scene::Scene;
use super::times::Times;
use super::{Cause, CauseGroup, Failure, Limits};
use crate::Offset;
use crate::record::{Outcome, Purpose, Run, Shot, StreamFacts};

/// All failed requests of the users' streams of a scenario.
pub(super) struct Explained {
    /// The first of them, one by one.
    pub failures: Vec<Failure>,
    /// All of them by cause, the greatest group first.
    pub causes: Vec<CauseGroup>,
    /// How many were late because this program sent them late.
    pub own_lag: u64,
    /// How many more a starved machine could account for.
    pub soft: u64,
    /// How many of those fell into times in which the machine was starved.
    pub starved: u64,
}

/// Explains every failed request; lists the first and groups all.
pub(super) fn explain_all(
    run: &Run,
    scene: &Scene,
    attribution: &Attribution,
    starved_times: &Times,
    limits: &Limits,
) -> Explained {
    let mut failed: Vec<(&StreamFacts, &Shot)> = run
        .shots
        .iter()
        .filter(|(facts, _)| facts.purpose == Purpose::Users)
        .flat_map(|(facts, shots)| shots.iter().map(move |shot| (facts, shot)))
        .filter(|(_, shot)| {
            shot.outcome.is_failure()
                && shot.intended >= scene.started
                && shot.intended < scene.ended
        })
        .collect();
    failed.sort_by_key(|(_, shot)| shot.intended);

    let mut groups: HashMap<Cause, (CauseGroup, Option<Holder>)> = HashMap::new();
    let (mut own_lag, mut soft, mut starved) = (0, 0, 0);
    for (facts, shot) in &failed {
        let Finding { cause, holder, .. } = attribution.find(facts, shot);
        match cause {
            Cause::OwnLag => own_lag += 1,
            // Swarm's own account says why: no doubt is left.
            Cause::NoHealthyReplica | Cause::HeldByProxy => {}
            _ => {
                let then = starved_times.touch(shot.began(), shot.ended());
                if is_soft(shot.outcome) || (then && is_given_up(facts, shot)) {
                    soft += 1;
                    starved += u64::from(then);
                }
            }
        }
        let (group, holders) = groups.entry(cause).or_insert_with(|| {
            let group = CauseGroup {
                cause,
                text: String::new(),
                failed: 0,
                streams: Vec::new(),
                first_at: shot.intended,
                last_at: shot.intended,
                remedy: cause.remedy(),
            };
            (group, holder)
        });
        // What is not known of one is not said of all.
        *holders = holders.zip(holder).map(|(some, other)| some.and(other));
        group.failed += 1;
        group.last_at = shot.intended;
        if !group.streams.contains(&facts.name) {
            group.streams.push(facts.name.clone());
        }
    }
    let mut causes: Vec<CauseGroup> = groups
        .into_values()
        .map(|(group, holder)| CauseGroup { text: group.cause.sentence(holder), ..group })
        .collect();
    causes.sort_by_key(|group| (std::cmp::Reverse(group.failed), group.cause));
    let listed = failed.iter().take(limits.failures_listed);
    let failures = listed.map(|(facts, shot)| attribution.explain(facts, shot)).collect();
    Explained { failures, causes, own_lag, soft, starved }
}

/// Whether a starved machine can make this of a good answer.
fn is_soft(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Late | Outcome::Timeout | Outcome::ConnectTimeout)
}

/// Whether the proxy gave it up when its answer was overdue, so it may have waited just as well.
fn is_given_up(stream: &StreamFacts, shot: &Shot) -> bool {
    let proxy = matches!(shot.outcome, Outcome::Proxy502 | Outcome::Proxy503 | Outcome::Proxy504);
    let deadline = shot.intended + Offset::from_secs_f64(stream.deadline);
    proxy && shot.done.is_some_and(|done| done > deadline)
}

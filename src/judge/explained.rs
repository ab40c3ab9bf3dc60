//! All failed requests of a scenario, each explained, and how many of them prove something.

use std::collections::HashMap;

use super::attribution::{Attribution, Finding};
use super::baseline::{Baseline, Kind};
use super::cause::{Cause, CauseGroup, FailedRequest, Failure, Holder};
use super::limits::Limits;
use super::scene::Scene;
use crate::record::{Outcome, Purpose, Run, Shot, StreamFacts};
use crate::stats::Times;

/// All failed requests of the users' streams of a scenario.
pub(super) struct Explained {
    /// The first of them, one by one.
    pub failures: Vec<Failure>,
    /// All of them, in few bytes each.
    pub all: Vec<FailedRequest>,
    /// All of them by cause, the greatest group first.
    pub causes: Vec<CauseGroup>,
    /// Those that the probe sent late or that a busy machine can account for.
    pub busy: u64,
    /// Those of a time in which the engine did not respond.
    pub unseen: u64,
    /// Those that failed before the change, or as others did before it.
    pub as_before: u64,
    /// Those that nothing but the change, or what Swarm did, can account for.
    pub proof: u64,
}

/// What a failed request proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    Busy,
    Unseen,
    AsBefore,
    Proof,
}

/// What can excuse failed requests.
pub(super) struct Excuses<'a> {
    pub starved: &'a Times,
    /// Whether requests were sent when they were due.
    pub in_time: bool,
    pub baseline: &'a Baseline,
}

/// Explains every failed request; lists the first and groups all.
pub(super) fn explain_all(
    run: &Run,
    scene: &Scene,
    attribution: &Attribution,
    excuses: &Excuses,
    limits: &Limits,
) -> Explained {
    let within = |shot: &Shot| shot.intended >= scene.started && shot.intended < scene.ended;
    let mut places: Vec<(usize, usize)> = Vec::new();
    let mut sent = 0;
    for (stream, (facts, shots)) in run.shots.iter().enumerate() {
        if facts.purpose != Purpose::Users {
            continue;
        }
        for (place, shot) in shots.iter().enumerate().filter(|(_, shot)| within(shot)) {
            sent += u64::from(shot.outcome != Outcome::Unsent);
            if shot.outcome.is_failure() {
                places.push((stream, place));
            }
        }
    }
    places.sort_by_key(|(stream, place)| run.shots[*stream].1[*place].intended);
    let at =
        |(stream, place): &(usize, usize)| (&run.shots[*stream].0, &run.shots[*stream].1[*place]);
    let failed: Vec<(&StreamFacts, &Shot)> = places.iter().map(at).collect();
    let found: Vec<Finding> =
        failed.iter().map(|(facts, shot)| attribution.find(facts, shot)).collect();

    let mut kinds: HashMap<Kind, u64> = HashMap::new();
    for ((_, shot), finding) in failed.iter().zip(&found) {
        if !matches!(finding.cause, Cause::OwnLag | Cause::BeforeUpdate | Cause::EngineLost) {
            *kinds.entry(Kind::of(shot)).or_insert(0) += 1;
        }
    }
    let weigh = |facts: &StreamFacts, shot: &Shot, cause: Cause| match cause {
        Cause::OwnLag => Weight::Busy,
        Cause::EngineLost => Weight::Unseen,
        Cause::BeforeUpdate => Weight::AsBefore,
        _ => {
            let kind = Kind::of(shot);
            let failed = kinds.get(&kind).copied().unwrap_or(0);
            if excuses.baseline.accounts_for(kind, failed, sent) {
                Weight::AsBefore
            } else if excuses.can_be_busy(facts, shot, cause) {
                Weight::Busy
            } else {
                Weight::Proof
            }
        }
    };

    let mut groups: HashMap<Cause, Group> = HashMap::new();
    let mut explained = Explained {
        failures: Vec::new(),
        all: Vec::with_capacity(places.len()),
        causes: Vec::new(),
        busy: 0,
        unseen: 0,
        as_before: 0,
        proof: 0,
    };
    for ((stream, shot), finding) in places.into_iter().zip(&found) {
        let task = finding.life;
        explained.all.push(FailedRequest { stream, shot, cause: finding.cause, task });
    }
    for ((facts, shot), finding) in failed.iter().zip(&found) {
        match weigh(facts, shot, finding.cause) {
            Weight::Busy => explained.busy += 1,
            Weight::Unseen => explained.unseen += 1,
            Weight::AsBefore => explained.as_before += 1,
            Weight::Proof => explained.proof += 1,
        }
        groups
            .entry(finding.cause)
            .or_insert_with(|| Group::new(finding, shot))
            .take(facts, shot, finding);
    }
    explained.causes = groups.into_values().map(|group| group.finish(attribution)).collect();
    explained.causes.sort_by_key(|group| (std::cmp::Reverse(group.failed), group.cause));
    let listed = failed.iter().zip(&found).take(limits.failures_listed);
    explained.failures =
        listed.map(|((facts, shot), finding)| attribution.explain(facts, shot, finding)).collect();
    explained
}

/// The requests of one cause, while they are collected.
struct Group<'a> {
    first: Finding,
    like: &'a Shot,
    holder: Option<Holder>,
    cause: CauseGroup,
}

impl<'a> Group<'a> {
    fn new(first: &Finding, like: &'a Shot) -> Self {
        let group = CauseGroup {
            cause: first.cause,
            text: String::new(),
            failed: 0,
            streams: Vec::new(),
            first_at: like.shows(),
            last_at: like.shows(),
            answers: Vec::new(),
            remedy: None,
            fix: None,
        };
        Self { first: *first, like, holder: first.holder, cause: group }
    }

    fn take(&mut self, facts: &StreamFacts, shot: &Shot, finding: &Finding) {
        // What is not known of one is not said of all.
        self.holder = self.holder.zip(finding.holder).map(|(some, other)| some.and(other));
        self.first.about = self.first.about.or(finding.about);
        self.cause.failed += 1;
        self.cause.last_at = self.cause.last_at.max(shot.shows());
        if !self.cause.streams.contains(&facts.name) {
            self.cause.streams.push(facts.name.clone());
        }
    }

    fn finish(mut self, attribution: &Attribution) -> CauseGroup {
        self.first.holder = self.holder;
        attribution.word(&mut self.cause, &self.first, self.like);
        self.cause
    }
}

impl Excuses<'_> {
    /// Whether a starved machine can have made this of a good answer.
    fn can_be_busy(&self, facts: &StreamFacts, shot: &Shot, cause: Cause) -> bool {
        // The record says why: no doubt is left.
        if matches!(
            cause,
            Cause::NoHealthyReplica
                | Cause::HeldByProxy
                | Cause::NodeLost
                | Cause::ProxyNotRunning
                | Cause::PortWithdrawn
                | Cause::WrongAnswer
        ) {
            return false;
        }
        let then = self.starved.touch(shot.began(), shot.ended());
        let soft = is_soft(shot.outcome) || (then && is_given_up(facts, shot));
        soft && (then || !self.in_time)
    }
}

/// Whether a starved machine can make this of a good answer.
fn is_soft(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Late | Outcome::Timeout | Outcome::ConnectTimeout)
}

/// Whether the proxy gave it up when its answer was overdue, so it may have waited just as well.
fn is_given_up(stream: &StreamFacts, shot: &Shot) -> bool {
    let proxy = matches!(shot.outcome, Outcome::Proxy502 | Outcome::Proxy503 | Outcome::Proxy504);
    let deadline = shot.intended + crate::Offset::from_secs_f64(stream.deadline);
    proxy && shot.done.is_some_and(|done| done > deadline)
}

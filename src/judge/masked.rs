//! Failures that users did not notice because a proxy most likely hid them.

use serde::Serialize;

use super::request::{is_of_the_connection, is_own_lag, is_through_proxy};
use super::scene::Scene;
use super::transition::Transition;
use crate::Offset;
use crate::record::{Connection, Outcome, Purpose, Run, Shot, StreamFacts};
use crate::stats::{Spread, Times};
use crate::wording::{counted, length};

/// How near a user's failure must be to be the same event as that of a replica.
const SAME: Offset = Offset::from_millis(100);
/// How near an outlier of the control must be to be the same event.
const SHARED: Offset = Offset::from_millis(200);
/// How long after a change of a task a proxy may still meet it.
const REACH: Offset = Offset::from_millis(5_000);
/// A shorter wait is no sign of a second attempt.
const HELD: Offset = Offset::from_millis(40);
/// How many times its stream's usual worst a held answer takes.
const TIMES: i64 = 10;
/// Fewer held answers are a hiccup of the machine: one attempt at a task that is gone is not
/// alone.
const FEWEST: u64 = 3;
/// Fewer answers have no 99 %.
const ANSWERS: usize = 100;

/// How it shows that a proxy hid failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MaskedKind {
    /// Requests sent directly to a replica failed, and no user noticed.
    FailedDirectly,
    /// Good answers took far longer than usual.
    Held,
}

/// Failures that users did not notice: most likely the proxy repeated the requests. It changes
/// no verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Masked {
    /// How it shows.
    pub kind: MaskedKind,
    /// The stream in which it shows.
    pub stream: String,
    /// How many requests.
    pub count: u64,
    /// How long the slowest of them took.
    pub worst_latency_s: Offset,
    /// What it says, and no more than that: one plain sentence.
    pub because: String,
}

impl Masked {
    /// What the streams show of it.
    pub(super) fn all(run: &Run, scene: &Scene) -> Vec<Self> {
        // A proxy repeats nothing over a connection that is held.
        let passes =
            |facts: &StreamFacts| is_through_proxy(facts) && facts.connection != Connection::Held;
        let proxied: Vec<_> = run.shots.iter().filter(|(facts, _)| passes(facts)).collect();
        if proxied.is_empty() {
            return Vec::new();
        }
        let mut masked = failed_directly(run, scene, &proxied);
        masked.extend(held(run, scene, &proxied));
        masked
    }
}

type Stream = (StreamFacts, Vec<Shot>);

fn within<'a>(scene: &Scene, shots: &'a [Shot]) -> impl Iterator<Item = &'a Shot> + use<'a> {
    let (from, to) = (scene.started, scene.ended);
    shots.iter().filter(move |shot| {
        shot.outcome != Outcome::Unsent && shot.intended >= from && shot.intended < to
    })
}

/// Requests sent directly to a serving replica that failed, while no user's did.
fn failed_directly(run: &Run, scene: &Scene, proxied: &[&Stream]) -> Vec<Masked> {
    let of_users = |good: bool| {
        Times::of(proxied.iter().flat_map(|(_, shots)| {
            within(scene, shots)
                .filter(move |shot| shot.outcome.is_failure() != good)
                .map(|shot| (shot.began(), shot.ended()))
        }))
    };
    let (failed, answered) = (of_users(false), of_users(true));
    let of_stream = |(facts, shots): &Stream| {
        let hidden = within(scene, shots).filter(|shot| {
            let at = shot.began();
            let serving = || {
                scene.tasks.asked(shot).is_some_and(|life| scene.tasks.lives[life].serves_at(at))
            };
            // No proxy repeats what is merely slow.
            is_of_the_connection(shot.outcome)
                && shot.outcome != Outcome::Late
                && serving()
                && !failed.touch(at - SAME, at + SAME)
                && answered.touch(at - SAME, at + SAME)
        });
        let (count, worst) = count_and_worst(hidden);
        (count > 0).then(|| Masked {
            kind: MaskedKind::FailedDirectly,
            stream: facts.name.clone(),
            count,
            worst_latency_s: worst,
            because: format!(
                "{} sent directly to a serving replica failed, and none through the proxy failed \
                 within {} of them: most likely the proxy retried, which hid such failures",
                counted(count, "request"),
                length(SAME)
            ),
        })
    };
    let direct = run.shots.iter().filter(|(facts, _)| facts.purpose == Purpose::EachReplica);
    direct.filter_map(of_stream).collect()
}

/// Good answers just after changes of tasks that took far longer than usual, while the control
/// was as usual.
fn held(run: &Run, scene: &Scene, proxied: &[&Stream]) -> Vec<Masked> {
    let changes = Transition::all(&scene.tasks, scene.submitted_at());
    let near = Times::of(changes.iter().map(|change| (change.at, change.at + REACH)));
    let control: Vec<&Stream> =
        run.shots.iter().filter(|(facts, _)| facts.purpose == Purpose::Control).collect();
    // Without one that was as usual, a busy machine explains a slow answer just as well.
    let asked = Times::of(
        control
            .iter()
            .flat_map(|(_, shots)| within(scene, shots).map(|shot| (shot.began(), shot.ended()))),
    );
    let shared = Times::of(control.iter().flat_map(|(_, shots)| {
        let usual = slow_for(scene, shots).unwrap_or(HELD);
        within(scene, shots)
            .map(|shot| (shot.began(), shot.ended()))
            .filter(move |(from, to)| *to - *from > usual)
    }));
    let of_stream = |(facts, shots): &&Stream| {
        let slow = slow_for(scene, shots)?;
        let held = within(scene, shots).filter(|shot| {
            let (from, to) = (shot.began(), shot.ended());
            shot.outcome == Outcome::Ok
                && !is_own_lag(facts, shot)
                && to - from > slow
                && near.contain(shot.intended)
                && asked.touch(from - SHARED, to + SHARED)
                && !shared.touch(from - SHARED, to + SHARED)
        });
        let (count, worst) = count_and_worst(held);
        (count >= FEWEST).then(|| Masked {
            kind: MaskedKind::Held,
            stream: facts.name.clone(),
            count,
            worst_latency_s: worst,
            because: format!(
                "{} within {} of a task change took more than {TIMES} times as long as 99 % did \
                 before, up to {}, while the control target was as fast as usual: most likely the \
                 proxy retried, which hid {}",
                counted(count, "good response"),
                length(REACH),
                length(worst),
                counted(count, "failure")
            ),
        })
    };
    proxied.iter().filter_map(of_stream).collect()
}

/// What takes longer than this is far from usual in this stream; absent if too little is known
/// of the time before the change.
fn slow_for(scene: &Scene, shots: &[Shot]) -> Option<Offset> {
    let submitted = scene.submitted_at();
    // The baseline: it ends with the scenario's start or soon after.
    let before: Vec<Offset> = shots
        .iter()
        .filter(|shot| shot.intended < submitted && shot.outcome == Outcome::Ok)
        .filter(|shot| scene.rest_since.is_none_or(|since| shot.intended >= since))
        .map(|shot| shot.ended() - shot.began())
        .collect();
    let p99 = Spread::of(before.iter().copied()).filter(|_| before.len() >= ANSWERS)?.p99;
    Some(HELD.max(Offset::from_nanos(p99.as_nanos().saturating_mul(TIMES))))
}

fn count_and_worst<'a>(shots: impl Iterator<Item = &'a Shot>) -> (u64, Offset) {
    shots.fold((0, Offset::ZERO), |(count, worst), shot| {
        (count + 1, worst.max(shot.ended() - shot.began()))
    })
}

//! Which requests a task was working on when it was stopped, and which nobody was.

use std::collections::HashMap;

use super::request::is_through_proxy;
use super::tasks::TaskLife;
use crate::Offset;
use crate::record::{Outcome, Run, Shot, StreamFacts};

/// A request that fails faster than this was turned away, not cut off.
const SHORTEST: Offset = Offset::from_millis(20);
/// How far from a task's end a request may break off because of it: the engine reports the end
/// once it has cleaned up.
const BREAK: Offset = Offset::from_millis(1_000);
/// The engine reports a signal once it has been sent.
const SLACK: Offset = Offset::from_millis(100);

/// Who had failed requests in hand.
pub(super) struct InHand<'a> {
    lives: &'a [TaskLife<'a>],
    /// The longest that a good answer of each stream took before the change.
    usual: HashMap<&'a str, Offset>,
    /// How long requests of each stream took that failed in this way while no task was stopping,
    /// in order: the time limits of a proxy that asks where nobody is.
    gave_up: HashMap<(&'a str, Outcome), Vec<Offset>>,
}

impl<'a> InHand<'a> {
    /// `submitted` is when the change was.
    pub(super) fn new(run: &'a Run, lives: &'a [TaskLife<'a>], submitted: Offset) -> Self {
        let mut this = Self { lives, usual: usual(run, submitted), gave_up: HashMap::new() };
        for (stream, shots) in run.shots.iter().filter(|(stream, _)| is_through_proxy(stream)) {
            for shot in shots.iter().filter(|shot| shot.replica.is_none()) {
                let (from, to) = (shot.began(), shot.ended());
                if is_time_limit(shot.outcome)
                    && from >= submitted
                    && to - from >= SHORTEST
                    && this.possible(stream, shot).is_none()
                {
                    let key = (stream.name.as_str(), shot.outcome);
                    this.gave_up.entry(key).or_default().push(to - from);
                }
            }
        }
        this.gave_up.values_mut().for_each(|took| took.sort_unstable());
        this
    }

    /// The longest that a good answer of this stream took before the change.
    pub(super) fn usual(&self, stream: &str) -> Option<Offset> {
        self.usual.get(stream).copied()
    }

    /// The task whose stop broke off this failed request.
    pub(super) fn find(&self, stream: &StreamFacts, shot: &Shot) -> Option<usize> {
        self.possible(stream, shot).filter(|_| !self.waits_for_nobody(stream, shot))
    }

    /// The task that stopped at the right time.
    fn possible(&self, stream: &StreamFacts, shot: &Shot) -> Option<usize> {
        let (from, to) = (shot.began(), shot.ended());
        // Nobody may tell that an answer will never come, so only these break off at once.
        let at_once = match shot.outcome {
            Outcome::Reset | Outcome::Cut | Outcome::StreamReset | Outcome::Proxy502 => true,
            Outcome::Proxy504 | Outcome::Timeout => false,
            _ => return None,
        };
        if to - from < SHORTEST {
            return None;
        }
        // Older than any response of its kind, it was not being worked on: the proxy was trying
        // to reach a replica, or waited for one that was gone.
        let usual = self.usual.get(stream.name.as_str()).copied();
        let too_old = |at: Offset| usual.is_some_and(|usual| at - from > usual + usual + SLACK);
        if shot.outcome == Outcome::Proxy502 && too_old(to) {
            return None;
        }
        let steps = self.lives.iter().enumerate().filter_map(|(index, life)| {
            let step = if at_once {
                broke_off(life, from, to)
            } else {
                fell_silent(life, from, to).filter(|at| !too_old(*at))
            };
            Some(((to - step?).abs(), index))
        });
        steps.min().map(|(_, index)| index)
    }

    /// Whether the proxy may have been asking a task that was gone, and gave up after the same
    /// time as at other moments. That another task stopped meanwhile is chance then.
    fn waits_for_nobody(&self, stream: &StreamFacts, shot: &Shot) -> bool {
        let (from, to) = (shot.began(), shot.ended());
        let Some(known) = self.gave_up.get(&(stream.name.as_str(), shot.outcome)) else {
            return false;
        };
        let took = to - from;
        let near = Offset::from_nanos(took.as_nanos() / 10) + Offset::from_millis(10);
        let first = known.partition_point(|known| *known < took - near);
        known.get(first).is_some_and(|known| *known <= took + near)
            && self.lives.iter().any(|life| life.ended.is_some_and(|end| end <= from + SLACK))
    }
}

/// The step of its stop at which a task can have broken off a request.
fn broke_off(life: &TaskLife, from: Offset, to: Offset) -> Option<Offset> {
    let end = life.ended;
    // At its signal, at its end, or, running out of patience, between them.
    let signalled = life
        .signalled
        .filter(|at| from < *at && *at <= to + SLACK && end.is_none_or(|end| to <= end + BREAK));
    let died = died_with(life, from).filter(|at| (to - *at).abs() <= BREAK);
    [signalled, died].into_iter().flatten().min_by_key(|at| (to - *at).abs())
}

/// The first step of its stop after which a task can have left a request without an answer.
fn fell_silent(life: &TaskLife, from: Offset, to: Offset) -> Option<Offset> {
    let signalled = life.signalled.filter(|at| from < *at);
    let steps = [signalled, died_with(life, from)].into_iter().flatten();
    steps.filter(|at| *at <= to + SLACK).min()
}

/// When a task died that can have had a request in hand which was sent at `from`. If it had got
/// its signal by then, it was leaving: unless it was killed, it ended when it had nothing in hand.
fn died_with(life: &TaskLife, from: Offset) -> Option<Offset> {
    let left = life.signalled.is_some_and(|at| at <= from);
    life.killed.or(life.ended.filter(|_| !left)).filter(|at| from < *at)
}

/// Whether this is how a proxy, or who asks it, gives up an address where nobody is.
fn is_time_limit(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Proxy502 | Outcome::Proxy504 | Outcome::Timeout)
}

/// The longest time from sending to a good answer of each stream, before `until`.
fn usual(run: &Run, until: Offset) -> HashMap<&str, Offset> {
    let took = |shot: &Shot| Some(shot.done? - shot.sent?);
    run.shots
        .iter()
        .filter_map(|(facts, shots)| {
            let good =
                shots.iter().filter(|shot| shot.outcome == Outcome::Ok && shot.intended < until);
            Some((facts.name.as_str(), good.filter_map(took).max()?))
        })
        .collect()
}

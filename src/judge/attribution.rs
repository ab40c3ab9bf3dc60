//! Ties failed requests to what Swarm did at that moment.

use super::scene::Scene;
use super::task_life::TaskLife;
use super::transition::Transition;
use super::{Capacity, Cause, Failure};
use crate::record::{Offset, Outcome, Shot, StreamFacts};

/// How long after a task's end a proxy may still hold its address, and how long after its
/// start a program may still not answer. A longer distance is no evidence.
const REACH: Offset = Offset::from_millis(5_000);
/// How long a proxy may need to find the first replica that serves again.
const FIND: Offset = Offset::from_millis(2_000);
/// Clock differences between engine and probes, and rounding.
const SLACK: Offset = Offset::from_millis(100);
/// A request that fails faster than this was turned away, not cut off.
const IN_HAND: Offset = Offset::from_millis(20);
/// How near a task's end a kept connection must break to be its doing.
const BREAK: Offset = Offset::from_millis(1_000);

/// What is needed to explain the failed requests of one scenario.
pub(super) struct Attribution<'a> {
    submitted: Offset,
    lives: &'a [TaskLife<'a>],
    transitions: Vec<Transition<'a>>,
    none_serving: Vec<(Offset, Offset)>,
    has_healthcheck: bool,
}

impl<'a> Attribution<'a> {
    pub(super) fn new(
        scene: &'a Scene<'a>,
        capacity: Option<&Capacity>,
        has_healthcheck: bool,
    ) -> Self {
        Self {
            submitted: scene.submitted_at(),
            lives: &scene.tasks.lives,
            transitions: Transition::all(&scene.tasks, scene.started),
            none_serving: capacity
                .map(|capacity| capacity.none_serving.clone())
                .unwrap_or_default(),
            has_healthcheck,
        }
    }

    /// Explains one failed request.
    pub(super) fn explain(&self, stream: &StreamFacts, shot: &Shot) -> Failure {
        let from = shot.sent.unwrap_or(shot.intended);
        let (cause, life) = self.cause(stream, shot);
        let nearest = match cause {
            Cause::BeforeUpdate | Cause::OwnLag => None,
            _ => Transition::nearest(&self.transitions, from, |transition| {
                life.is_none_or(|life| life == transition.life)
            }),
        };
        let nearest = nearest.map(|transition| transition.seen_from(from));
        let because = nearest.as_ref().map_or_else(
            || cause.text().to_owned(),
            |near| {
                let side = if near.dt_s < Offset::ZERO { "after" } else { "before" };
                let distance = near.dt_s.abs().as_secs_f64();
                format!(
                    "{} (slot {}: {}, {distance:.2} s {side} it)",
                    cause.text(),
                    near.slot,
                    near.event.replace('-', " ")
                )
            },
        );
        Failure {
            stream: stream.name.clone(),
            at: shot.intended,
            class: shot.outcome,
            replica: shot.replica.as_deref().map(str::to_owned),
            version: shot.version.as_deref().map(str::to_owned),
            reused: shot.reused,
            nearest,
            cause,
            because,
        }
    }

    /// The cause, and the task that it is about.
    pub(super) fn cause(&self, stream: &StreamFacts, shot: &Shot) -> (Cause, Option<usize>) {
        let from = shot.sent.unwrap_or(shot.intended);
        let to = shot.done.unwrap_or(from);
        if is_own_lag(stream, shot) {
            return (Cause::OwnLag, None);
        }
        if shot.intended < self.submitted {
            return (Cause::BeforeUpdate, None);
        }
        let known = shot.replica.as_deref().and_then(|name| self.container(name));
        if shot.outcome == Outcome::WrongVersion {
            return (Cause::WrongVersion, known);
        }
        if self.nobody_served(from, to) {
            let held = shot.outcome == Outcome::Late;
            return (if held { Cause::HeldByProxy } else { Cause::NoHealthyReplica }, None);
        }
        if let Some(life) = known {
            return (self.of_known(life, from), Some(life));
        }
        if !is_of_the_connection(shot.outcome) {
            return (Cause::Unexplained, None);
        }
        if let Some(life) = self.cut_off(shot, from, to) {
            let failed = self.lives[life].failed.is_some();
            let cause = match shot.outcome {
                _ if failed => Cause::ReplicaFailed,
                Outcome::Reset if shot.reused => Cause::KeptConnectionClosed,
                _ => Cause::KilledBeforeFinished,
            };
            return (cause, Some(life));
        }
        self.turned_away(from)
    }

    fn container(&self, host_name: &str) -> Option<usize> {
        self.lives.iter().position(|life| life.is_container(host_name))
    }

    /// Whether there was no replica at some moment of the request, or too short a time before
    /// it for a proxy to have found the next one.
    fn nobody_served(&self, from: Offset, to: Offset) -> bool {
        // Without a health check RUNNING says nothing, and most of this time is start-up.
        let find = if self.has_healthcheck { FIND } else { BREAK };
        self.none_serving.iter().any(|(start, end)| *start <= to && from <= *end + find)
    }

    /// A replica answered, and answered badly.
    fn of_known(&self, life: usize, from: Offset) -> Cause {
        let life = &self.lives[life];
        if life.failed.is_some_and(|failed| failed <= from + REACH) {
            Cause::ReplicaFailed
        } else if life.serves_until().is_some_and(|until| until <= from + SLACK) {
            Cause::SentToStoppingTask
        } else if life.running.is_none_or(|running| from <= running + REACH) {
            Cause::NewTaskNotReady
        } else {
            Cause::Unexplained
        }
    }

    /// The task whose end broke off a request that it had in hand, or a kept connection.
    fn cut_off(&self, shot: &Shot, from: Offset, to: Offset) -> Option<usize> {
        let broken = matches!(
            shot.outcome,
            Outcome::Reset
                | Outcome::Cut
                | Outcome::Proxy502
                | Outcome::Proxy504
                | Outcome::Timeout
        );
        if !broken {
            return None;
        }
        let kept = shot.reused && shot.outcome == Outcome::Reset;
        self.lives.iter().position(|life| {
            let ended_in_hand = to - from >= IN_HAND
                && life.ended.is_some_and(|ended| ended > from && ended <= to + SLACK);
            // A program may close its idle connections when it gets the signal, before its end.
            let closed = kept
                && [life.signalled, life.ended]
                    .into_iter()
                    .flatten()
                    .any(|at| (to - at).abs() <= BREAK);
            ended_in_hand || closed
        })
    }

    /// Nobody had the request in hand: it went to a task that was leaving or arriving.
    fn turned_away(&self, from: Offset) -> (Cause, Option<usize>) {
        let leaving = self.latest(from, |life| {
            life.running?;
            let since = life.serves_until()?;
            // The latest step of its leaving that had been made by then.
            let steps = [Some(since), life.signalled, life.ended];
            let step = steps.into_iter().flatten().filter(|step| *step <= from + SLACK).max()?;
            (from <= step + REACH).then_some(step)
        });
        let arrived = self.latest(from, |life| {
            let running = life.running?;
            let serves = life.serves_until().is_none_or(|until| until > from);
            (serves && from <= running + REACH).then_some(running)
        });
        match (leaving, arrived) {
            // Without a health check nothing keeps requests from a task that just started.
            (left, Some((running, life)))
                if !self.has_healthcheck && left.is_none_or(|(since, _)| running >= since) =>
            {
                (Cause::NewTaskNotReady, Some(life))
            }
            (Some((_, life)), _) if self.lives[life].failed.is_some() => {
                (Cause::ReplicaFailed, Some(life))
            }
            (Some((_, life)), _) => (Cause::SentToStoppingTask, Some(life)),
            (None, Some((_, life))) => (Cause::NewTaskNotReady, Some(life)),
            (None, None) => (Cause::Unexplained, None),
        }
    }

    /// The task for which `instant` gives the latest time that is not after `from`.
    fn latest(
        &self,
        from: Offset,
        instant: impl Fn(&TaskLife) -> Option<Offset>,
    ) -> Option<(Offset, usize)> {
        self.lives
            .iter()
            .enumerate()
            .filter_map(|(index, life)| Some((instant(life)?, index)))
            .filter(|(at, _)| *at <= from + SLACK && *at >= self.submitted - REACH)
            .max()
    }
}

/// Whether an answer is late only because this program sent the request late.
pub(super) fn is_own_lag(stream: &StreamFacts, shot: &Shot) -> bool {
    let (Some(sent), Some(done)) = (shot.sent, shot.done) else { return false };
    shot.outcome == Outcome::Late && done - sent <= Offset::from_secs_f64(stream.deadline)
}

/// Whether it failed for want of somebody to answer, and not by what was answered.
pub(super) fn is_of_the_connection(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Late
            | Outcome::Refused
            | Outcome::NoRoute
            | Outcome::ConnectTimeout
            | Outcome::Reset
            | Outcome::Cut
            | Outcome::Timeout
            | Outcome::Proxy502
            | Outcome::Proxy503
            | Outcome::Proxy504
    )
}

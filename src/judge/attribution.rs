//! Ties failed requests to what Swarm did at that moment.

use super::holder::Holder;
use super::in_hand::InHand;
use super::masked::is_through_proxy;
use super::scene::Scene;
use super::task_life::TaskLife;
use super::transition::Transition;
use super::{Capacity, Cause, Failure};
use crate::Offset;
use crate::record::{Outcome, Run, Shot, StreamFacts};

/// How long after a task's end a proxy may still hold its address, and how long after its
/// start a program may still not answer. A longer distance is no evidence.
const REACH: Offset = Offset::from_millis(5_000);
/// How long a proxy may need to find the first replica that serves again.
const FIND: Offset = Offset::from_millis(2_000);
/// The same without a health check: RUNNING says nothing then, and most of it is start-up.
const FIND_UNCHECKED: Offset = Offset::from_millis(1_000);
/// Clock differences between engine and probes, and rounding.
const SLACK: Offset = Offset::from_millis(100);
/// How far ahead of a task's signal or end its kept connections may close.
const CLOSE: Offset = Offset::from_millis(1_000);

/// What explains one failed request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finding {
    pub cause: Cause,
    /// The task that it is about.
    pub life: Option<usize>,
    /// Who kept asking a task that Swarm had taken out long before, if that is known.
    pub holder: Option<Holder>,
}

/// What is needed to explain the failed requests of one scenario.
pub(super) struct Attribution<'a> {
    submitted: Offset,
    lives: &'a [TaskLife<'a>],
    transitions: Vec<Transition<'a>>,
    none_serving: Vec<(Offset, Offset)>,
    has_healthcheck: bool,
    in_hand: InHand<'a>,
}

impl<'a> Attribution<'a> {
    pub(super) fn new(
        run: &'a Run,
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
            in_hand: InHand::new(run, &scene.tasks.lives, scene.submitted_at()),
        }
    }

    /// Explains one failed request.
    pub(super) fn explain(&self, stream: &StreamFacts, shot: &Shot) -> Failure {
        let from = shot.began();
        let Finding { cause, life, holder } = self.find(stream, shot);
        let text = cause.sentence(holder);
        let nearest = match cause {
            Cause::BeforeUpdate | Cause::OwnLag => None,
            _ => Transition::nearest(&self.transitions, from, |transition| {
                life.is_none_or(|life| life == transition.life)
            }),
        };
        let nearest = nearest.map(|transition| transition.seen_from(from));
        let because = nearest.as_ref().map_or_else(
            || text.clone(),
            |near| {
                let side = if near.dt_s < Offset::ZERO { "after" } else { "before" };
                let distance = near.dt_s.abs().as_secs_f64();
                format!(
                    "{text} (slot {}: {}, {distance:.2} s {side} it)",
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

    /// What explains one failed request.
    pub(super) fn find(&self, stream: &StreamFacts, shot: &Shot) -> Finding {
        let (cause, life) = self.cause(stream, shot);
        let from = shot.began();
        let left = life.is_some_and(|life| {
            let life = &self.lives[life];
            life.signalled.or(life.ended).is_some_and(|at| at <= from)
        });
        let holder = (cause == Cause::SentToStoppingTask && left)
            .then(|| if is_through_proxy(stream) { Holder::Proxy } else { Holder::Client });
        Finding { cause, life, holder }
    }

    /// The cause, and the task that it is about.
    fn cause(&self, stream: &StreamFacts, shot: &Shot) -> (Cause, Option<usize>) {
        let from = shot.began();
        let to = shot.ended();
        if is_own_lag(stream, shot) {
            return (Cause::OwnLag, None);
        }
        if failed_at(stream, shot) < self.submitted {
            return (Cause::BeforeUpdate, None);
        }
        let known = shot.replica.as_deref().and_then(|name| self.container(name));
        if shot.outcome == Outcome::WrongVersion {
            return (Cause::WrongVersion, known);
        }
        let proxied = is_through_proxy(stream);
        if self.nobody_served(from, to, proxied) {
            let held = shot.outcome == Outcome::Late && proxied;
            return (if held { Cause::HeldByProxy } else { Cause::NoHealthyReplica }, None);
        }
        if let Some(life) = known {
            let cause = self.of_known(life, from);
            // A good answer that came late: whoever gave it may not have been asked first.
            if shot.outcome == Outcome::Late
                && matches!(cause, Cause::NewTaskNotReady | Cause::Unexplained)
            {
                let other = self.turned_away(shot, from, proxied);
                if matches!(other.0, Cause::SentToStoppingTask | Cause::ReplicaFailed) {
                    return other;
                }
            }
            return (cause, Some(life));
        }
        if !is_of_the_connection(shot.outcome) {
            return (Cause::Unexplained, None);
        }
        let broken = self
            .in_hand
            .find(stream, shot)
            .map(|life| (Cause::KilledBeforeFinished, life))
            .or_else(|| Some((Cause::KeptConnectionClosed, self.kept(shot, to)?)));
        if let Some((cause, life)) = broken {
            let failed = self.lives[life].failed.is_some();
            return (if failed { Cause::ReplicaFailed } else { cause }, Some(life));
        }
        self.turned_away(shot, from, proxied)
    }

    fn container(&self, host_name: &str) -> Option<usize> {
        self.lives.iter().position(|life| life.is_container(host_name))
    }

    /// Whether there was no replica at some moment of the request, or too short a time before
    /// it for a proxy to have found the next one.
    fn nobody_served(&self, from: Offset, to: Offset, proxied: bool) -> bool {
        let find = match (proxied, self.has_healthcheck) {
            (true, true) => FIND,
            (true, false) => FIND_UNCHECKED,
            // Who asks Swarm itself each time has nothing to find.
            (false, _) => SLACK,
        };
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

    /// The task whose stop closed a kept connection that the request was sent over.
    fn kept(&self, shot: &Shot, to: Offset) -> Option<usize> {
        if !shot.reused || shot.outcome != Outcome::Reset {
            return None;
        }
        // A program may close what is idle before its end, and it may have been idle for a while
        // since then.
        self.lives
            .iter()
            .enumerate()
            .flat_map(|(index, life)| {
                [life.signalled, life.ended].into_iter().flatten().map(move |at| (at, index))
            })
            .filter(|(at, _)| *at <= to + CLOSE && *at >= to - REACH)
            .min_by_key(|(at, _)| (to - *at).abs())
            .map(|(_, index)| index)
    }

    /// Nobody had the request in hand: it went to a task that was leaving or arriving.
    fn turned_away(&self, shot: &Shot, from: Offset, proxied: bool) -> (Cause, Option<usize>) {
        // A task that is gone refuses nothing: its address does not answer at all.
        let refused = shot.outcome == Outcome::Refused && !proxied;
        let here = |life: &TaskLife| !refused || life.ended.is_none_or(|end| end >= from - SLACK);
        let leaving = self.latest(from, |life| {
            life.running.filter(|_| here(life))?;
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
        // Told to stop, a task answers as before until its signal, three seconds later.
        let answers = |index: usize| {
            let life = &self.lives[index];
            life.signalled.is_none_or(|at| at > from + SLACK)
                && life.ended.is_none_or(|at| at > from + SLACK)
        };
        match (leaving, arrived) {
            // Without a health check nothing keeps requests from a task that just started.
            (left, Some((running, life)))
                if !self.has_healthcheck
                    && left.is_none_or(|(since, left)| running >= since || answers(left)) =>
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

/// When a failed request had failed: a request that was sent before the change may have been
/// broken off by it, but one whose answer was overdue by then was not.
pub(super) fn failed_at(stream: &StreamFacts, shot: &Shot) -> Offset {
    let known = shot.done.unwrap_or(shot.intended);
    match shot.outcome {
        Outcome::Late | Outcome::Timeout | Outcome::ConnectTimeout => {
            known.min(shot.intended + Offset::from_secs_f64(stream.deadline))
        }
        _ => known,
    }
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

//! Ties failed requests to what Swarm did at that moment.

use std::collections::HashMap;

use super::capacity::Capacity;
use super::cause::{Cause, CauseGroup, Failure, Holder};
use super::fixes::lost_requests;
use super::in_hand::InHand;
use super::limits::Limits;
use super::request::{failed_at, is_of_the_connection, is_own_lag, is_through_proxy};
use super::scene::Scene;
use super::tasks::TaskLife;
use super::transition::Transition;
use crate::Offset;
use crate::record::{Outcome, Purpose, Run, Shot, StreamFacts};
use crate::stats::Times;
use crate::wording::length;

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
                let side = if near.dt_s < Offset::ZERO { "later" } else { "earlier" };
                let distance = length(near.dt_s.abs());
                let event = near.event.replace('-', " ");
                format!("{text} (slot {}: {event} {distance} {side})", near.slot)
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

/// All failed requests of the users' streams of a scenario.
pub(super) struct Explained {
    /// The first of them, one by one.
    pub failures: Vec<Failure>,
    /// All of them by cause, the greatest group first.
    pub causes: Vec<CauseGroup>,
    /// How many were late because the probe sent them late.
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
    let stack = &run.meta.stack;
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
                remedy: lost_requests(cause, scene.expects, stack, scene.replicas)
                    .map(|fix| fix.sentence()),
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

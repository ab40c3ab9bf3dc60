//! Ties failed requests to what Swarm did at that moment.

use std::collections::HashMap;

use super::capacity::Capacity;
use super::cause::{Cause, Holder};
use super::in_hand::InHand;
use super::limits::Limits;
use super::other_services::Entry;
use super::replicas::ReplicaStory;
use super::request::{failed_at, is_of_the_connection, is_own_lag, is_through_proxy};
use super::scene::Scene;
use super::tasks::TaskLife;
use super::transition::Transition;
use super::wrong_answers::{WrongAnswers, is_wrong_answer};
use crate::Offset;
use crate::record::{Outcome, Purpose, Run, Shot, StackFacts, StreamFacts};
use crate::stats::Times;

/// How long after a task's end a proxy may still hold its address, and how long after its
/// start a program may still not answer. A longer distance is no evidence.
const REACH: Offset = Offset::from_millis(5_000);
/// How long a proxy may need to find the first replica that serves again.
const FIND: Offset = Offset::from_millis(2_000);
/// The same without a health check: RUNNING says nothing then, and most of it is start-up.
const FIND_UNCHECKED: Offset = Offset::from_millis(1_000);
/// Clock differences between engine and probes, and rounding.
pub(super) const SLACK: Offset = Offset::from_millis(100);
/// How long before the engine was seen to be gone it may have stopped what it runs.
pub(super) const AROUND_LOSS: Offset = Offset::from_millis(5_000);
/// How far ahead of a task's signal or end its kept connections may close.
pub(super) const CLOSE: Offset = Offset::from_millis(1_000);

/// How often a task must have been asked directly before its silence says something.
const ASKED: u64 = 5;

/// What explains one failed request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Finding {
    pub cause: Cause,
    /// The task that it is about.
    pub life: Option<usize>,
    /// Who kept asking a task that Swarm had taken out long before, if that is known.
    pub holder: Option<Holder>,
    /// The node or the service that it is about, by its place in the list of its kind.
    pub about: Option<usize>,
}

impl Finding {
    fn of(cause: Cause) -> Self {
        Self { cause, life: None, holder: None, about: None }
    }
}

/// What is needed to explain the failed requests of one scenario.
pub(super) struct Attribution<'a> {
    pub(super) scene: &'a Scene<'a>,
    pub(super) stack: &'a StackFacts,
    /// Whether the engine's kernel can publish ports in ingress mode.
    pub(super) ipvs: bool,
    pub(super) submitted: Offset,
    pub(super) lives: &'a [TaskLife<'a>],
    pub(super) transitions: Vec<Transition<'a>>,
    none_serving: Vec<(Offset, Offset)>,
    has_healthcheck: bool,
    in_hand: InHand<'a>,
    /// The tasks that never answered, though they were asked directly while they served.
    mute: Vec<usize>,
    pub(super) entry: Entry<'a>,
    pub(super) answers: WrongAnswers,
    /// From just before the engine was lost on: what it runs may have ended with it, and is started
    /// again when it is back.
    unseen: Times,
    /// Outages that began before the change: the stream and when the first request succeeded.
    from_before: HashMap<&'a str, Offset>,
}

impl<'a> Attribution<'a> {
    pub(super) fn new(
        run: &'a Run,
        scene: &'a Scene<'a>,
        stack: &'a StackFacts,
        capacity: Option<&Capacity>,
        replicas: &[ReplicaStory],
        limits: &Limits,
    ) -> Self {
        let submitted = scene.submitted_at();
        let lost = scene.losses_above(limits.observer_gap);
        Self {
            scene,
            stack,
            ipvs: run.meta.engine.ipvs,
            submitted,
            lives: &scene.tasks.lives,
            transitions: Transition::all(&scene.tasks, scene.started),
            none_serving: capacity
                .map(|capacity| capacity.none_serving.clone())
                .unwrap_or_default(),
            has_healthcheck: stack.healthcheck.is_some(),
            in_hand: InHand::new(run, &scene.tasks.lives, submitted),
            mute: mute(replicas, scene),
            entry: Entry::of(run, scene),
            answers: WrongAnswers::of(run, scene),
            unseen: Times::of(lost.map(|(from, _)| (from - AROUND_LOSS, scene.ended))),
            from_before: outages_from_before(run, submitted),
        }
    }

    /// What explains one failed request.
    pub(super) fn find(&self, stream: &StreamFacts, shot: &Shot) -> Finding {
        if let Some(found) = self.outside_cause(stream, shot) {
            return found;
        }
        let (cause, life) = self.cause(stream, shot);
        let from = shot.began();
        if let Some(about) = self.node_of(cause, life, from) {
            return Finding { life, about: Some(about), ..Finding::of(Cause::NodeLost) };
        }
        let left = life.is_some_and(|life| {
            let life = &self.lives[life];
            life.signalled.or(life.ended).is_some_and(|at| at <= from)
        });
        let proxied = is_through_proxy(stream) && !self.entry.is_direct();
        let holder = (cause == Cause::SentToStoppingTask && left).then_some(if proxied {
            Holder::Proxy
        } else {
            Holder::Client
        });
        Finding { life, holder, ..Finding::of(cause) }
    }

    /// The node whose end or drain took away the task, or the last replica, that it is about.
    fn node_of(&self, cause: Cause, life: Option<usize>, from: Offset) -> Option<usize> {
        let nodes = &self.scene.nodes;
        match cause {
            Cause::SentToStoppingTask
            | Cause::KilledBeforeFinished
            | Cause::KeptConnectionClosed
            | Cause::HeldConnectionCut
            | Cause::ReplicaFailed => {
                let life = &self.lives[life?];
                nodes.iter().position(|loss| loss.took(life))
            }
            Cause::NoHealthyReplica | Cause::HeldByProxy => {
                let (start, _) = self.none_serving.iter().rfind(|(start, _)| *start <= from)?;
                let ended = self.lives.iter().rfind(|life| life.serves_until() == Some(*start))?;
                nodes.iter().position(|loss| loss.took(ended))
            }
            _ => None,
        }
    }

    /// What explains it without any task of the service under test.
    fn outside_cause(&self, stream: &StreamFacts, shot: &Shot) -> Option<Finding> {
        let (from, to) = (shot.began(), shot.ended());
        if is_own_lag(stream, shot) {
            return Some(Finding::of(Cause::OwnLag));
        }
        let before = self.from_before.get(stream.name.as_str());
        if failed_at(stream, shot) < self.submitted
            || before.is_some_and(|until| shot.intended < *until)
        {
            return Some(Finding::of(Cause::BeforeUpdate));
        }
        if self.unseen.touch(from, to) {
            return Some(Finding::of(Cause::EngineLost));
        }
        if shot.outcome == Outcome::WrongVersion {
            return None;
        }
        if let Some(about) = self.scene.nodes.iter().position(|loss| loss.explains(shot)) {
            return Some(Finding { about: Some(about), ..Finding::of(Cause::NodeLost) });
        }
        if self.entry.was_withdrawn(stream, shot) {
            return Some(Finding::of(Cause::PortWithdrawn));
        }
        let served = self.lives.iter().any(|life| life.serves_at(from));
        let broken = self.entry.explains(stream, shot, served)?;
        let cause = if broken.down { Cause::ProxyNotRunning } else { Cause::ProxyStopping };
        Some(Finding { about: broken.service, ..Finding::of(cause) })
    }

    /// The cause, and the task that it is about.
    fn cause(&self, stream: &StreamFacts, shot: &Shot) -> (Cause, Option<usize>) {
        let from = shot.began();
        let to = shot.ended();
        let known = shot.replica.as_deref().and_then(|name| self.container(name));
        if shot.outcome == Outcome::WrongVersion {
            return (Cause::WrongVersion, known);
        }
        let proxied = is_through_proxy(stream) && !self.entry.is_direct();
        if self.nobody_served(from, to, proxied) {
            let held = shot.outcome == Outcome::Late && proxied;
            return (if held { Cause::HeldByProxy } else { Cause::NoHealthyReplica }, None);
        }
        if let Some(found) = self.of_held(shot, known, proxied) {
            return found;
        }
        if let Some(life) = known {
            let cause = match self.of_known(life, from) {
                Cause::NewTaskNotReady
                    if is_wrong_answer(shot.outcome) && self.answers.always(life) =>
                {
                    Cause::WrongAnswer
                }
                Cause::Unexplained if is_wrong_answer(shot.outcome) => Cause::WrongAnswer,
                cause => cause,
            };
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
        if is_wrong_answer(shot.outcome) {
            return (Cause::WrongAnswer, None);
        }
        if !is_of_the_connection(shot.outcome) || self.entry.refuses_nothing(stream, shot) {
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

    /// Whether this task's container was killed, because it took longer to stop than it may.
    pub(super) fn is_killed(&self, life: usize) -> bool {
        self.lives[life].killed.is_some() && self.lives[life].signalled.is_some()
    }

    /// The longest that a good answer of these streams took before the change, in seconds.
    pub(super) fn longest_answer(&self, streams: &[String]) -> Option<f64> {
        let usual = streams.iter().filter_map(|stream| self.in_hand.usual(stream));
        usual.max().map(Offset::as_secs_f64)
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
        if !shot.reused || !matches!(shot.outcome, Outcome::Reset | Outcome::GoAway) {
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
    pub(super) fn turned_away(
        &self,
        shot: &Shot,
        from: Offset,
        proxied: bool,
    ) -> (Cause, Option<usize>) {
        // What is known of a task beats what is near in time.
        let mute = self.mute.iter().find(|mute| self.lives[**mute].serves_at(from));
        if let Some(mute) = mute {
            return (Cause::NewTaskNotReady, Some(*mute));
        }
        // One that asks Swarm now and then holds an address until it asks again.
        let polls = self.stack.polling.as_ref().filter(|_| proxied);
        let polls = polls.map(|found| Offset::from_secs_f64(found.every_s) + FIND);
        let held = polls.map_or(REACH, |polls| polls.max(REACH));
        // A task that is gone refuses nothing: its address does not answer at all.
        let refused = shot.outcome == Outcome::Refused && !proxied;
        let here = |life: &TaskLife| !refused || life.ended.is_none_or(|end| end >= from - SLACK);
        let leaving = self.latest(from, |life| {
            life.running.filter(|_| here(life))?;
            let since = life.serves_until()?;
            // The latest step of its leaving that had been made by then.
            let steps = [Some(since), life.signalled, life.ended];
            let step = steps.into_iter().flatten().filter(|step| *step <= from + SLACK).max()?;
            (from <= step + held).then_some(step)
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

/// The tasks of the new version that were asked directly while they served, and answered nothing.
fn mute(replicas: &[ReplicaStory], scene: &Scene) -> Vec<usize> {
    let mute = |story: &&ReplicaStory| {
        story.answered == 0
            && story.failed_while_serving >= ASKED
            && story.version == scene.new_generation()
    };
    let stories = replicas.iter().filter(mute);
    let place = |story: &ReplicaStory| {
        scene.tasks.lives.iter().position(|life| life.last.task == story.task)
    };
    stories.filter_map(place).collect()
}

/// The users' streams whose requests failed already just before `submitted`, and when the first
/// one after that succeeded. A proxy that resolves names once is the usual case.
fn outages_from_before(run: &Run, submitted: Offset) -> HashMap<&str, Offset> {
    let users = run.shots.iter().filter(|(facts, _)| facts.purpose == Purpose::Users);
    let of_stream = |(facts, shots): &'_ (StreamFacts, Vec<Shot>)| {
        let sent = || shots.iter().filter(|shot| shot.outcome != Outcome::Unsent);
        let before = || sent().filter(|shot| shot.intended < submitted);
        let good = |shot: &&Shot| shot.outcome == Outcome::Ok;
        let last_good = before().filter(good).map(|shot| shot.intended).max();
        // Those sent just before the change may have been broken off by it.
        let failing = before().any(|shot| {
            last_good.is_none_or(|last| shot.intended > last) && failed_at(facts, shot) < submitted
        });
        let next = sent().filter(|shot| shot.intended >= submitted).filter(good);
        let until = next.map(|shot| shot.intended).min();
        failing.then_some(until.unwrap_or(Offset::from_nanos(i64::MAX)))
    };
    users.filter_map(|stream| Some((stream.0.name.as_str(), of_stream(stream)?))).collect()
}

//! The other services of the stack: a proxy that is replaced or ends costs requests just as well.

use super::capacity::Levels;
use super::scene::Scene;
use super::task_story::COMPANION;
use super::tasks::{TaskLife, Tasks};
use crate::Offset;
use crate::record::{EventKind, Outcome, Purpose, Route, Run, Shot, StreamFacts, WithdrawnPort};
use crate::stats::Times;
use crate::swarm::TaskState;

/// How far the engine's time of a task's start or end may lie from the moment at which its port
/// was open or closed.
const NEAR: Offset = Offset::from_millis(1_000);

/// How near to a refused request a port was closed, too.
const SHORT: Offset = Offset::from_millis(100);

/// Another service of the stack.
#[derive(Debug, Clone)]
pub(super) struct OtherService<'a> {
    pub name: &'a str,
    pub tasks: Tasks<'a>,
    /// When it had no RUNNING task though it had one before.
    down: Vec<(Offset, Offset)>,
}

impl<'a> OtherService<'a> {
    /// All of them that the record has tasks of.
    pub(super) fn all(run: &'a Run, scene: &Scene<'a>) -> Vec<Self> {
        let mut names: Vec<&str> = Vec::new();
        for event in run.events.iter().filter(|event| event.at <= scene.ended) {
            let EventKind::Task(task) = &event.kind else { continue };
            let name = task.service.as_str();
            if name != scene.service && !name.contains(COMPANION) && !names.contains(&name) {
                names.push(name);
            }
        }
        names.into_iter().map(|name| Self::new(run, scene, name)).collect()
    }

    fn new(run: &'a Run, scene: &Scene, name: &'a str) -> Self {
        let last = run.events.partition_point(|event| event.seen <= scene.ended);
        let tasks = Tasks::of(&run.events[..last], name);
        let first = tasks.lives.iter().filter_map(|life| life.running).min();
        let ran = tasks.lives.iter().filter_map(|life| Some((life.running?, life.ended)));
        let mut down = match first {
            Some(first) => Levels::of(ran, first, scene.ended.max(first)).below(1),
            None => Vec::new(),
        };
        // A job that is done is not missed.
        let done = tasks.lives.last().is_some_and(|life| life.last.state == TaskState::Complete);
        if done && down.last().is_some_and(|(_, to)| *to >= scene.ended) {
            down.pop();
        }
        Self { name, tasks, down }
    }

    /// Whether it had no RUNNING task at some moment of this request.
    fn was_down(&self, from: Offset, to: Offset) -> bool {
        self.down.iter().any(|(start, end)| *start - NEAR <= to && from <= *end + NEAR)
    }

    /// Whether one of its tasks was being stopped, or ended, while the request was on its way. From its
    /// signal on, a proxy may take no new connection while it finishes long requests.
    fn broke_off(&self, from: Offset, to: Offset) -> bool {
        self.tasks.lives.iter().any(|life| {
            let Some(start) = life.signalled.or(life.ended) else { return false };
            let end = life.ended.unwrap_or(start);
            from - NEAR <= end && start <= to + NEAR
        })
    }

    /// The task of it that ended last before its first time without one since `from`.
    pub(super) fn ended_task(&self, from: Offset) -> Option<&TaskLife<'a>> {
        let start = self.down.iter().find(|(_, end)| *end >= from)?.0;
        let ended = self.tasks.lives.iter().filter(|life| {
            life.ended.is_some_and(|ended| ended <= start) && life.running.is_some()
        });
        ended.max_by_key(|life| life.ended)
    }
}

/// What stands between users and the service under test.
#[derive(Debug, Clone)]
pub(super) struct Entry<'a> {
    /// The services that may publish the port which users ask.
    candidates: Vec<OtherService<'a>>,
    /// Whether something other than the service under test publishes it: not known if the record
    /// shows neither.
    proxied: Option<bool>,
    /// Whether the record says so.
    known: bool,
    /// When requests to the published port were refused.
    refused: Times,
    /// The ports that the change closes.
    pub withdrawn: Vec<&'a WithdrawnPort>,
}

impl<'a> Entry<'a> {
    pub(super) fn of(run: &'a Run, scene: &Scene<'a>) -> Self {
        let published: Vec<&(StreamFacts, Vec<Shot>)> =
            run.shots.iter().filter(|(facts, _)| is_published(facts)).collect();
        let others = OtherService::all(run, scene);
        let closed = published
            .iter()
            .flat_map(|(_, shots)| shots)
            .filter(|shot| matches!(shot.outcome, Outcome::Refused | Outcome::NoRoute));
        let refused = Times::of(closed.map(|shot| (shot.began() - SHORT, shot.ended() + SHORT)));
        let withdrawn = scene.events.iter().filter_map(|event| match &event.kind {
            EventKind::PortWithdrawn(port) => Some(port),
            _ => None,
        });
        let withdrawn = withdrawn.collect();
        if let Some(entry) = &run.meta.stack.entry {
            let candidates = others.into_iter().filter(|other| other.name == entry.service);
            return Self {
                candidates: candidates.collect(),
                proxied: Some(entry.service != scene.service),
                known: true,
                refused,
                withdrawn,
            };
        }
        // What answers while a service has no task is not published by that service.
        let answers_without = |other: &OtherService| {
            let mut inside = other.down.iter().map(|(from, to)| (*from + NEAR, *to - NEAR));
            inside.any(|(from, to)| {
                published.iter().flat_map(|(_, shots)| shots).any(|shot| {
                    shot.outcome == Outcome::Ok && shot.began() > from && shot.ended() < to
                })
            })
        };
        let candidates: Vec<_> =
            others.into_iter().filter(|other| !answers_without(other)).collect();
        // Version 0.1.0 saw no other service in these commands.
        let unseen = matches!(run.meta.command.as_str(), "watch" | "update");
        // Without the kernel's load balancer one address is one program: if several replicas
        // answer there, it is a proxy.
        let replicas: std::collections::BTreeSet<&str> = published
            .iter()
            .flat_map(|(_, shots)| shots)
            .filter(|shot| shot.outcome == Outcome::Ok && shot.intended < scene.submitted_at())
            .filter_map(|shot| shot.replica.as_deref())
            .collect();
        let proxy_spoke = published.iter().flat_map(|(_, shots)| shots).any(|shot| {
            matches!(shot.outcome, Outcome::Proxy502 | Outcome::Proxy503 | Outcome::Proxy504)
        });
        let several = unseen && !run.meta.engine.ipvs && replicas.len() > 1;
        Self {
            candidates,
            proxied: (several || proxy_spoke).then_some(true),
            known: false,
            refused,
            withdrawn,
        }
    }

    /// Whether nothing but the service under test answers users.
    pub(super) fn is_direct(&self) -> bool {
        self.proxied == Some(false)
    }

    /// Whether this request failed because the change closes the port that it asks. What publishes
    /// the port is replaced for that, and a request can be on its way then.
    pub(super) fn was_withdrawn(&self, facts: &StreamFacts, shot: &Shot) -> bool {
        let closed = matches!(
            shot.outcome,
            Outcome::Refused
                | Outcome::NoRoute
                | Outcome::ConnectTimeout
                | Outcome::Timeout
                | Outcome::Reset
                | Outcome::Cut
                | Outcome::Closed
                | Outcome::GoAway
        );
        let of_url = || {
            let address = facts.url.split_once("://")?.1.split('/').next()?;
            address.rsplit_once(':')?.1.parse::<u16>().ok()
        };
        closed
            && !self.withdrawn.is_empty()
            && is_published(facts)
            && of_url().is_some_and(|port| self.withdrawn.iter().any(|gone| gone.port == port))
    }

    /// Whether a proxy stands between this request and the service under test, so that a refusal
    /// says nothing about any task of that service.
    pub(super) fn refuses_nothing(&self, facts: &StreamFacts, shot: &Shot) -> bool {
        let closed = matches!(shot.outcome, Outcome::Refused | Outcome::NoRoute);
        closed && self.known && self.proxied == Some(true) && is_published(facts)
    }

    /// Whether this request failed because what publishes the port was not there, or was being
    /// stopped: the service, if the record has its tasks. `served` is whether a replica of the
    /// service under test served at the time.
    pub(super) fn explains(
        &self,
        facts: &StreamFacts,
        shot: &Shot,
        served: bool,
    ) -> Option<Broken> {
        if !is_published(facts) || self.is_direct() {
            return None;
        }
        // A proxy that is there refuses nothing.
        let closed = matches!(shot.outcome, Outcome::Refused | Outcome::NoRoute);
        let broken = matches!(
            shot.outcome,
            Outcome::Reset
                | Outcome::Cut
                | Outcome::Late
                | Outcome::Timeout
                | Outcome::ConnectTimeout
        );
        if !(closed || broken) || (!served && self.proxied != Some(true)) {
            return None;
        }
        let (from, to) = (shot.began(), shot.ended());
        let find = |which: &dyn Fn(&OtherService) -> bool| self.candidates.iter().position(which);
        if let Some(place) = find(&|other| other.was_down(from, to)) {
            return Some(Broken { service: Some(place), down: true });
        }
        let at_once = closed || matches!(shot.outcome, Outcome::Reset | Outcome::Cut);
        if let Some(place) = find(&|other| at_once && other.broke_off(from, to)) {
            return Some(Broken { service: Some(place), down: false });
        }
        // What others met at that moment as a closed port was one for those that waited, too.
        let unseen = served
            && self.candidates.is_empty()
            && self.proxied == Some(true)
            && (closed || self.refused.touch(from, to));
        unseen.then_some(Broken { service: None, down: true })
    }

    /// One of the services that may publish the port.
    pub(super) fn service(&self, place: usize) -> Option<&OtherService<'a>> {
        self.candidates.get(place)
    }
}

/// What was wrong with what publishes the port.
#[derive(Debug, Clone, Copy)]
pub(super) struct Broken {
    /// Which of the services it is; absent if the record does not have its tasks.
    pub service: Option<usize>,
    /// Whether it had no RUNNING task at all.
    pub down: bool,
}

fn is_published(facts: &StreamFacts) -> bool {
    facts.purpose == Purpose::Users && facts.route == Route::Published
}

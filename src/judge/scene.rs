//! One scenario, cut out of the run.

use std::collections::BTreeSet;

use super::end::End;
use super::nodes::{NodeChange, NodeLoss};
use super::other_scene::OtherScene;
use super::task_failure::{STOPPED_EARLY, named_task};
use super::tasks::{TaskLife, Tasks};
use crate::Offset;
use crate::record::{EndReason, Event, EventKind, Expects, Must, Run, SpecMatch};
use crate::swarm::UpdateState;
use crate::wording::{cut, length};

/// The longest evidence that a sentence takes in, in characters.
const EVIDENCE: usize = 90;

/// One scenario with everything that was seen up to its end.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    pub name: &'a str,
    pub expects: Expects,
    /// What it declares must happen, if it declares that.
    pub must: Option<&'a Must>,
    pub service: &'a str,
    /// The desired number of replicas before the change.
    pub replicas: u64,
    /// The one that the change asks for.
    pub submitted_replicas: u64,
    /// The generation from before.
    pub old: u32,
    pub change: &'a str,
    /// When the one before ended; requests since then belong to this one's baseline.
    pub rest_since: Option<Offset>,
    pub started: Offset,
    /// When the engine took the change, and the generation of it.
    pub submitted: Option<(Offset, u32)>,
    pub ended: Offset,
    /// When the next one began.
    pub next_started: Option<Offset>,
    pub end: End<'a>,
    pub spec: SpecMatch,
    /// The service's states since the change, without repeats.
    pub states: Vec<(Offset, UpdateState, &'a str)>,
    pub tasks: Tasks<'a>,
    /// The events from the scenario's start to its end.
    pub events: &'a [Event],
    /// When the engine was out of sight.
    pub losses: Vec<(Offset, Offset)>,
    /// The nodes that went away.
    pub nodes: Vec<NodeLoss>,
    /// The other services that the scenario changed or created.
    pub others: Vec<OtherScene<'a>>,
}

impl<'a> Scene<'a> {
    /// All scenarios of a run, in order.
    pub(super) fn all(run: &'a Run) -> Vec<Self> {
        let mut scenes = Vec::new();
        let mut rest_since = None;
        for (first, event) in run.events.iter().enumerate() {
            if let EventKind::ScenarioStarted { .. } = &event.kind {
                let scene = Self::cut(run, first, rest_since);
                rest_since = scene.as_ref().map(|scene| scene.ended);
                scenes.extend(scene);
            }
        }
        scenes
    }

    fn cut(run: &'a Run, first: usize, rest_since: Option<Offset>) -> Option<Self> {
        let start = run.events.get(first)?;
        let EventKind::ScenarioStarted { name, expects, service, replicas, generation, change } =
            &start.kind
        else {
            return None;
        };
        let rest = &run.events[first + 1..];
        let next = rest.iter().position(|event| {
            matches!(
                event.kind,
                EventKind::ScenarioEnded { .. } | EventKind::ScenarioStarted { .. }
            )
        });
        let mut end = End::Unfinished;
        let mut spec = SpecMatch::Unknown;
        let mut ended = None;
        if let Some(event) = next.map(|next| &rest[next])
            && let EventKind::ScenarioEnded { spec: last_spec, reason, .. } = &event.kind
        {
            end = End::Ended(reason);
            spec = *last_spec;
            ended = Some(event.at);
        }
        let last = first + 1 + next.unwrap_or(rest.len());
        let events = &run.events[first..last];
        let ended = ended.unwrap_or_else(|| last_sign(run, events, next.map(|next| &rest[next])));

        let mut scene = Self {
            name,
            expects: *expects,
            must: events.iter().find_map(|event| match &event.kind {
                EventKind::Declared(must) => Some(must),
                _ => None,
            }),
            service,
            replicas: *replicas,
            submitted_replicas: *replicas,
            old: *generation,
            change,
            rest_since,
            started: start.at,
            submitted: None,
            ended,
            next_started: rest
                .iter()
                .find(|event| matches!(event.kind, EventKind::ScenarioStarted { .. }))
                .map(|event| event.at),
            end,
            spec,
            states: Vec::new(),
            tasks: Tasks::of(&run.events[..last], service),
            events,
            losses: losses(&run.events[..last], start.at, ended),
            nodes: Vec::new(),
            others: Vec::new(),
        };
        scene.read_service();
        scene.nodes = NodeLoss::all(run, &scene);
        scene.others = scene.of_others(run, &run.events[..last]);
        Some(scene)
    }

    pub(super) fn read_service(&mut self) {
        self.submitted = self.events.iter().find_map(|event| match &event.kind {
            EventKind::Submitted { service, generation, .. } if service == self.service => {
                Some((event.at, *generation))
            }
            _ => None,
        });
        let Some((submitted, _)) = self.submitted else { return };
        self.submitted_replicas = self.read_replicas(submitted);
        for event in self.events {
            match &event.kind {
                // By time, not by place: an event stream may tell that the update began before
                // the answer to its submission was read.
                EventKind::Service { service, state, message }
                    if service == self.service && event.at >= submitted =>
                {
                    self.saw(event.at, *state, message);
                }
                _ => {}
            }
        }
    }

    /// Whether the change was only waited for.
    pub(super) fn watched(&self) -> bool {
        self.name == "watched-update"
    }

    /// Why what the change came to is not known, if so.
    pub(super) fn unknown(&self) -> Option<String> {
        if let Some(unknown) = self.end.unknown() {
            return Some(unknown);
        }
        match (self.submitted, self.watched()) {
            (Some(_), _) => None,
            (None, true) => Some(self.end.deadline().unwrap_or("no update was seen").to_owned()),
            (None, false) => Some("the change was never submitted".to_owned()),
        }
    }

    /// The times in which the engine did not respond for longer than `limit`, within the scenario.
    pub(super) fn losses_above(&self, limit: Offset) -> impl Iterator<Item = (Offset, Offset)> {
        let within =
            self.losses.iter().map(|(from, to)| (*from.max(&self.started), *to.min(&self.ended)));
        let lost = matches!(self.end, End::Ended(EndReason::EngineLost { .. }));
        within.filter(move |(from, to)| from <= to && (lost || *to - *from > limit))
    }

    /// Notes a state. The event stream has it without the engine's message, the next poll with
    /// it.
    fn saw(&mut self, at: Offset, state: UpdateState, message: &'a str) {
        match self.states.last_mut() {
            Some(last) if last.1 == state => {
                if last.2.is_empty() {
                    last.2 = message;
                }
            }
            // An update clears the status first: that alone is no state of the update.
            None if state == UpdateState::None => {}
            _ => self.states.push((at, state, message)),
        }
    }

    /// The generation of the change; that from before if none was submitted.
    pub(super) fn new_generation(&self) -> u32 {
        self.submitted.map_or(self.old, |submitted| submitted.1)
    }

    /// When the engine took the change; the end if it never did.
    pub(super) fn submitted_at(&self) -> Offset {
        self.submitted.map_or(self.ended, |submitted| submitted.0)
    }

    /// The state the service was in at last.
    pub(super) fn final_state(&self) -> UpdateState {
        self.states.last().map_or(UpdateState::None, |state| state.1)
    }

    /// When the service was first seen in a state, with the engine's message.
    pub(super) fn first_in(&self, state: UpdateState) -> Option<(Offset, &'a str)> {
        self.states.iter().find(|seen| seen.1 == state).map(|seen| (seen.0, seen.2))
    }

    /// Whether any sign of a rollback was seen: Swarm can overwrite `rollback_completed` with
    /// `completed`, so one sight is enough.
    pub(super) fn rolled_back(&self) -> bool {
        self.states.iter().any(|seen| seen.1.is_rollback())
    }

    /// When the rollback was first seen.
    pub(super) fn rollback_seen(&self) -> Option<Offset> {
        self.states.iter().find(|seen| seen.1.is_rollback()).map(|seen| seen.0)
    }

    /// The task whose end the engine names as its reason to pause or to roll back.
    pub(super) fn named_task(&self) -> Option<&'a str> {
        self.states.iter().map(|state| state.2).find_map(named_task)
    }

    /// The task that made Swarm pause or roll back; else the first task of the new version that
    /// failed.
    pub(super) fn failed_task(&self) -> Option<&TaskLife<'a>> {
        let named = self.named_task().and_then(|id| self.tasks.find(id));
        let new = self.new_generation();
        let of_new = || {
            let lives = self.tasks.lives.iter();
            lives.filter(|life| life.last.generation == new && self.is_of_this(life))
        };
        named.or_else(|| {
            of_new().filter(|life| life.failure_at().is_some()).min_by_key(|life| life.failure_at())
        })
    }

    /// Whether a task was still there when the scenario began: what ended before is no part of it.
    pub(super) fn is_of_this(&self, life: &TaskLife) -> bool {
        life.ended.is_none_or(|ended| ended >= self.started)
    }

    /// Which task keeps Swarm waiting because it cannot start, and why.
    pub(super) fn stuck_task(&self) -> Option<String> {
        let mut waiting = self.tasks.wanted().filter(|life| life.running.is_none());
        let (life, failure) = waiting.find_map(|life| Some((life, life.failure()?)))?;
        let evidence = failure.evidence().unwrap_or_default();
        Some(format!("{}: {}", failure.of_whom(&life.whom()), cut(&evidence, EVIDENCE)))
    }

    /// Which task failed and when, since the change: `slot 1 became unhealthy after 12.9 s`.
    pub(super) fn first_failure(&self) -> Option<String> {
        let life = self.failed_task()?;
        let Some(failure) = life.failure() else {
            let node = self.nodes.iter().find(|loss| loss.node == life.last.node);
            return Some(match node {
                Some(loss) => loss.what(),
                None => format!("the task of {} {STOPPED_EARLY}", life.whom()),
            });
        };
        let what = failure.of_whom(&life.whom());
        let what = match life.failure_at() {
            Some(at) if at >= self.submitted_at() => {
                format!("{what} after {}", length(at - self.submitted_at()))
            }
            _ => what,
        };
        // A task that never ran has no other evidence than the engine's words.
        let words =
            failure.evidence().filter(|_| life.running.is_none() && life.unhealthy.is_none());
        Some(match words {
            Some(words) => format!("{what}: {}", cut(&words, EVIDENCE)),
            None => what,
        })
    }

    /// When Swarm called the node of a task down that was there then.
    pub(super) fn lost_at(&self, life: &TaskLife) -> Option<Offset> {
        let down = self.nodes.iter().filter(|loss| loss.change == NodeChange::Down);
        let at =
            down.filter(|loss| loss.node == life.last.node).map(|loss| loss.noticed_at).min()?;
        (life.first_seen <= at).then_some(at)
    }

    /// Whether Swarm paused or rolled back because of a task whose node had gone.
    pub(super) fn is_stopped_by_a_node(&self) -> bool {
        self.failed_task().is_some_and(|life| {
            life.failure().is_none() && self.nodes.iter().any(|loss| loss.node == life.last.node)
        })
    }

    /// The lost node whose tasks Swarm waits for: it has no time limit for that.
    pub(super) fn held_by_node(&self) -> Option<&NodeLoss> {
        let waits = [UpdateState::Updating, UpdateState::RollbackStarted];
        self.nodes
            .iter()
            .find(|loss| waits.contains(&self.final_state()) && loss.keeps_a_task(self))
    }

    /// How many slots had neither their task of the previous version nor one of the new version that
    /// served when the rollback began.
    pub(super) fn touched_before_rollback(&self) -> u64 {
        let Some(rollback) = self.rollback_seen() else { return 0 };
        let new = self.new_generation();
        let stopped: BTreeSet<_> = self
            .tasks
            .lives
            .iter()
            .filter(|life| life.last.generation != new && life.running.is_some())
            .filter(|life| {
                let told = life.told_to_stop;
                told.is_some_and(|told| told >= self.submitted_at() && told <= rollback)
            })
            // A version that fails late has replaced them as it should.
            .filter(|life| {
                !self.tasks.lives.iter().any(|other| {
                    other.last.generation == new
                        && other.place() == life.place()
                        && other.serves_at(rollback)
                })
            })
            .map(TaskLife::place)
            .collect();
        stopped.len() as u64
    }

    /// How many slots had a task of the new version that failed after it had been running: such a
    /// slot is missing whatever the rollback does with the others.
    pub(super) fn failed_late(&self) -> u64 {
        let new = self.new_generation();
        let failed = self.tasks.lives.iter().filter(|life| {
            life.last.generation == new && life.running.is_some() && life.failure_at().is_some()
        });
        failed.map(TaskLife::place).collect::<BTreeSet<_>>().len() as u64
    }

    /// The generation that should serve in the end if all goes as expected.
    pub(super) fn wanted_generation(&self) -> u32 {
        match self.expects {
            Expects::Update => self.new_generation(),
            Expects::Rollback | Expects::NoChange => self.old,
            Expects::Declared => self.aimed_generation(),
        }
    }

    /// The generation that Swarm aimed at in the end.
    pub(super) fn aimed_generation(&self) -> u32 {
        if self.rolled_back() { self.old } else { self.new_generation() }
    }
}

/// The last sign of life of a scenario without an end.
fn last_sign(run: &Run, events: &[Event], next: Option<&Event>) -> Offset {
    if let Some(next) = next {
        return next.at;
    }
    let events = events.iter().map(|event| event.seen.max(event.at));
    let shots = run.shots.iter().flat_map(|(_, shots)| shots.iter().map(|shot| shot.intended));
    // The window leaves its end out, and the last request belongs to it.
    events.chain(shots).max().unwrap_or_default() + Offset::from_nanos(1)
}

/// The times in which the engine was out of sight, as far as they touch the scenario.
fn losses(events: &[Event], start: Offset, end: Offset) -> Vec<(Offset, Offset)> {
    let mut losses = Vec::new();
    let mut open: Option<Offset> = None;
    for event in events {
        match event.kind {
            EventKind::ObserverLost { .. } => {
                open.get_or_insert(event.at);
            }
            EventKind::ObserverResumed => {
                losses.extend(open.take().map(|from| (from, event.at)));
            }
            _ => {}
        }
    }
    losses.extend(open.map(|from| (from, end.max(from))));
    losses.retain(|(_, to)| *to >= start);
    losses
}

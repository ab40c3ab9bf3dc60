//! All tasks of the service under test, each from first to last sight.

use std::collections::{BTreeSet, HashMap};

use super::task_failure::{TaskFailure, TaskSigns, is_told_to_stop, whom};
use crate::Offset;
use crate::record::{CheckSeen, ContainerAction, Event, EventKind, LogLine, Shot, TaskSeen};
use crate::swarm::TaskState;

/// The signal that nothing can ignore; a container that it ends has 128 more as its exit code.
const SIGKILL: i64 = 9;

/// All tasks of one service, in the order in which they were first seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Tasks<'a> {
    pub lives: Vec<TaskLife<'a>>,
}

impl<'a> Tasks<'a> {
    /// The tasks of `service` as these events tell them.
    pub(super) fn of(events: &'a [Event], service: &str) -> Self {
        let mut lives: Vec<TaskLife<'a>> = Vec::new();
        let mut index: HashMap<&str, usize> = HashMap::new();
        // A container's event can come before the poll that sees its task.
        let mut early: HashMap<&str, Vec<&Event>> = HashMap::new();
        for event in events {
            match &event.kind {
                EventKind::Task(task) if task.service == service => {
                    if let Some(place) = index.get(task.task.as_str()) {
                        lives[*place].seen(task, event.at, event.seen);
                        continue;
                    }
                    index.insert(&task.task, lives.len());
                    let mut life = TaskLife::new(task, event.at, event.seen);
                    for event in early.remove(task.task.as_str()).unwrap_or_default() {
                        life.event(event);
                    }
                    lives.push(life);
                }
                EventKind::TaskGone { task } => {
                    if let Some(place) = index.get(task.as_str()) {
                        lives[*place].gone(event.at);
                    }
                }
                kind => {
                    let Some(task) = kind.container_task() else { continue };
                    match index.get(task) {
                        Some(place) => lives[*place].event(event),
                        None => early.entry(task).or_default().push(event),
                    }
                }
            }
        }
        Self { lives }
    }

    /// The task with this id; the engine's messages may shorten ids.
    pub(super) fn find(&self, id: &str) -> Option<&TaskLife<'a>> {
        self.lives.iter().find(|life| life.last.task == id)
    }

    /// The task that a request sent directly to a replica was for: the one that answered if that
    /// is known, else the last one that had got the address by then.
    pub(super) fn asked(&self, shot: &Shot) -> Option<usize> {
        let named = shot
            .replica
            .as_deref()
            .and_then(|name| self.lives.iter().position(|life| life.is_container(name)));
        let address = shot.to.as_deref()?;
        let at = shot.began();
        named.or_else(|| {
            let since = |life: &TaskLife| {
                life.addresses.iter().find(|known| known.0 == address).map(|known| known.1)
            };
            let owners = self.lives.iter().enumerate().filter_map(|(index, life)| {
                Some((since(life).filter(|since| *since <= at)?, index))
            });
            owners.max().map(|owner| owner.1)
        })
    }

    /// How many places have a task of this generation that serves at that instant.
    pub(super) fn places_served(&self, generation: u32, at: Offset) -> u64 {
        let places: BTreeSet<_> = self
            .lives
            .iter()
            .filter(|life| life.last.generation == generation && life.serves_at(at))
            .map(TaskLife::place)
            .collect();
        places.len() as u64
    }

    /// The first instant from `from` on at which `replicas` places have a task of this
    /// generation that serves.
    pub(super) fn all_served(
        &self,
        generation: u32,
        replicas: u64,
        from: Offset,
    ) -> Option<Offset> {
        let mut starts: Vec<Offset> = self
            .lives
            .iter()
            .filter(|life| life.last.generation == generation)
            .filter_map(|life| life.running)
            .filter(|running| *running > from)
            .collect();
        starts.push(from);
        starts.sort_unstable();
        starts.into_iter().find(|at| self.places_served(generation, *at) >= replicas)
    }

    /// When the last of the tasks that `which` chooses ended; none while one is left or if
    /// there are none.
    pub(super) fn last_ended(&self, which: impl Fn(&TaskLife) -> bool) -> Option<Offset> {
        let ends: Option<Vec<Offset>> =
            self.lives.iter().filter(|life| which(life)).map(|life| life.ended).collect();
        ends?.into_iter().max()
    }

    /// Tasks that Swarm wants to run in the end, whether they do or not.
    pub(super) fn wanted(&self) -> impl Iterator<Item = &TaskLife<'a>> {
        self.lives.iter().filter(|life| {
            life.ended.is_none()
                && life.told_to_stop.is_none()
                && life.last.desired <= TaskState::Running
        })
    }

    /// Tasks of this generation that serve in the end.
    pub(super) fn serving_last(&self, generation: u32) -> impl Iterator<Item = &TaskLife<'a>> {
        self.wanted()
            .filter(move |life| life.last.generation == generation && life.running.is_some())
    }
}

/// One task's life. Both of a task's states only move forward, so each instant comes once.
#[derive(Debug, Clone)]
pub(super) struct TaskLife<'a> {
    /// What was seen last.
    pub last: &'a TaskSeen,
    /// Its container's id; empty if it never had one.
    container: &'a str,
    /// When it was seen first.
    pub first_seen: Offset,
    /// Its container was started (container event).
    pub started: Option<Offset>,
    /// It became RUNNING; from the container's `healthy` if the observer's polls missed that.
    pub running: Option<Offset>,
    /// Its container was called unhealthy.
    pub unhealthy: Option<Offset>,
    /// Its desired state went above RUNNING.
    pub told_to_stop: Option<Offset>,
    /// The first signal was sent to its container.
    pub signalled: Option<Offset>,
    /// SIGKILL was sent to its container; else its container ended by one.
    pub killed: Option<Offset>,
    /// Its container ended; else its state became terminal; else it vanished from the list.
    pub ended: Option<Offset>,
    /// It was seen in a state in which a task ends only by a failure of its own.
    pub failed: Option<Offset>,
    /// What decides whether and why it failed.
    signs: TaskSigns,
    /// The checks of its health, and when each started.
    pub checks: Vec<(Offset, &'a CheckSeen)>,
    /// What it printed, and when.
    pub log: Vec<(Offset, &'a LogLine)>,
    /// Its addresses in the swarm's networks, and since when each was seen.
    pub addresses: Vec<(&'a str, Offset)>,
    /// When its node reported a state of it, and when that was seen.
    reported: Vec<(Offset, Offset)>,
    /// The latest engine time among the sights.
    last_at: Offset,
}

impl<'a> TaskLife<'a> {
    pub(super) fn new(seen_task: &'a TaskSeen, at: Offset, seen: Offset) -> Self {
        let mut life = Self {
            last: seen_task,
            container: "",
            first_seen: seen,
            started: None,
            running: None,
            unhealthy: None,
            told_to_stop: None,
            signalled: None,
            killed: None,
            ended: None,
            failed: None,
            signs: TaskSigns::default(),
            checks: Vec::new(),
            log: Vec::new(),
            addresses: Vec::new(),
            reported: Vec::new(),
            last_at: at,
        };
        life.take(seen_task, at, seen, true);
        life
    }

    /// Takes the next sight of the task.
    pub(super) fn seen(&mut self, task: &'a TaskSeen, at: Offset, seen: Offset) {
        self.take(task, at, seen, false);
    }

    fn take(&mut self, task: &'a TaskSeen, at: Offset, seen: Offset, first: bool) {
        // The engine's timestamp belongs to the observed state. A sight that only changes
        // something else repeats it, and then the time of the sight is the better one.
        let changed = first || task.state != self.last.state || at > self.last_at;
        let when = if changed { at } else { seen };
        // What comes before that is the managers' work, and so is what a task should be: when its node
        // is lost, that goes on changing.
        let by_manager =
            !first && task.state == self.last.state && task.desired != self.last.desired;
        if changed && !by_manager && task.state > TaskState::Assigned {
            self.reported.push((at, seen));
        }
        if task.state == TaskState::Running && self.running.is_none() {
            self.running = Some(at);
        }
        self.signs.seen(task);
        if is_told_to_stop(task) {
            self.told_to_stop.get_or_insert(when);
        }
        if task.state.is_terminal() {
            self.ended.get_or_insert(at);
            let by_itself = matches!(
                task.state,
                TaskState::Failed | TaskState::Rejected | TaskState::Complete | TaskState::Orphaned
            );
            // A task that was told to stop may end with an error code: that is no failure.
            let told = self.told_to_stop.is_some_and(|told| told < at);
            if by_itself && !told {
                self.failed.get_or_insert(at);
            }
        }
        for address in &task.addresses {
            if !self.addresses.iter().any(|known| known.0 == address) {
                self.addresses.push((address, at));
            }
        }
        if !task.container.is_empty() {
            self.container = &task.container;
        }
        self.last = task;
        self.last_at = self.last_at.max(at);
    }

    /// Takes an event of its container.
    pub(super) fn event(&mut self, event: &'a Event) {
        self.signs.event(&event.kind);
        match &event.kind {
            EventKind::HealthCheck(check) => self.checks.push((event.at, check)),
            EventKind::Log(line) => self.log.push((event.at, line)),
            _ => {}
        }
        let at = event.at;
        let EventKind::Container { action, exit_code, signal, .. } = &event.kind else { return };
        if *signal == Some(SIGKILL) || *exit_code == Some(128 + SIGKILL) {
            self.killed.get_or_insert(at);
        }
        match action {
            ContainerAction::Start => self.started = self.started.or(Some(at)),
            // The task's state follows within the engine's batching time; where the polls saw
            // it, the state's own timestamp is what `docker service ps` shows.
            ContainerAction::Healthy => self.running = self.running.or(Some(at)),
            ContainerAction::Kill => self.signalled = self.signalled.or(Some(at)),
            ContainerAction::Die => {
                self.ended = Some(self.ended.map_or(at, |ended| ended.min(at)));
            }
            ContainerAction::Unhealthy => self.unhealthy = self.unhealthy.or(Some(at)),
            ContainerAction::Create | ContainerAction::Oom | ContainerAction::Destroy => {}
        }
    }

    /// Why it failed; absent if it did not.
    pub(super) fn failure(&self) -> Option<TaskFailure> {
        TaskFailure::of(self.last, &self.signs)
    }

    /// Why its health check gave up, in numbers; absent if it did not, or if that is not known.
    pub(super) fn health_arithmetic(&self) -> Option<String> {
        let unhealthy = matches!(self.failure(), Some(TaskFailure::Unhealthy(_)));
        self.signs.checks.arithmetic().filter(|_| unhealthy)
    }

    /// When it failed: when its health check gave up, or when it ended.
    pub(super) fn failure_at(&self) -> Option<Offset> {
        self.failure()?;
        self.unhealthy.or(self.failed).or(self.ended)
    }

    /// When its node reported the last state that was seen before that instant.
    pub(super) fn last_sign_before(&self, at: Offset) -> Option<Offset> {
        self.reported.iter().filter(|(_, seen)| *seen < at).map(|reported| reported.0).max()
    }

    /// Who it is, for people.
    pub(super) fn whom(&self) -> String {
        whom(self.last)
    }

    /// The task vanished from the engine's list.
    pub(super) fn gone(&mut self, at: Offset) {
        self.ended.get_or_insert(at);
    }

    /// Where it stands: its slot, or its node for a service with one task a node.
    pub(super) fn place(&self) -> (u64, &'a str) {
        let last: &'a TaskSeen = self.last;
        (last.slot, if last.slot == 0 { last.node.as_str() } else { "" })
    }

    /// When it stopped being a target for new requests: told to stop, or ended.
    pub(super) fn serves_until(&self) -> Option<Offset> {
        match (self.told_to_stop, self.ended) {
            (Some(told), Some(ended)) => Some(told.min(ended)),
            (told, ended) => told.or(ended),
        }
    }

    /// Whether it was RUNNING and not told to stop at that instant.
    pub(super) fn serves_at(&self, at: Offset) -> bool {
        self.running.is_some_and(|from| from <= at)
            && self.serves_until().is_none_or(|end| at < end)
    }

    /// Whether an answer's host name is that of its container.
    pub(super) fn is_container(&self, host_name: &str) -> bool {
        // Docker's default host name is the first twelve digits of the container's id.
        host_name.len() >= 12 && self.container.starts_with(host_name)
    }
}

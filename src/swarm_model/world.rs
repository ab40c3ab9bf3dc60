//! The swarm as it is at one instant of virtual time, and the queue of what happens next.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::input::Input;
use super::outcome::{End, Outcome, StateStep};
use super::queue::{Due, Planned};
use super::restart::Replaced;
use super::scheduler::Nodes;
use super::task::{NONE, Slot, Step, Task, TaskId, VERSIONS, What, Which};
use super::updater::Updater;
use super::{CheckTimings, Spec};
use crate::Offset;
use crate::swarm::{TaskState, UpdateState};

/// The swarm at one instant.
pub(super) struct World<'a> {
    pub(super) input: &'a Input,
    pub(super) now: Offset,
    pub(super) queue: BinaryHeap<Reverse<Planned>>,
    pub(super) planned: u32,
    pub(super) tasks: Vec<Task>,
    pub(super) slots: Vec<Slot>,
    pub(super) nodes: Nodes,
    pub(super) status: UpdateState,
    pub(super) current: Which,
    pub(super) previous: Option<Which>,
    pub(super) updater: Option<Updater>,
    /// The number of the newest updater.
    pub(super) updaters: u32,
    /// A change of the service that the orchestrator has not looked at.
    pub(super) changed: bool,
    pub(super) replaced: HashMap<u32, Replaced>,
    /// The last time at which an update made progress.
    pub(super) progress: Offset,
    pub(super) steps: Vec<Step>,
    pub(super) states: Vec<StateStep>,
    /// When the manager reads the reports that it collects now.
    pub(super) report_at: Offset,
    /// The timings of each version's health check.
    pub(super) checks: [Option<CheckTimings>; VERSIONS],
    /// Each version's grace period: whole seconds only (moby `adapter.go`: `shutdown`).
    pub(super) grace: [Offset; VERSIONS],
    /// Tasks that a worker keeps and has not let start yet.
    pub(super) kept: Vec<TaskId>,
    pub(super) touched: Vec<bool>,
    /// Updaters that began after the update had ended.
    pub(super) repairs: u32,
    /// It is followed while it happens, for as long as somebody looks on: nothing is cut short.
    pub(super) live: bool,
}

impl<'a> World<'a> {
    pub(super) fn new(input: &'a Input) -> Self {
        let spec = &input.old.spec;
        let slots = if spec.global { input.nodes.len() as u64 } else { spec.replicas };
        let most = slots.max(input.new.spec.replicas);
        let room = usize::try_from(most).unwrap_or(0);
        let mut world = Self {
            input,
            now: Offset::ZERO,
            queue: BinaryHeap::with_capacity(room),
            planned: 0,
            tasks: Vec::with_capacity(room * 2),
            slots: Vec::with_capacity(room),
            nodes: Nodes::new(input),
            status: UpdateState::None,
            current: Which::Old,
            previous: None,
            updater: None,
            updaters: 0,
            changed: false,
            replaced: HashMap::new(),
            progress: Offset::ZERO,
            steps: Vec::with_capacity(room * 16),
            states: Vec::new(),
            report_at: Offset::ZERO,
            checks: checks(input),
            grace: grace(input),
            kept: Vec::new(),
            touched: vec![false; room],
            repairs: 0,
            live: false,
        };
        for _ in 0..slots {
            let slot = world.add_slot();
            if world.wants(slot) {
                world.add_running(slot);
            }
        }
        world
    }

    /// A task of the old version that has been running for a long time.
    fn add_running(&mut self, slot: u32) {
        let id = self.add_task(slot, Which::Old, TaskState::Running);
        match self.nodes.place(slot, Which::Old) {
            Ok(node) => {
                let task = &mut self.tasks[id as usize];
                task.node = node;
                task.state = TaskState::Running;
                task.started = Some(Offset::from_nanos(i64::MIN / 4));
                self.nodes.add(node, Which::Old);
                self.log(id, What::Assigned);
                self.log(id, What::Started);
                self.log(id, What::Running);
            }
            Err(reason) => {
                self.log(id, What::Pending(reason));
                self.tasks[id as usize].state = TaskState::Pending;
                self.nodes.pending.push(id);
            }
        }
    }

    pub(super) fn add_slot(&mut self) -> u32 {
        self.slots.push(Slot { newest: NONE, wanted: 0, awaited: NONE, made: [0; VERSIONS] });
        index(self.slots.len() - 1)
    }

    /// Adds a task that the scheduler has not seen yet.
    pub(super) fn add_task(&mut self, slot: u32, version: Which, desired: TaskState) -> TaskId {
        let id = index(self.tasks.len());
        let place = &mut self.slots[slot as usize];
        place.made[version.index()] += 1;
        place.wanted += 1;
        self.tasks.push(Task {
            slot,
            version,
            before: place.newest,
            node: NONE,
            state: TaskState::New,
            desired,
            nth: place.made[version.index()],
            updater: 0,
            counted: false,
            start_seen: None,
            end_seen: None,
            waits: false,
            ended: false,
            ending: false,
            unhealthy: false,
            dies: Offset::ZERO,
            waiter: NONE,
            promote_at: Offset::ZERO,
            since: self.now,
            started: None,
            signal: None,
            died: None,
            killed: false,
            exit_code: None,
            plan: 0,
        });
        place.newest = id;
        self.log(id, What::Created);
        self.log(id, if desired == TaskState::Running { What::Wanted } else { What::HeldBack });
        id
    }

    /// A new task of the current spec.
    pub(super) fn create(&mut self, slot: u32, desired: TaskState, updater: u32) -> TaskId {
        let id = self.add_task(slot, self.current, desired);
        self.tasks[id as usize].updater = updater;
        if let Some(touched) = self.touched.get_mut(slot as usize) {
            *touched |= self.current == Which::New;
        }
        self.plan_in(self.input.hops.schedule, id, Due::Schedule);
        id
    }

    pub(super) fn spec(&self, which: Which) -> &'a Spec {
        &self.input.version(which).spec
    }

    pub(super) fn log(&mut self, task: TaskId, what: What) {
        self.steps.push(Step { at: self.now, task, what });
    }

    pub(super) fn plan_in(&mut self, after: Offset, id: u32, due: Due) {
        self.plan_at(self.now + after, id, due);
    }

    pub(super) fn plan_at(&mut self, at: Offset, id: u32, due: Due) {
        let plan = match due {
            Due::Submit | Due::Changed | Due::Retry | Due::WorkerFree | Due::WatchEnds => 0,
            _ => self.tasks[id as usize].plan,
        };
        self.planned += 1;
        self.queue.push(Reverse(Planned { at, order: self.planned, id, plan, due }));
    }

    /// The node reports a state. The manager collects reports for a while and reads them together
    /// (swarmkit `manager/dispatcher/dispatcher.go`: `maxBatchInterval`).
    pub(super) fn report(&mut self, id: TaskId, due: Due) {
        if self.report_at <= self.now {
            self.report_at = self.now + self.input.hops.report;
        }
        self.plan_at(self.report_at, id, due);
    }

    /// Voids what is planned for a task.
    pub(super) fn replan(&mut self, id: TaskId) {
        self.tasks[id as usize].plan += 1;
    }

    /// Runs until nothing more happens, or until it is clear how it ends.
    pub(super) fn run(mut self) -> Outcome {
        self.plan_in(self.input.hops.submit, 0, Due::Submit);
        let mut end = End::Rest;
        while let Some(Reverse(next)) = self.queue.pop() {
            if self.is_void(&next) {
                continue;
            }
            if self.updater.is_none() && next.at > self.progress + self.afterglow() {
                break;
            }
            if self.updater.is_some() && next.at > self.progress + self.patience() {
                break;
            }
            self.step(&next);
        }
        if self.updater.is_some() {
            end = End::Hangs;
        }
        Outcome::of(self, end)
    }

    fn step(&mut self, next: &Planned) {
        self.now = next.at;
        self.handle(next);
        // What comes with one report is one change for the orchestrator.
        let more = self.queue.peek().is_some_and(|Reverse(more)| more.at == next.at);
        if self.changed && !more {
            self.reconcile();
        }
    }

    /// When something happens next; absent if nothing does.
    pub(super) fn next_at(&mut self) -> Option<Offset> {
        while let Some(Reverse(next)) = self.queue.peek() {
            if !self.is_void(next) {
                return Some(next.at);
            }
            self.queue.pop();
        }
        None
    }

    /// Plays everything up to and including an instant.
    pub(super) fn play_until(&mut self, to: Offset) {
        while self.next_at().is_some_and(|at| at <= to) {
            let Some(Reverse(next)) = self.queue.pop() else { break };
            self.step(&next);
        }
        self.now = self.now.max(to);
    }

    /// How long a finished update is followed: until what it began has certainly ended, unless
    /// tasks go on failing for ever.
    fn afterglow(&self) -> Offset {
        let spec = |which| {
            let spec = self.spec(which);
            let behaviour = &self.input.version(which).behaviours.usual;
            let check = spec.health.as_ref().map_or(0.0, |check| {
                check.start_period + check.interval + check.timeout.min(check.interval)
            });
            Offset::from_secs_f64(spec.stop_grace + spec.restart.delay + check)
                + behaviour.pull
                + behaviour.boot
        };
        spec(Which::Old).max(spec(Which::New)) + Offset::from_millis(30_000)
    }

    /// How long an update may go without any progress before it is taken to hang.
    fn patience(&self) -> Offset {
        let policy = |which| {
            let spec = self.spec(which);
            let longest = |policy: &crate::swarm::UpdatePolicy| policy.delay + policy.monitor;
            longest(&spec.update).max(longest(&spec.rollback))
        };
        self.input.patience
            + Offset::from_secs_f64(policy(Which::Old).max(policy(Which::New)))
            + self.afterglow()
    }

    fn is_void(&self, next: &Planned) -> bool {
        match next.due {
            Due::Submit
            | Due::Changed
            | Due::Retry
            | Due::SeenRunning
            | Due::SeenEnd
            | Due::Ended => false,
            Due::WorkerFree | Due::WatchEnds => {
                self.updater.as_ref().is_none_or(|updater| updater.id != next.id)
            }
            _ => self.tasks[next.id as usize].plan != next.plan,
        }
    }

    fn handle(&mut self, next: &Planned) {
        let id = next.id;
        match next.due {
            Due::Submit => self.submit(),
            Due::Changed => self.changed = true,
            Due::Schedule => self.schedule(id),
            Due::Retry => self.retry_pending(),
            Due::Prepared => self.prepared(id),
            Due::MayStart => self.begin_start(id),
            Due::Launch => self.launch(id),
            Due::Started => self.started(id),
            Due::Healthy => self.healthy(id),
            Due::Unhealthy => self.unhealthy(id),
            Due::Died => self.died(id),
            Due::Ended => self.ended(id),
            Due::SeenRunning => self.seen_running(id),
            Due::SeenEnd => self.seen_end(id),
            Due::Promote => self.delay_is_over(id),
            Due::Timeout => self.old_is_gone(id),
            Due::Replace => self.replace(id),
            Due::WorkerFree => self.worker_free(),
            Due::WatchEnds => self.complete(),
        }
    }
}

/// The timings of each version's health check.
pub(super) fn checks(input: &Input) -> [Option<CheckTimings>; VERSIONS] {
    input.versions().map(|version| {
        version.spec.health.as_ref().map(|check| CheckTimings::of(check, input.engine))
    })
}

/// Each version's grace period: whole seconds only.
pub(super) fn grace(input: &Input) -> [Offset; VERSIONS] {
    input.versions().map(|version| Offset::from_secs_f64(version.spec.stop_grace.trunc()))
}

/// An index as it is stored: a simulation never has 2^32 of anything.
pub(super) fn index(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(NONE)
}

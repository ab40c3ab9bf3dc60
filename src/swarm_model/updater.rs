//! The updater (swarmkit `manager/orchestrator/update/updater.go`): it hands slots to workers,
//! counts failures and decides how the update ends.

use std::collections::HashMap;

use super::outcome::{StateStep, Why};
use super::queue::Due;
use super::task::{NONE, TaskId, Which};
use super::world::World;
use crate::Offset;
use crate::swarm::{FailureAction, Order, TaskState, UpdatePolicy, UpdateState};

/// After an update has ended, Swarm looks for slots that are not right and updates them as well. If that
/// fails each time, it never stops, and a plan follows it no further: the state does not change.
const MOST_REPAIRS: u32 = 3;

/// An update or rollback in progress.
pub(super) struct Updater {
    pub(super) id: u32,
    pub(super) target: Which,
    action: FailureAction,
    pub(super) order: Order,
    delay: Offset,
    monitor: Offset,
    ratio: f32,
    rollback: bool,
    /// The slots to update, in the order of updating.
    slots: Vec<u32>,
    /// The tasks of each of them when the updater began, with what Swarm wanted of them then: the
    /// engine's updater works on that picture, whatever has become of them since.
    pub(super) picture: HashMap<u32, Vec<(TaskId, TaskState)>>,
    next: usize,
    workers: usize,
    pub(super) busy: usize,
    phase: Phase,
    /// No more slots are handed out, and the state is not to be completed.
    stopped: bool,
    failures: u32,
    /// Failures that came while the updater waited for its last workers.
    unread: Vec<TaskId>,
}

/// What an updater is waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// A worker for the next slot, or a failure.
    HandingOut,
    /// The last workers; nobody looks at failures.
    Draining,
    /// The end of the monitor time, or a failure.
    Watching,
}

impl World<'_> {
    /// Starts an updater for `slots`, unless one with the same aim is at work.
    pub(super) fn update(&mut self, slots: &[u32]) {
        if let Some(updater) = &self.updater {
            if updater.target == self.current {
                return;
            }
            self.updater = None;
        }
        if matches!(self.status, UpdateState::Paused | UpdateState::RollbackPaused) {
            return;
        }
        let dirty: Vec<u32> = slots.iter().copied().filter(|slot| self.is_dirty(*slot)).collect();
        if dirty.is_empty() {
            match self.status {
                UpdateState::Updating => self.set_state(UpdateState::Completed, Why::Done),
                UpdateState::RollbackStarted => {
                    self.set_state(UpdateState::RollbackCompleted, Why::Done);
                }
                _ => {}
            }
            return;
        }
        if self.status == UpdateState::None {
            self.set_state(UpdateState::Updating, Why::Began);
        } else if self.status.is_terminal() {
            self.repairs += 1;
            if self.repairs > MOST_REPAIRS && !self.live {
                return;
            }
        }
        let rollback = self.status == UpdateState::RollbackStarted;
        let spec = self.spec(self.current);
        let policy = if rollback { &spec.rollback } else { &spec.update };
        self.updaters += 1;
        self.progress = self.now;
        let slots = self.in_order(dirty);
        let mut updater = Updater::new(self.updaters, self.current, policy, rollback, slots);
        updater.picture =
            updater.slots.iter().map(|slot| (*slot, self.picture_of(*slot))).collect();
        self.updater = Some(updater);
        self.hand_out();
    }

    /// Whether what Swarm begins after an ended update has failed each time.
    pub(super) fn churns(&self) -> bool {
        self.repairs > MOST_REPAIRS
    }

    /// Hands slots to free workers, until there are no more of either.
    fn hand_out(&mut self) {
        loop {
            let Some(updater) = &mut self.updater else { return };
            if updater.phase != Phase::HandingOut {
                return;
            }
            if updater.stopped || updater.next == updater.slots.len() {
                updater.phase = Phase::Draining;
                if updater.busy == 0 {
                    self.drained();
                }
                return;
            }
            if updater.busy == updater.workers {
                return;
            }
            let slot = updater.slots[updater.next];
            updater.next += 1;
            updater.busy += 1;
            self.work_on(slot);
        }
    }

    /// A worker is done with its slot and waits its delay.
    pub(super) fn slot_done(&mut self) {
        self.progress = self.now;
        let Some(updater) = &self.updater else { return };
        let (id, delay) = (updater.id, updater.delay);
        self.plan_in(delay, id, Due::WorkerFree);
    }

    pub(super) fn worker_free(&mut self) {
        self.progress = self.now;
        let Some(updater) = &mut self.updater else { return };
        updater.busy = updater.busy.saturating_sub(1);
        match updater.phase {
            Phase::HandingOut => self.hand_out(),
            Phase::Draining if updater.busy == 0 => self.drained(),
            _ => {}
        }
    }

    /// The last worker has returned: failures that came meanwhile are read now, by the time that
    /// it is now.
    fn drained(&mut self) {
        let engine = self.input.engine;
        let Some(updater) = &mut self.updater else { return };
        if updater.stopped {
            self.updater = None;
            return;
        }
        updater.phase = Phase::Watching;
        if engine.watches_longer_than_delay() && updater.delay >= updater.monitor {
            updater.monitor = updater.delay + Offset::from_millis(1_000);
        }
        let (id, monitor) = (updater.id, updater.monitor);
        let unread = std::mem::take(&mut updater.unread);
        self.plan_in(monitor, id, Due::WatchEnds);
        for task in unread {
            self.count_failure(task);
        }
    }

    /// A task has ended, as the updater sees it.
    pub(super) fn watch_failure(&mut self, id: TaskId) {
        let Some(updater) = &mut self.updater else { return };
        if updater.action == FailureAction::Continue || updater.stopped {
            return;
        }
        if updater.phase == Phase::Draining {
            updater.unread.push(id);
        } else {
            self.count_failure(id);
        }
    }

    /// Counts a failure, if it is one of this updater's tasks and came within the monitor time,
    /// and acts once there are too many. The time is that of reading, and the ratio is compared
    /// in single precision, both as the engine does.
    #[expect(clippy::cast_precision_loss, reason = "as the engine does")]
    fn count_failure(&mut self, id: TaskId) {
        let now = self.now;
        let Some(updater) = &mut self.updater else { return };
        let task = &mut self.tasks[id as usize];
        if task.updater != updater.id || task.counted || updater.stopped {
            return;
        }
        if task.start_seen.is_some_and(|start| now - start > updater.monitor) {
            return;
        }
        task.counted = true;
        updater.failures += 1;
        let share = updater.failures as f32 / updater.slots.len() as f32;
        if share <= updater.ratio {
            return;
        }
        match (updater.action, updater.rollback) {
            (FailureAction::Rollback, false) => {
                updater.stopped = true;
                self.roll_back(id);
            }
            // The engine never rolls back a rollback: it pauses and hands out no more slots, but then
            // goes on to the end of the update (a bug).
            (FailureAction::Rollback, true) => {
                self.set_state(UpdateState::RollbackPaused, Why::Failed(id));
                return self.end_phase();
            }
            (_, rollback) => {
                updater.stopped = true;
                let paused = [UpdateState::Paused, UpdateState::RollbackPaused];
                self.set_state(paused[usize::from(rollback)], Why::Failed(id));
            }
        }
        if self.updater.as_ref().is_some_and(|updater| updater.stopped) {
            self.stop_watching();
        }
    }

    /// A stopped updater hands out no more slots; its workers finish what they hold.
    fn stop_watching(&mut self) {
        let Some(updater) = &mut self.updater else { return };
        updater.phase = Phase::Draining;
        if updater.busy == 0 {
            self.updater = None;
        }
    }

    /// What the updater does now is over: it hands out no more slots, or has watched enough.
    fn end_phase(&mut self) {
        let Some(updater) = &mut self.updater else { return };
        match updater.phase {
            Phase::HandingOut => {
                updater.phase = Phase::Draining;
                if updater.busy == 0 {
                    self.drained();
                }
            }
            Phase::Draining => {}
            Phase::Watching => self.complete(),
        }
    }

    fn roll_back(&mut self, failed: TaskId) {
        if self.status == UpdateState::None {
            return;
        }
        let Some(previous) = self.previous.take() else { return };
        self.current = previous;
        self.changed = true;
        self.set_state(UpdateState::RollbackStarted, Why::Failed(failed));
    }

    /// The updater has watched long enough.
    pub(super) fn complete(&mut self) {
        self.updater = None;
        if self.status == UpdateState::None {
            return;
        }
        let state = match self.status {
            UpdateState::RollbackStarted => UpdateState::RollbackCompleted,
            _ => UpdateState::Completed,
        };
        self.set_state(state, Why::Done);
        self.changed = true;
    }

    pub(super) fn set_state(&mut self, state: UpdateState, why: Why) {
        self.progress = self.now;
        // A state that is written again only gets a new date. One that another deployment of the
        // same spec has cleared stays so (swarmkit `updater.go`: `pauseUpdate`).
        let cleared = self.status == UpdateState::None && state != UpdateState::Updating;
        if self.status == state || cleared {
            return;
        }
        self.status = state;
        self.states.push(StateStep { at: self.now, state, why });
    }

    /// The task that a worker waits for in a slot has been seen running or ended.
    pub(super) fn awaited(&mut self, id: TaskId) -> bool {
        let task = &self.tasks[id as usize];
        let slot = task.slot as usize;
        let mine = self.updater.as_ref().is_some_and(|updater| updater.id == task.updater);
        if self.slots[slot].awaited != id || !mine {
            return false;
        }
        self.slots[slot].awaited = NONE;
        self.tasks[id as usize].start_seen = Some(self.now);
        true
    }

    /// What follows when the manager sees the end of a task. Two parts of it see the same event,
    /// and [`Races`](super::Races) says which is first.
    pub(super) fn seen_end(&mut self, id: TaskId) {
        let races = self.input.races;
        let task = &mut self.tasks[id as usize];
        task.end_seen = Some(self.now);
        let (node, version, waiter, waits) = (task.node, task.version, task.waiter, task.waits);
        self.nodes.remove(node, version);
        self.freed();
        if waiter != NONE {
            self.old_is_gone(waiter);
        }
        if waits {
            // Its worker and its replacement wait for the old task first: see `old_is_gone`.
            return self.watch_failure(id);
        }
        if races.restart_first {
            self.replace(id);
        }
        let done = self.awaited(id);
        let no_delay = self.updater.as_ref().is_some_and(|updater| updater.delay == Offset::ZERO);
        if races.over_dispatch && done && no_delay {
            self.worker_free();
            self.watch_failure(id);
        } else {
            self.watch_failure(id);
            if done {
                self.slot_done();
            }
        }
        if !races.restart_first {
            self.replace(id);
        }
    }

    pub(super) fn is_start_first(&self) -> bool {
        self.updater.as_ref().is_some_and(|updater| updater.order == Order::StartFirst)
    }
}

impl Updater {
    fn new(id: u32, target: Which, policy: &UpdatePolicy, rollback: bool, slots: Vec<u32>) -> Self {
        let workers = policy.at_once(slots.len() as u64);
        #[expect(clippy::cast_possible_truncation, reason = "the engine's field is single")]
        let ratio = policy.max_failure_ratio as f32;
        Self {
            id,
            target,
            action: policy.failure_action,
            order: policy.order,
            delay: Offset::from_secs_f64(policy.delay),
            monitor: Offset::from_secs_f64(policy.monitor),
            ratio,
            rollback,
            workers: usize::try_from(workers).unwrap_or(usize::MAX),
            slots,
            picture: HashMap::new(),
            next: 0,
            busy: 0,
            phase: Phase::HandingOut,
            stopped: false,
            failures: 0,
            unread: Vec::new(),
        }
    }
}

//! The orchestrator: it compares the slots with the spec and hands dirty ones to an updater, which
//! replaces their tasks (swarmkit `manager/orchestrator/replicated`, `update/updater.go`).

use super::behaviour::mix;
use super::input::SlotOrder;
use super::queue::Due;
use super::task::{NONE, TaskId, Which};
use super::world::{World, index};
use crate::Offset;
use crate::swarm::{Replaces, TaskState, UpdateState};

/// How long a stop-first update waits for an old task to stop (swarmkit `restart.go`,
/// `defaultOldTaskTimeout`).
pub(super) const OLD_TASK_TIMEOUT: Offset = Offset::from_millis(60_000);

impl World<'_> {
    /// The manager takes the update.
    pub(super) fn submit(&mut self) {
        self.previous = self.input.has_previous.then_some(Which::Old);
        self.current = Which::New;
        self.changed = true;
    }

    /// Whether the spec wants a task in a slot: a global service has one on each node that its
    /// constraints allow.
    pub(super) fn wants(&self, slot: u32) -> bool {
        let spec = self.spec(self.current);
        if spec.global {
            self.nodes.allows(slot, self.current)
        } else {
            u64::from(slot) < spec.replicas
        }
    }

    /// The service has changed: dead slots are filled, superfluous ones removed, and the others go
    /// to an updater.
    pub(super) fn reconcile(&mut self) {
        self.changed = false;
        if self.spec(self.current).global {
            return self.reconcile_nodes();
        }
        let wanted = usize::try_from(self.spec(self.current).replicas).unwrap_or(usize::MAX);
        let all = 0..index(self.slots.len());
        let (mut live, dead): (Vec<u32>, Vec<u32>) = all.partition(|slot| self.is_updatable(*slot));
        if live.len() > wanted {
            let not_running = |slot: &u32| {
                !self
                    .wanted_in(*slot)
                    .iter()
                    .any(|id| self.tasks[*id as usize].state == TaskState::Running)
            };
            live.sort_by_key(|slot| (not_running(slot), *slot));
            for slot in live.split_off(wanted) {
                for id in self.wanted_in(slot) {
                    self.tell_to_stop(id, TaskState::Remove);
                }
            }
        }
        let missing = wanted - live.len();
        let fresh = dead.into_iter().chain(index(self.slots.len())..).take(missing);
        for slot in fresh.collect::<Vec<_>>() {
            if slot as usize == self.slots.len() {
                self.add_slot();
            }
            self.create(slot, TaskState::Running, 0);
        }
        self.update(&live);
    }

    /// The same for a global service, whose slots are nodes: one that the constraints no longer allow
    /// loses its task at once, and one that has none gets one, both outside of the update (swarmkit
    /// `global/global.go`: `reconcileServices`).
    fn reconcile_nodes(&mut self) {
        while self.slots.len() < self.input.nodes.len() {
            self.add_slot();
        }
        let mut live = Vec::new();
        for slot in 0..index(self.input.nodes.len()) {
            if !self.wants(slot) {
                for id in self.wanted_in(slot) {
                    self.tell_to_stop(id, TaskState::Shutdown);
                }
            } else if self.is_updatable(slot) {
                live.push(slot);
            } else {
                self.create(slot, TaskState::Running, 0);
            }
        }
        if !live.is_empty() {
            self.update(&live);
        }
    }

    /// The tasks of a slot that Swarm wants to run, the newest first.
    pub(super) fn wanted_in(&self, slot: u32) -> Vec<TaskId> {
        let place = &self.slots[slot as usize];
        let mut found = Vec::with_capacity(place.wanted as usize);
        let mut id = place.newest;
        while found.len() < place.wanted as usize && id != NONE {
            let task = &self.tasks[id as usize];
            if task.is_wanted() {
                found.push(id);
            }
            id = task.before;
        }
        found
    }

    /// The newest task of a slot that Swarm wants to run.
    fn newest_wanted(&self, slot: u32) -> Option<TaskId> {
        let mut id = self.slots[slot as usize].newest;
        while id != NONE && !self.tasks[id as usize].is_wanted() {
            id = self.tasks[id as usize].before;
        }
        (id != NONE).then_some(id)
    }

    /// Whether an updater takes the slot: it has a task, or one that nothing else would replace.
    fn is_updatable(&self, slot: u32) -> bool {
        let place = &self.slots[slot as usize];
        if place.wanted > 0 {
            return true;
        }
        place.newest != NONE
            && self.status != UpdateState::RollbackStarted
            && self.tasks[place.newest as usize].desired < TaskState::Remove
            && !self.may_replace(place.newest)
    }

    /// Whether the tasks of a slot are not exactly one of the current spec.
    pub(super) fn is_dirty(&self, slot: u32) -> bool {
        let place = &self.slots[slot as usize];
        match place.wanted {
            0 => self.is_outdated(place.newest),
            1 => self.newest_wanted(slot).is_some_and(|id| self.is_outdated(id)),
            _ => true,
        }
    }

    fn is_outdated(&self, id: TaskId) -> bool {
        let task = &self.tasks[id as usize];
        let one_of_two = |which: Which| matches!(which, Which::Old | Which::New);
        task.version != self.current
            && match self.input.replaces {
                // What is left of updates before this one differs from both.
                _ if !one_of_two(task.version) || !one_of_two(self.current) => true,
                Replaces::Nothing => false,
                Replaces::Misplaced => !self.nodes.allows(task.node, self.current),
                Replaces::Everything => true,
            }
    }

    /// The slots in the order in which an updater takes them.
    pub(super) fn in_order(&self, mut slots: Vec<u32>) -> Vec<u32> {
        match &self.input.order {
            SlotOrder::Ascending => {}
            SlotOrder::Random => {
                let seed = self.input.seed ^ (u64::from(self.updaters) << 32);
                slots.sort_by_cached_key(|slot| mix(seed ^ mix(u64::from(*slot))));
            }
            SlotOrder::Given { update, rollback } => {
                let back = self.status == UpdateState::RollbackStarted;
                let given = if back { rollback } else { update };
                slots.sort_by_key(|slot| {
                    let place = given.iter().position(|given| *given == u64::from(*slot) + 1);
                    place.unwrap_or(usize::MAX)
                });
            }
        }
        slots
    }

    /// The tasks of a slot that Swarm wants to run, and what it wants of each.
    pub(super) fn picture_of(&self, slot: u32) -> Vec<(TaskId, TaskState)> {
        let tasks = self.wanted_in(slot).into_iter();
        tasks.map(|id| (id, self.tasks[id as usize].desired)).collect()
    }

    /// The picture that the updater at work has of a slot.
    fn pictured(&self, slot: u32) -> Vec<(TaskId, TaskState)> {
        let picture = self.updater.as_ref().and_then(|updater| updater.picture.get(&slot));
        picture.cloned().unwrap_or_default()
    }

    /// A worker takes a slot, as it was when the updater began: it keeps a task of the current spec if
    /// there was one, and replaces the others.
    pub(super) fn work_on(&mut self, slot: u32) {
        let picture = self.pictured(slot);
        let tasks: Vec<TaskId> = picture.iter().map(|(id, _)| *id).collect();
        let clean = |(id, _): &&(TaskId, TaskState)| !self.is_outdated(*id);
        let running = picture.iter().filter(clean).find(|(_, then)| *then == TaskState::Running);
        if let Some((kept, _)) = running.or_else(|| picture.iter().find(clean)).copied() {
            return self.keep(kept, &tasks);
        }
        let gone = !tasks.iter().any(|id| self.tasks[*id as usize].is_wanted());
        if gone && !tasks.is_empty() && !self.is_start_first() {
            // Something else has stopped the old task, and replaces it: the slot is left to that.
            return self.slot_done();
        }
        let updater = self.updaters;
        if self.is_start_first() || tasks.is_empty() {
            let id = self.create(slot, TaskState::Running, updater);
            self.slots[slot as usize].awaited = id;
            return;
        }
        let id = self.create(slot, TaskState::Ready, updater);
        self.slots[slot as usize].awaited = id;
        for old in &tasks {
            self.tell_to_stop(*old, TaskState::Shutdown);
        }
        self.start_after(id, tasks[0]);
    }

    /// Keeps one task of a slot and stops the others, without waiting for it to run.
    fn keep(&mut self, kept: TaskId, tasks: &[TaskId]) {
        let others: Vec<TaskId> = tasks.iter().copied().filter(|id| *id != kept).collect();
        // A delay of its own is over (swarmkit `restart.go`: `DelayStart`).
        self.tasks[kept as usize].promote_at = self.now;
        for id in &others {
            self.tell_to_stop(*id, TaskState::Shutdown);
        }
        match others.first() {
            Some(old) if self.tasks[kept as usize].desired < TaskState::Running => {
                self.slots[self.tasks[kept as usize].slot as usize].awaited = NONE;
                self.start_after(kept, *old);
                self.kept.push(kept);
            }
            _ => {
                self.promote(kept);
                self.slot_done();
            }
        }
    }

    /// Lets a task start when an old one has stopped, or after a minute.
    fn start_after(&mut self, id: TaskId, old: TaskId) {
        if self.tasks[old as usize].end_seen.is_some() {
            return self.promote(id);
        }
        self.tasks[old as usize].waiter = id;
        self.tasks[id as usize].waits = true;
        // Only a task that may take that long needs the limit.
        let grace = self.spec(self.tasks[old as usize].version).stop_grace;
        if grace > 50.0 || self.tasks[old as usize].node == NONE {
            self.plan_in(OLD_TASK_TIMEOUT, id, Due::Timeout);
        }
    }

    /// The old task of the slot has stopped, or took too long. A new task that has failed meanwhile is
    /// replaced only now, and only now its worker is free (swarmkit `restart.go`: `Restart`,
    /// `updater.go`: `updateTask`).
    pub(super) fn old_is_gone(&mut self, id: TaskId) {
        self.promote(id);
        let task = &mut self.tasks[id as usize];
        let waited = std::mem::take(&mut task.waits);
        if waited && task.end_seen.is_some() {
            if self.awaited(id) {
                self.slot_done();
            }
            self.replace(id);
        }
        if let Some(place) = self.kept.iter().position(|kept| *kept == id) {
            self.kept.swap_remove(place);
            self.slot_done();
        }
    }

    /// The manager sees that a task runs.
    pub(super) fn seen_running(&mut self, id: TaskId) {
        // If its end has been reported since, both states come with one report.
        if self.tasks[id as usize].ended || !self.awaited(id) {
            return;
        }
        if self.is_start_first() {
            let slot = self.tasks[id as usize].slot;
            for (old, _) in self.pictured(slot) {
                if old != id {
                    self.tell_to_stop(old, TaskState::Shutdown);
                }
            }
        }
        self.slot_done();
    }
}

//! One replica's place and the tasks that stood in it.

use super::task_line::TaskLine;
use crate::Offset;
use crate::record::TaskSeen;
use crate::swarm::TaskState;

/// How many tasks of a slot are remembered: the living ones, and as much of the past as a
/// line can show. A crash loop must not fill the memory.
const REMEMBERED: usize = 6;

/// Which replica of which service. Tasks of a global service have slot 0 and are told apart
/// by their node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SlotKey {
    /// The service, with the stack's prefix.
    pub service: String,
    /// The replica number, 0 for a global service.
    pub slot: u64,
    /// The node's id for a global service, else empty.
    pub node: String,
}

impl SlotKey {
    /// Where a task belongs.
    pub fn of(seen: &TaskSeen) -> Self {
        let node = if seen.slot == 0 { seen.node.clone() } else { String::new() };
        Self { service: seen.service.clone(), slot: seen.slot, node }
    }
}

/// One replica's place and the tasks that stood in it, in the order in which they came.
#[derive(Debug, Clone, Default)]
pub(super) struct Slot {
    tasks: Vec<TaskLine>,
}

impl Slot {
    /// Takes news of a task; returns what was known of it before.
    pub fn update(&mut self, seen: &TaskSeen, at: Offset) -> Option<TaskLine> {
        if let Some(task) = self.task_mut(&seen.task) {
            let before = task.clone();
            task.update(seen, at);
            return Some(before);
        }
        self.tasks.push(TaskLine::new(seen, at));
        while self.tasks.len() > REMEMBERED {
            let Some(oldest) = self.tasks.iter().position(|task| !task.is_alive()) else { break };
            self.tasks.remove(oldest);
        }
        None
    }

    /// Forgets a task.
    pub fn remove(&mut self, task: &str) {
        self.tasks.retain(|known| known.seen.task != task);
    }

    /// A task by its id.
    pub fn task(&self, task: &str) -> Option<&TaskLine> {
        self.tasks.iter().find(|known| known.seen.task == task)
    }

    /// A task by its id, to be changed.
    pub fn task_mut(&mut self, task: &str) -> Option<&mut TaskLine> {
        self.tasks.iter_mut().find(|known| known.seen.task == task)
    }

    /// Every remembered task, oldest first.
    pub fn tasks(&self) -> &[TaskLine] {
        &self.tasks
    }

    /// The newest task made from `generation`, one that is alive and wanted before all others:
    /// a rollback can begin a second good task in a slot and give it up again.
    pub fn newest_of(&self, generation: u32) -> Option<&TaskLine> {
        let made = || self.tasks.iter().rev().filter(|task| task.seen.generation == generation);
        made().find(|task| task.is_alive() && !task.is_leaving()).or_else(|| made().next())
    }

    /// The task that stands for the slot: the newest that is alive and wanted, else the newest.
    /// A rollback can leave an older task in place and end a newer one.
    pub fn standing(&self) -> Option<&TaskLine> {
        let wanted = |task: &&TaskLine| task.is_alive() && !task.is_leaving();
        self.tasks.iter().rev().find(wanted).or(self.tasks.last())
    }

    /// Whether a task of another version than `generation` is told to go and is not gone.
    pub fn others_leave(&self, generation: u32) -> bool {
        self.tasks.iter().any(|task| task.seen.generation != generation && task.is_leaving())
    }

    /// Whether a task of another version than `generation` is wanted and may run.
    pub fn others_stay(&self, generation: u32) -> bool {
        let mut others = self.tasks.iter().filter(|task| task.seen.generation != generation);
        others.any(|task| task.is_alive() && !task.is_leaving())
    }

    /// Whether the newest task replaces one that broke, and not one that Swarm stopped.
    pub fn is_restart(&self) -> bool {
        self.tasks.iter().rev().nth(1).is_some_and(TaskLine::is_broken)
    }

    /// The tasks worth a place on the slot's line: those alive, the newest, and while the
    /// newest does not run yet the one before it, which says what it replaces or repeats.
    pub fn shown(&self) -> Vec<&TaskLine> {
        let last = self.tasks.len().saturating_sub(1);
        let settled = self.tasks.last().is_some_and(|task| task.seen.state == TaskState::Running);
        let mut shown: Vec<&TaskLine> = self
            .tasks
            .iter()
            .enumerate()
            .filter(|(index, task)| {
                task.is_alive() || *index == last || !settled && index + 1 == last
            })
            .map(|(_, task)| task)
            .collect();
        // More than three alive in one place happens only when a node is lost.
        shown.drain(..shown.len().saturating_sub(3));
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::super::replay::task;
    use super::*;
    use TaskState::{Failed, Running, Shutdown, Starting};

    fn slot(tasks: &[(&str, u32, TaskState, TaskState)]) -> Slot {
        let mut slot = Slot::default();
        for &(id, generation, state, desired) in tasks {
            slot.update(&task(id, 1, generation, state, desired), Offset::ZERO);
        }
        slot
    }

    fn shown(slot: &Slot) -> Vec<&str> {
        slot.shown().iter().map(|task| task.seen.task.as_str()).collect()
    }

    #[test]
    fn the_replaced_task_is_shown_until_the_new_one_runs() {
        let old = ("old", 1, Shutdown, Shutdown);
        assert_eq!(shown(&slot(&[old, ("new", 2, Starting, Running)])), ["old", "new"]);
        assert_eq!(shown(&slot(&[old, ("new", 2, Running, Running)])), ["new"]);
        let draining = ("old", 1, Running, Shutdown);
        assert_eq!(shown(&slot(&[draining, ("new", 2, Running, Running)])), ["old", "new"]);
    }

    #[test]
    fn after_a_rollback_the_older_task_stands_for_its_slot() {
        let stays = ("old", 1, Running, Running);
        let slot_after = slot(&[stays, ("bad", 2, Shutdown, Shutdown)]);
        assert_eq!(slot_after.standing().unwrap().seen.task, "old");
        let dead = slot(&[("old", 1, Shutdown, Shutdown), ("new", 2, Failed, Shutdown)]);
        assert_eq!(dead.standing().unwrap().seen.task, "new");
    }

    #[test]
    fn a_second_good_task_that_was_given_up_hides_none_that_runs() {
        let slot = slot(&[
            ("good", 1, Running, Running),
            ("bad", 2, Shutdown, Shutdown),
            ("given-up", 1, TaskState::Pending, Shutdown),
        ]);
        assert_eq!(slot.newest_of(1).unwrap().seen.task, "good");
        assert_eq!(slot.newest_of(2).unwrap().seen.task, "bad");
    }

    #[test]
    fn a_crash_loop_is_not_remembered_for_ever() {
        let mut slot = slot(&[("live", 1, Running, Running)]);
        for n in 0..1_000 {
            slot.update(&task(&format!("t{n}"), 1, 2, Failed, Shutdown), Offset::ZERO);
        }
        assert_eq!(slot.tasks().len(), REMEMBERED);
        assert_eq!(shown(&slot), ["live", "t998", "t999"]);
    }

    #[test]
    fn global_services_are_told_apart_by_node() {
        let mut seen = task("t", 0, 1, Running, Running);
        seen.node = "n1".into();
        assert_eq!(SlotKey::of(&seen).node, "n1");
        seen.slot = 2;
        assert_eq!(SlotKey::of(&seen).node, "");
    }
}

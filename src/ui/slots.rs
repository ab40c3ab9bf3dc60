//! Every replica's place, with the tasks that stood in it.

use std::collections::BTreeMap;

use super::task_line::TaskLine;
use crate::Offset;
use crate::record::{Event, EventKind, TaskSeen};
use crate::swarm::TaskState;
use crate::wording::clean;

/// How many tasks of a slot are remembered: the living ones, and as much of the past as a
/// line can show. A crash loop must not fill the memory.
const REMEMBERED: usize = 6;

/// Which replica of which service. Tasks of a global service have slot 0; their node
/// tells them apart.
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

    /// The slot's number, or the beginning of its node's id for a global service.
    pub fn name(&self) -> String {
        match self.slot {
            0 => self.node.get(..5).unwrap_or(&self.node).to_owned(),
            number => number.to_string(),
        }
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

    /// Since when a task of another version than `generation` has been stopping.
    pub fn others_leave_since(&self, generation: u32) -> Option<Offset> {
        let others = self.tasks.iter().filter(|task| task.seen.generation != generation);
        others.filter(|task| task.is_leaving()).map(|task| task.since).min()
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

/// Every replica that the events mention, in the order of service and slot.
#[derive(Debug, Default)]
pub(super) struct SlotTable {
    slots: BTreeMap<SlotKey, Slot>,
    /// What service names begin with and people need not read: the stack's name and `_`.
    prefix: String,
}

impl SlotTable {
    /// Leaves `stack_` out of the service names that are shown.
    pub fn stack(&mut self, stack: &str) {
        self.prefix = format!("{stack}_");
    }

    /// Takes an event; for news of a task returns what was known of it before.
    pub fn event(&mut self, event: &Event) -> Option<TaskLine> {
        match &event.kind {
            EventKind::Task(seen) => {
                let key = SlotKey::of(seen);
                // A task of a global service has no place before it has a node.
                let moved = match self.place(&seen.task) {
                    Some(place) if place != key => self.take(&seen.task),
                    _ => None,
                };
                self.slots.entry(key).or_default().update(seen, event.at).or(moved)
            }
            EventKind::TaskGone { task } => self.take(task),
            kind => {
                let id = kind.container_task()?;
                let task = self.slots.values_mut().find_map(|slot| slot.task_mut(id))?;
                let before = task.clone();
                task.event(kind, event.at);
                Some(before)
            }
        }
    }

    fn place(&self, task: &str) -> Option<SlotKey> {
        let (key, _) = self.slots.iter().find(|(_, slot)| slot.task(task).is_some())?;
        Some(key.clone())
    }

    fn take(&mut self, task: &str) -> Option<TaskLine> {
        let place = self.place(task)?;
        let slot = self.slots.get_mut(&place)?;
        let known = slot.task(task).cloned();
        slot.remove(task);
        if slot.tasks().is_empty() {
            self.slots.remove(&place);
        }
        known
    }

    /// A task that is still remembered.
    pub fn task(&self, id: &str) -> Option<&TaskLine> {
        self.slots.values().find_map(|slot| slot.task(id))
    }

    /// The slots of one service.
    pub fn of<'a>(&'a self, service: &'a str) -> impl Iterator<Item = (&'a SlotKey, &'a Slot)> {
        self.slots.iter().filter(move |(key, _)| key.service == service)
    }

    /// Every slot.
    pub fn all(&self) -> impl Iterator<Item = (&SlotKey, &Slot)> {
        self.slots.iter()
    }

    /// Whether a service belongs to this program and not to the stack's author.
    pub fn is_companion(&self, service: &str) -> bool {
        service.strip_prefix(&self.prefix).is_some_and(|name| name.starts_with("rollproof-"))
    }

    /// A service's name as shown.
    pub fn service_name(&self, service: &str) -> String {
        let short = service.strip_prefix(&self.prefix).filter(|rest| !rest.is_empty());
        clean(short.unwrap_or(service)).into_owned()
    }

    /// A slot's name as docker writes it, without the stack's name: `app.3`.
    pub fn slot_name(&self, key: &SlotKey) -> String {
        format!("{}.{}", self.service_name(&key.service), key.name())
    }
}

#[cfg(test)]
mod tests {
    use super::super::replay::{container, seen, task};
    use super::*;
    use crate::record::ContainerAction;
    use TaskState::{Assigned, Failed, New, Running, Shutdown, Starting};

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

    #[test]
    fn both_versions_of_a_slot() {
        let mut table = SlotTable::default();
        table.stack("demo");
        assert!(table.event(&seen(0, task("a", 3, 1, Running, Running))).is_none());
        let before = table.event(&seen(1_000, task("a", 3, 1, Running, Shutdown)));
        assert_eq!(before.map(|task| task.state()).as_deref(), Some("running"));
        table.event(&seen(1_000, task("b", 3, 2, Starting, Running)));
        let (key, slot) = table.of("demo_app").next().unwrap();
        let shown: Vec<String> =
            slot.shown().iter().map(|t| format!("{} {}", t.version(true), t.state())).collect();
        assert_eq!(table.slot_name(key), "app.3");
        assert_eq!(shown, ["#1 app:v1 running → shutting down", "#2 app:v2 starting"]);
    }

    #[test]
    fn a_global_task_moves_when_it_gets_its_node() {
        let mut table = SlotTable::default();
        table.event(&seen(0, task("a", 0, 1, New, Running)));
        let mut placed = task("a", 0, 1, Assigned, Running);
        placed.node = "node1abcdef".into();
        let before = table.event(&seen(100, placed));
        assert_eq!(before.map(|task| task.seen.state), Some(New));
        assert_eq!(table.all().count(), 1);
        let (key, _) = table.all().next().unwrap();
        assert_eq!(table.slot_name(key), "demo_app.node1");
    }

    #[test]
    fn health_events_mark_the_task_and_history_is_forgotten() {
        let mut table = SlotTable::default();
        table.event(&seen(0, task("a", 1, 1, Running, Running)));
        table.event(&container(10, "a", ContainerAction::Unhealthy));
        assert_eq!(table.task("a").unwrap().state(), "running, unhealthy");
        table.event(&container(20, "unknown", ContainerAction::Unhealthy));
        let gone = EventKind::TaskGone { task: "a".into() };
        table.event(&super::super::replay::event(30, gone));
        assert!(table.task("a").is_none() && table.all().next().is_none());
    }
}

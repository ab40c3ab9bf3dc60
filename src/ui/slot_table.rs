//! Every replica with its old and its new task, kept up to date by the events.

use std::collections::BTreeMap;

use super::slot::{Slot, SlotKey};
use super::task_line::TaskLine;
use super::words::clean;
use crate::record::{ContainerAction, Event, EventKind};

/// Every replica that events told of, in the order of service and slot.
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
            EventKind::Container { task, action, .. } => {
                let healthy = match action {
                    ContainerAction::Healthy => Some(true),
                    ContainerAction::Unhealthy => Some(false),
                    _ => return None,
                };
                self.slots.values_mut().find_map(|slot| slot.task_mut(task))?.healthy = healthy;
                None
            }
            _ => None,
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

    /// A service's name as shown.
    pub fn service_name(&self, service: &str) -> String {
        let short = service.strip_prefix(&self.prefix).filter(|rest| !rest.is_empty());
        clean(short.unwrap_or(service)).into_owned()
    }

    /// A slot's name as docker writes it, without the stack's name: `app.3`.
    pub fn slot_name(&self, key: &SlotKey) -> String {
        let service = self.service_name(&key.service);
        if key.slot == 0 {
            format!("{service}.{}", key.node.get(..5).unwrap_or(&key.node))
        } else {
            format!("{service}.{}", key.slot)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::replay::{container, seen, task};
    use super::*;
    use crate::swarm::TaskState::{Assigned, New, Running, Shutdown, Starting};

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

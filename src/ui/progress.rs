//! How far the slots of a service are on their way to a version.

use super::slot::{Slot, SlotKey};
use super::slot_table::SlotTable;
use super::words::list;
use crate::swarm::TaskState;

/// How far the slots of a service are on their way to one version. Each slot is counted once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    /// Slots that should run the version.
    pub wanted: usize,
    /// Slots that do.
    pub done: usize,
    /// Slots Swarm has not turned to.
    pub untouched: usize,
    /// Slots whose other version must stop before the version may start.
    pub stopping: Slots,
    /// Slots whose task has no node, with the engine's reason.
    pub unplaced: Vec<(String, String)>,
    /// Slots whose task gets its image and container.
    pub preparing: Slots,
    /// Slots whose task is ready and held back, by the restart policy's delay.
    pub held: Slots,
    /// Slots whose task is started but does not count as running.
    pub starting: Slots,
    /// Slots whose task became unhealthy and is being ended for it.
    pub unhealthy: Slots,
    /// Slots whose task ended, with the reason.
    pub failed: Vec<(String, String)>,
    /// Slots that run the version while the other one still drains.
    pub draining: Slots,
}

/// Names of slots: numbers, or nodes for a global service.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Slots(pub Vec<String>);

impl Slots {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `s` if there are several.
    pub fn plural(&self) -> &'static str {
        if self.0.len() == 1 { "" } else { "s" }
    }

    /// `its health check`, `their health checks`.
    pub fn health_checks(&self) -> &'static str {
        if self.0.len() == 1 { "its health check" } else { "their health checks" }
    }

    /// `slot 3`, `slots 3 and 4`, `7 slots`.
    pub fn named(&self) -> String {
        match self.0.len() {
            1 => format!("slot {}", self.0[0]),
            2..=4 => format!("slots {}", list(&self.0)),
            many => format!("{many} slots"),
        }
    }
}

impl Progress {
    /// Where the slots of `service` stand on the way to `generation`; without one, each slot
    /// on the way to the version of the task that stands for it.
    pub fn towards(
        generation: Option<u32>,
        service: &str,
        replicas: u64,
        slots: &SlotTable,
    ) -> Self {
        let mut progress = Self::default();
        let mut known = 0;
        for (key, slot) in slots.of(service) {
            let Some(newest) = slot.standing() else { continue };
            known += 1;
            match generation {
                Some(generation) => progress.add(generation, key, slot),
                None if newest.is_leaving() => progress.stopping.0.push(name(key)),
                None if newest.seen.state == TaskState::Shutdown => {}
                None => progress.add(newest.seen.generation, key, slot),
            }
        }
        // A global service's replicas are its nodes.
        progress.wanted = usize::try_from(replicas).unwrap_or(usize::MAX).max(known);
        progress
    }

    fn add(&mut self, generation: u32, key: &SlotKey, slot: &Slot) {
        let name = name(key);
        let others_leave = slot.others_leave(generation);
        let Some(task) = slot.newest_of(generation) else {
            if others_leave {
                self.stopping.0.push(name);
            } else {
                self.untouched += 1;
            }
            return;
        };
        // The version went from here, as it does before a rollback brings it back.
        if task.is_leaving() || task.seen.state == TaskState::Shutdown {
            if others_leave {
                self.stopping.0.push(name);
            } else if slot.others_stay(generation) {
                self.untouched += 1;
            } else {
                self.preparing.0.push(name);
            }
            return;
        }
        match task.seen.state {
            state if task.healthy == Some(false) && !state.is_terminal() => {
                self.unhealthy.0.push(name);
            }
            TaskState::Running if others_leave => {
                self.done += 1;
                self.draining.0.push(name);
            }
            TaskState::Running => self.done += 1,
            TaskState::New | TaskState::Allocated | TaskState::Pending
                if !task.seen.error.is_empty() =>
            {
                self.unplaced.push((name, task.seen.error.clone()));
            }
            TaskState::Starting => self.starting.0.push(name),
            state if state.is_terminal() => self.failed.push((name, task.reason())),
            _ if others_leave && task.seen.desired < TaskState::Running => {
                self.stopping.0.push(name);
            }
            TaskState::Ready if task.seen.desired < TaskState::Running && slot.is_restart() => {
                self.held.0.push(name);
            }
            TaskState::Ready => self.starting.0.push(name),
            _ => self.preparing.0.push(name),
        }
    }

    /// Whether a slot is between two versions.
    pub fn in_flight(&self) -> bool {
        !(self.stopping.is_empty()
            && self.unplaced.is_empty()
            && self.preparing.is_empty()
            && self.held.is_empty()
            && self.starting.is_empty()
            && self.unhealthy.is_empty()
            && self.failed.is_empty())
    }

    /// Whether every slot runs the version.
    pub fn is_whole(&self) -> bool {
        self.done == self.wanted
    }
}

fn name(key: &SlotKey) -> String {
    match (key.slot, key.node.get(..5)) {
        (0, node) => node.unwrap_or(&key.node).to_owned(),
        (number, _) => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::replay::{container, seen, task};
    use super::*;
    use crate::record::{ContainerAction, TaskSeen};
    use TaskState::{Failed, Pending, Preparing, Ready, Running, Shutdown, Starting};

    fn progress(tasks: Vec<TaskSeen>) -> Progress {
        let mut table = SlotTable::default();
        for task in tasks {
            table.event(&seen(0, task));
        }
        Progress::towards(Some(2), "demo_app", 6, &table)
    }

    #[test]
    fn every_slot_is_counted_once() {
        let mut nowhere = task("n4", 4, 2, Pending, Running);
        nowhere.error = "no suitable node".into();
        let mut failed = task("n5", 5, 2, Failed, Shutdown);
        failed.exit_code = Some(1);
        let progress = progress(vec![
            task("o1", 1, 1, Running, Shutdown),
            task("n1", 1, 2, Ready, Ready),
            task("o2", 2, 1, Shutdown, Shutdown),
            task("n2", 2, 2, Starting, Running),
            task("n3", 3, 2, Running, Running),
            nowhere,
            failed,
            task("o6", 6, 1, Running, Running),
        ]);
        let slots = |names: &[&str]| Slots(names.iter().map(ToString::to_string).collect());
        assert_eq!(
            progress,
            Progress {
                wanted: 6,
                done: 1,
                untouched: 1,
                stopping: slots(&["1"]),
                unplaced: vec![("4".into(), "no suitable node".into())],
                starting: slots(&["2"]),
                failed: vec![("5".into(), "exit code 1".into())],
                ..Progress::default()
            }
        );
    }

    #[test]
    fn start_first_keeps_the_old_one_until_the_new_one_runs() {
        let old = task("o1", 1, 1, Running, Running);
        let coming = progress(vec![old, task("n1", 1, 2, Preparing, Running)]);
        assert_eq!(coming.preparing.named(), "slot 1");
        let old = task("o1", 1, 1, Running, Shutdown);
        let there = progress(vec![old, task("n1", 1, 2, Running, Running)]);
        assert_eq!((there.done, there.draining.named().as_str()), (1, "slot 1"));
        assert!(!there.in_flight());
    }

    #[test]
    fn a_replacement_that_waits_for_the_restart_delay_is_held() {
        let dead = task("n1", 1, 2, Failed, Shutdown);
        let held = progress(vec![dead, task("n2", 1, 2, Ready, Ready)]);
        assert_eq!(held.held.named(), "slot 1");
        assert!(held.in_flight() && !held.is_whole());
        // An update lets the new task go as soon as the old one has stopped.
        let gone = task("o1", 1, 1, Shutdown, Shutdown);
        let next = progress(vec![gone, task("n1", 1, 2, Ready, Ready)]);
        assert_eq!(next.starting.named(), "slot 1");
    }

    #[test]
    fn a_slot_that_a_rollback_has_not_reached_is_untouched() {
        for state in [Running, Starting] {
            let gone = task("o1", 1, 2, Shutdown, Shutdown);
            let progress = progress(vec![gone, task("n1", 1, 3, state, Running)]);
            assert_eq!(progress.untouched, 1);
        }
        let gone = task("o1", 1, 2, Shutdown, Shutdown);
        let empty = progress(vec![gone.clone(), task("n1", 1, 3, Failed, Shutdown)]);
        assert_eq!(empty.preparing.named(), "slot 1");
        let going = progress(vec![gone, task("n1", 1, 3, Starting, Shutdown)]);
        assert_eq!(going.stopping.named(), "slot 1");
    }

    #[test]
    fn an_unhealthy_task_is_neither_starting_nor_done() {
        for state in [Starting, Running] {
            let mut table = SlotTable::default();
            table.event(&seen(0, task("n1", 1, 2, state, Running)));
            table.event(&container(0, "n1", ContainerAction::Unhealthy));
            let progress = Progress::towards(Some(2), "demo_app", 1, &table);
            assert_eq!((progress.unhealthy.named().as_str(), progress.done), ("slot 1", 0));
        }
    }

    #[test]
    fn without_a_version_each_slot_goes_by_its_newest_task() {
        let mut table = SlotTable::default();
        table.event(&seen(0, task("a", 1, 2, Failed, Shutdown)));
        table.event(&seen(0, task("b", 1, 1, Running, Running)));
        table.event(&seen(0, task("c", 2, 1, Running, TaskState::Remove)));
        let progress = Progress::towards(None, "demo_app", 2, &table);
        assert_eq!((progress.done, progress.stopping.named().as_str()), (1, "slot 2"));
    }

    #[test]
    fn names() {
        let slots = |n: usize| Slots((1..=n).map(|n| n.to_string()).collect());
        assert_eq!(slots(1).named(), "slot 1");
        assert_eq!(slots(3).named(), "slots 1, 2 and 3");
        assert_eq!(slots(5).named(), "5 slots");
    }
}

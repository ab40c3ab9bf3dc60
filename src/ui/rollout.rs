//! How far the slots of a service are on their way to a version.

use super::slots::{Slot, SlotKey, SlotTable};
use crate::Offset;
use crate::judge::TaskFailure;
use crate::swarm::TaskState;
use crate::wording::list;

/// How far the slots of a service are on their way to one version. Each slot is counted once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Rollout {
    /// Slots that should run the version.
    pub wanted: usize,
    /// Slots that do.
    pub done: usize,
    /// When the newest of them got there.
    pub done_at: Option<Offset>,
    /// Slots Swarm has not turned to.
    pub untouched: usize,
    /// Slots whose other version must stop before the version may start.
    pub stopping: Slots,
    /// Slots whose task gets no further, and why.
    pub stuck: Vec<(String, TaskFailure)>,
    /// Slots whose task gets its image and container.
    pub preparing: Slots,
    /// Slots whose task is ready and held back, by the restart policy's delay.
    pub held: Slots,
    /// Slots whose task is started but does not count as running.
    pub starting: Slots,
    /// Slots whose task became unhealthy and is being ended for it.
    pub unhealthy: Slots,
    /// Slots whose task failed and ended.
    pub failed: Vec<(String, TaskFailure)>,
    /// Slots that run the version while the other one still drains.
    pub draining: Slots,
}

/// Names of slots: numbers, or nodes for a global service; and since when they have been in the
/// same step.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Slots {
    names: Vec<String>,
    /// When the first of them got into this step.
    pub since: Option<Offset>,
}

impl Slots {
    fn push(&mut self, name: String, since: Offset) {
        self.names.push(name);
        self.since = Some(self.since.map_or(since, |first| first.min(since)));
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// One text if there is a single slot, else the other.
    pub fn either(&self, one: &'static str, several: &'static str) -> &'static str {
        if self.names.len() == 1 { one } else { several }
    }

    /// `slot 3`, `slots 3 and 4`, `7 slots`.
    pub fn named(&self) -> String {
        match self.names.len() {
            1 => format!("slot {}", self.names[0]),
            2..=4 => format!("slots {}", list(&self.names)),
            many => format!("{many} slots"),
        }
    }
}

impl Rollout {
    /// Where the slots of `service` stand on the way to `generation`; without one, each slot
    /// on the way to the version of the task that stands for it.
    pub fn towards(
        generation: Option<u32>,
        service: &str,
        replicas: u64,
        slots: &SlotTable,
    ) -> Self {
        let mut rollout = Self::default();
        let mut known = 0;
        for (key, slot) in slots.of(service) {
            let Some(newest) = slot.standing() else { continue };
            known += 1;
            match generation {
                Some(generation) => rollout.add(generation, key, slot),
                None if newest.is_leaving() => rollout.stopping.push(key.name(), newest.since),
                None if newest.seen.state == TaskState::Shutdown => {}
                None => rollout.add(newest.seen.generation, key, slot),
            }
        }
        // A global service's replicas are its nodes.
        rollout.wanted = usize::try_from(replicas).unwrap_or(usize::MAX).max(known);
        rollout
    }

    fn add(&mut self, generation: u32, key: &SlotKey, slot: &Slot) {
        let name = key.name();
        let leaving_since = slot.others_leave_since(generation);
        let Some(task) = slot.newest_of(generation) else {
            if let Some(since) = leaving_since {
                self.stopping.push(name, since);
            } else {
                self.untouched += 1;
            }
            return;
        };
        // The version went from here, as it does before a rollback brings it back.
        if task.is_leaving() || !task.is_alive() && !task.is_broken() {
            if let Some(since) = leaving_since {
                self.stopping.push(name, since);
            } else if slot.others_stay(generation) {
                self.untouched += 1;
            } else {
                self.preparing.push(name, task.since);
            }
            return;
        }
        match (task.seen.state, task.failure()) {
            _ if task.is_unhealthy() => self.unhealthy.push(name, task.since),
            (_, Some(failure)) if failure.is_stuck() => self.stuck.push((name, failure)),
            (_, Some(failure)) => self.failed.push((name, failure)),
            (TaskState::Running, _) => {
                self.done += 1;
                self.done_at = self.done_at.max(Some(task.since));
                if let Some(since) = leaving_since {
                    self.draining.push(name, since);
                }
            }
            (TaskState::Starting, _) => self.starting.push(name, task.since),
            (state, _) => match leaving_since {
                Some(since) if task.seen.desired < TaskState::Running => {
                    self.stopping.push(name, since);
                }
                _ if state == TaskState::Ready
                    && task.seen.desired < TaskState::Running
                    && slot.is_restart() =>
                {
                    self.held.push(name, task.since);
                }
                _ if state == TaskState::Ready => self.starting.push(name, task.since),
                _ => self.preparing.push(name, task.since),
            },
        }
    }

    /// Whether a slot is between two versions.
    pub fn in_flight(&self) -> bool {
        !(self.stopping.is_empty()
            && self.stuck.is_empty()
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

#[cfg(test)]
mod tests {
    use super::super::replay::{container, seen, task};
    use super::*;
    use crate::record::{ContainerAction, TaskSeen};
    use TaskState::{Failed, Pending, Preparing, Ready, Running, Shutdown, Starting};

    fn rollout(tasks: Vec<TaskSeen>) -> Rollout {
        let mut table = SlotTable::default();
        for task in tasks {
            table.event(&seen(0, task));
        }
        Rollout::towards(Some(2), "demo_app", 6, &table)
    }

    #[test]
    fn every_slot_is_counted_once() {
        let mut nowhere = task("n4", 4, 2, Pending, Running);
        nowhere.error = "no suitable node".into();
        let mut failed = task("n5", 5, 2, Failed, Shutdown);
        failed.exit_code = Some(1);
        let rollout = rollout(vec![
            task("o1", 1, 1, Running, Shutdown),
            task("n1", 1, 2, Ready, Ready),
            task("o2", 2, 1, Shutdown, Shutdown),
            task("n2", 2, 2, Starting, Running),
            task("n3", 3, 2, Running, Running),
            nowhere,
            failed,
            task("o6", 6, 1, Running, Running),
        ]);
        let slots = |names: &[&str]| Slots {
            names: names.iter().map(ToString::to_string).collect(),
            since: Some(Offset::ZERO),
        };
        assert_eq!(
            rollout,
            Rollout {
                wanted: 6,
                done: 1,
                done_at: Some(Offset::ZERO),
                untouched: 1,
                stopping: slots(&["1"]),
                stuck: vec![(
                    "4".into(),
                    TaskFailure::NotPlaced { error: "no suitable node".into() }
                )],
                starting: slots(&["2"]),
                failed: vec![("5".into(), TaskFailure::Exited { code: 1 })],
                ..Rollout::default()
            }
        );
    }

    #[test]
    fn start_first_keeps_the_old_one_until_the_new_one_runs() {
        let old = task("o1", 1, 1, Running, Running);
        let coming = rollout(vec![old, task("n1", 1, 2, Preparing, Running)]);
        assert_eq!(coming.preparing.named(), "slot 1");
        let old = task("o1", 1, 1, Running, Shutdown);
        let there = rollout(vec![old, task("n1", 1, 2, Running, Running)]);
        assert_eq!((there.done, there.draining.named().as_str()), (1, "slot 1"));
        assert!(!there.in_flight());
    }

    #[test]
    fn a_replacement_that_waits_for_the_restart_delay_is_held() {
        let dead = task("n1", 1, 2, Failed, Shutdown);
        let held = rollout(vec![dead, task("n2", 1, 2, Ready, Ready)]);
        assert_eq!(held.held.named(), "slot 1");
        assert!(held.in_flight() && !held.is_whole());
        // An update lets the new task go as soon as the old one has stopped.
        let gone = task("o1", 1, 1, Shutdown, Shutdown);
        let next = rollout(vec![gone, task("n1", 1, 2, Ready, Ready)]);
        assert_eq!(next.starting.named(), "slot 1");
    }

    #[test]
    fn a_slot_that_a_rollback_has_not_reached_is_untouched() {
        for state in [Running, Starting] {
            let gone = task("o1", 1, 2, Shutdown, Shutdown);
            let rollout = rollout(vec![gone, task("n1", 1, 3, state, Running)]);
            assert_eq!(rollout.untouched, 1);
        }
        let gone = task("o1", 1, 2, Shutdown, Shutdown);
        let empty = rollout(vec![gone.clone(), task("n1", 1, 3, Failed, Shutdown)]);
        assert_eq!(empty.preparing.named(), "slot 1");
        let going = rollout(vec![gone, task("n1", 1, 3, Starting, Shutdown)]);
        assert_eq!(going.stopping.named(), "slot 1");
    }

    #[test]
    fn an_unhealthy_task_is_neither_starting_nor_done() {
        for state in [Starting, Running] {
            let mut table = SlotTable::default();
            table.event(&seen(0, task("n1", 1, 2, state, Running)));
            table.event(&container(0, "n1", ContainerAction::Unhealthy));
            let rollout = Rollout::towards(Some(2), "demo_app", 1, &table);
            assert_eq!((rollout.unhealthy.named().as_str(), rollout.done), ("slot 1", 0));
        }
    }

    #[test]
    fn without_a_version_each_slot_goes_by_its_newest_task() {
        let mut table = SlotTable::default();
        table.event(&seen(0, task("a", 1, 2, Failed, Shutdown)));
        table.event(&seen(0, task("b", 1, 1, Running, Running)));
        table.event(&seen(0, task("c", 2, 1, Running, TaskState::Remove)));
        let rollout = Rollout::towards(None, "demo_app", 2, &table);
        assert_eq!((rollout.done, rollout.stopping.named().as_str()), (1, "slot 2"));
    }

    #[test]
    fn names() {
        let slots =
            |n: usize| Slots { names: (1..=n).map(|n| n.to_string()).collect(), since: None };
        assert_eq!(slots(1).named(), "slot 1");
        assert_eq!(slots(3).named(), "slots 1, 2 and 3");
        assert_eq!(slots(5).named(), "5 slots");
    }
}

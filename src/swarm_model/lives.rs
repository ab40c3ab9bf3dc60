//! The tasks of a recorded update.

use std::collections::BTreeMap;

use crate::Offset;
use crate::record::{ContainerAction, Event, EventKind, TaskSeen};
use crate::swarm::TaskState;

/// Services and tasks are two requests to the engine: what comes at the same moment is seen this far apart
/// at most.
const TOGETHER: Offset = Offset::from_millis(100);
/// A task that ended by itself is replaced within this time, if Swarm replaces it.
const REPLACED_WITHIN: Offset = Offset::from_millis(500);

/// The instants of one task.
#[derive(Debug, Clone, Default)]
pub(super) struct Life {
    pub(super) slot: u64,
    pub(super) is_new: bool,
    pub(super) created: Offset,
    pub(super) started: Option<Offset>,
    pub(super) running: Option<Offset>,
    pub(super) healthy: Option<Offset>,
    pub(super) unhealthy: Option<Offset>,
    pub(super) check_hangs: bool,
    pub(super) signal: Option<Offset>,
    pub(super) killed: bool,
    pub(super) died: Option<Offset>,
    pub(super) exit_code: Option<i64>,
    pub(super) last: Option<TaskState>,
    pub(super) error: String,
}

/// The tasks of both generations, in the order in which they were created. Those that had ended
/// before the request are none of them.
pub(super) fn lives(
    events: &[&Event],
    of: &str,
    [old, new]: [u32; 2],
    submitted: Offset,
) -> Vec<Life> {
    let mut lives: BTreeMap<&str, Life> = BTreeMap::new();
    for event in events {
        match &event.kind {
            EventKind::Task(task)
                if task.service == of && (task.generation == old || task.generation == new) =>
            {
                let life = lives.entry(&task.task).or_insert_with(|| Life {
                    slot: task.slot,
                    is_new: task.generation == new,
                    created: event.at,
                    ..Life::default()
                });
                life.sees(event.at, task);
            }
            EventKind::Container { task, action, signal, exit_code, .. } => {
                if let Some(life) = lives.get_mut(task.as_str()) {
                    life.container(event.at, *action, *signal, *exit_code);
                }
            }
            EventKind::HealthCheckFailed { task, exit_code, .. } => {
                if let Some(life) = lives.get_mut(task.as_str()) {
                    life.check_hangs = *exit_code == -1;
                }
            }
            _ => {}
        }
    }
    let mut lives: Vec<Life> =
        lives.into_values().filter(|life| life.died.is_none_or(|died| died >= submitted)).collect();
    lives.sort_by_key(|life| life.created);
    lives
}

impl Life {
    fn sees(&mut self, at: Offset, task: &TaskSeen) {
        if task.state == TaskState::Running {
            self.running.get_or_insert(at);
        }
        if task.exit_code.is_some() {
            self.exit_code = task.exit_code;
        }
        task.error.clone_into(&mut self.error);
        self.last = Some(task.state);
    }

    fn container(
        &mut self,
        at: Offset,
        action: ContainerAction,
        signal: Option<i64>,
        exit_code: Option<i64>,
    ) {
        match action {
            ContainerAction::Start => self.started = Some(at),
            ContainerAction::Healthy => {
                self.healthy.get_or_insert(at);
            }
            ContainerAction::Unhealthy => {
                self.unhealthy.get_or_insert(at);
            }
            ContainerAction::Kill if signal == Some(9) => self.killed = true,
            ContainerAction::Kill => {
                self.signal.get_or_insert(at);
            }
            ContainerAction::Die => {
                self.died.get_or_insert(at);
                self.exit_code = exit_code.or(self.exit_code);
            }
            _ => {}
        }
    }

    /// From the stop signal to the end of the process.
    pub(super) fn stop_time(&self) -> Option<Offset> {
        Some(self.died? - self.signal?)
    }

    /// Whether its node tries again and again to make its container.
    pub(super) fn stands(&self) -> bool {
        self.last == Some(TaskState::Preparing) && !self.error.is_empty()
    }

    /// Whether it ended although Swarm wanted it to run.
    fn ended_by_itself(&self) -> bool {
        matches!(self.last, Some(TaskState::Rejected | TaskState::Failed | TaskState::Complete))
    }

    /// Whether it shows how its version behaves: it got somewhere before it was stopped.
    pub(super) fn tells(&self) -> bool {
        let got_there = self.running.or(self.healthy).or(self.unhealthy).is_some();
        got_there || self.ended_by_itself() || self.stands()
    }
}

/// The slots of some tasks, in the order of their first ones.
pub(super) fn slots<'a>(lives: impl Iterator<Item = &'a Life>) -> Vec<u64> {
    let mut slots = Vec::new();
    for life in lives {
        if !slots.contains(&life.slot) {
            slots.push(life.slot);
        }
    }
    slots
}

/// The slots that a rollback took, in its order. Where a task had ended by itself and was replaced, nobody
/// sees when the rollback came to it: those slots are left out.
pub(super) fn taken_back(lives: &[Life], began: Offset) -> Vec<u64> {
    let replaces = |life: &Life| {
        lives.iter().filter(|other| other.is_new && other.slot == life.slot).any(|other| {
            other.ended_by_itself()
                && other.died.is_some_and(|died| {
                    (Offset::ZERO..=REPLACED_WITHIN).contains(&(life.created - died))
                })
        })
    };
    slots(
        lives
            .iter()
            .filter(|life| !life.is_new && life.created >= began - TOGETHER && !replaces(life)),
    )
}

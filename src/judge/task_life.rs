//! One task from first to last sight.

use crate::Offset;
use crate::record::{ContainerAction, TaskSeen};
use crate::swarm::TaskState;

/// One task's life. Both of a task's states only move forward, so each instant comes once.
#[derive(Debug, Clone)]
pub(super) struct TaskLife<'a> {
    /// What was seen last.
    pub last: &'a TaskSeen,
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
    /// Its addresses in the swarm's networks, and since when each was seen.
    pub addresses: Vec<(&'a str, Offset)>,
    /// The latest engine time among the sights.
    last_at: Offset,
}

impl<'a> TaskLife<'a> {
    pub(super) fn new(seen_task: &'a TaskSeen, at: Offset, seen: Offset) -> Self {
        let mut life = Self {
            last: seen_task,
            started: None,
            running: None,
            unhealthy: None,
            told_to_stop: None,
            signalled: None,
            killed: None,
            ended: None,
            failed: None,
            addresses: Vec::new(),
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
        if task.state == TaskState::Running && self.running.is_none() {
            self.running = Some(at);
        }
        if task.desired > TaskState::Running && task.desired != TaskState::Unknown {
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
        self.last = task;
        self.last_at = self.last_at.max(at);
    }

    /// Takes an event of its container; `sigkill` if the event tells of one.
    pub(super) fn container(&mut self, action: ContainerAction, sigkill: bool, at: Offset) {
        if sigkill {
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

    /// The task vanished from the engine's list.
    pub(super) fn gone(&mut self, at: Offset) {
        self.ended.get_or_insert(at);
    }

    /// Where it stands: its slot, or its node for a service with one task a node.
    pub(super) fn place(&self) -> (u64, &'a str) {
        let last: &'a TaskSeen = self.last;
        (last.slot, if last.slot == 0 { last.node.as_str() } else { "" })
    }

    /// When it stopped to be a target for new requests: told to stop, or ended.
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
        host_name.len() >= 12 && self.last.container.starts_with(host_name)
    }
}

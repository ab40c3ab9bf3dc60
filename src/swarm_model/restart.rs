//! The restart supervisor (swarmkit `manager/orchestrator/restart/restart.go`).

use super::queue::Due;
use super::task::{TaskId, What, Which};
use super::world::World;
use crate::Offset;
use crate::swarm::{RestartCondition, TaskState};

/// A slot that fails so often is not followed further in a plan: its next task is held back for ever, as
/// it is most of the time in between. Nothing else depends on what comes, and an update that waits
/// elsewhere may wait for hours.
const MOST_RESTARTS: usize = 30;

/// An instant that no plan reaches.
const NEVER: Offset = Offset::from_nanos(i64::MAX / 2);

/// The replacements in one slot since the spec changed.
#[derive(Debug, Clone)]
pub(super) struct Replaced {
    pub(super) version: Which,
    pub(super) at: Vec<Offset>,
}

impl World<'_> {
    /// Replaces a task that has ended although Swarm wants it to run, if its policy allows that.
    pub(super) fn replace(&mut self, id: TaskId) {
        let task = &self.tasks[id as usize];
        if !task.is_wanted() {
            return;
        }
        if self.now < task.promote_at {
            // Its own delay has to pass first.
            let at = task.promote_at;
            return self.plan_at(at, id, Due::Replace);
        }
        let (slot, allowed) = (task.slot, self.may_replace(id));
        self.tell_to_stop(id, TaskState::Shutdown);
        if !allowed || !self.wants(slot) {
            return;
        }
        let delay = Offset::from_secs_f64(self.spec(self.tasks[id as usize].version).restart.delay);
        let next = self.create(slot, TaskState::Ready, 0);
        let version = self.current;
        let now = self.now;
        let replaced =
            self.replaced.entry(slot).or_insert_with(|| Replaced { version, at: Vec::new() });
        if replaced.version != version {
            *replaced = Replaced { version, at: Vec::new() };
        }
        replaced.at.push(now);
        if replaced.at.len() > MOST_RESTARTS && !self.live {
            // Also if it fails while it is held back.
            self.tasks[next as usize].promote_at = NEVER;
            return;
        }
        self.tasks[next as usize].promote_at = now + delay;
        self.plan_in(delay, next, Due::Promote);
    }

    /// Whether the restart policy of an ended task lets Swarm replace it.
    pub(super) fn may_replace(&self, id: TaskId) -> bool {
        let task = &self.tasks[id as usize];
        let policy = self.spec(task.version).restart;
        let condition = match policy.condition {
            RestartCondition::None => false,
            RestartCondition::OnFailure => task.state != TaskState::Complete,
            RestartCondition::Any | RestartCondition::Unknown => true,
        };
        if !condition || policy.max_attempts == 0 {
            return condition;
        }
        let Some(replaced) = self.replaced.get(&task.slot) else { return true };
        if replaced.version != task.version {
            return true;
        }
        // The window ends when the task did, however much later the question is asked: a slot that has
        // used up its attempts stays empty.
        let until = task.end_seen.unwrap_or(self.now);
        let since = if policy.window > 0.0 {
            until - Offset::from_secs_f64(policy.window)
        } else {
            Offset::from_nanos(i64::MIN)
        };
        let counted = replaced.at.iter().filter(|at| **at > since).count() as u64;
        counted < policy.max_attempts
    }

    /// A task has waited its delay: it starts, unless it has to wait for another one since.
    pub(super) fn delay_is_over(&mut self, id: TaskId) {
        if !self.tasks[id as usize].waits {
            self.promote(id);
        }
    }

    /// The manager wants a task to start that it has held back.
    pub(super) fn promote(&mut self, id: TaskId) {
        let task = &mut self.tasks[id as usize];
        if task.desired >= TaskState::Running {
            return;
        }
        task.desired = TaskState::Running;
        self.log(id, What::Wanted);
        self.start_on_node(id);
    }

    /// The manager wants a task to stop.
    pub(super) fn tell_to_stop(&mut self, id: TaskId, desired: TaskState) {
        let task = &mut self.tasks[id as usize];
        if !task.is_wanted() {
            return;
        }
        task.desired = desired;
        let (slot, node) = (task.slot as usize, task.node);
        self.slots[slot].wanted -= 1;
        self.nodes.unwanted(node);
        self.log(id, What::ToldToStop);
        self.stop_on_node(id);
        self.freed();
    }
}

//! The steps of tasks and their containers.

use super::{Explainer, Known, Step};
use crate::Offset;
use crate::record::{ContainerAction, TaskSeen};
use crate::swarm::{FailureAction, HealthCheck, Order, RestartCondition, TaskState};
use crate::wording::{length, setting};

impl Explainer {
    pub(super) fn task(&mut self, at: Offset, seen: Offset, task: &TaskSeen) -> Option<Step> {
        let Some(known) = self.tasks.get_mut(task.task.as_str()) else {
            let known = Known {
                last: task.clone(),
                started: None,
                running: (task.state == TaskState::Running).then_some(at),
                unhealthy: None,
                told: None,
                signal: None,
            };
            self.tasks.insert(task.task.clone(), known);
            return self.created(at, task);
        };
        let before = std::mem::replace(&mut known.last, task.clone());
        if before.state < TaskState::Running && task.state == TaskState::Running {
            known.running = Some(at);
            let started = known.started;
            if self.is_new(task) {
                self.slot_done = Some(at);
            }
            return self.running(at, task, started);
        }
        let told_before = known.told.is_some();
        if !before.state.is_terminal() && task.state.is_terminal() {
            return self.ended(at, task, told_before);
        }
        if before.desired <= TaskState::Running && task.desired > TaskState::Running {
            let told = seen.max(at);
            known.told = Some(told);
            if !task.state.is_terminal() {
                return self.told_to_stop(told, task);
            }
        }
        None
    }

    fn is_new(&self, task: &TaskSeen) -> bool {
        self.submitted.is_some_and(|(_, generation)| task.generation == generation)
            || self.state.is_rollback()
    }

    fn created(&self, at: Offset, task: &TaskSeen) -> Option<Step> {
        let (policy, rollback) = self.policy();
        let slot = Some(task.slot);
        let block = |update, back| Some(if rollback { back } else { update });
        let what = format!("a task of version {} is created", task.generation);
        if let Some(waited) = self.slot_done.map(|done| at - done)
            && policy.delay > 0.0
            && waited.as_secs_f64() > policy.delay * 0.8
        {
            return self.step(
                at,
                slot,
                what,
                format!("a worker waits {} after each slot", setting(policy.delay)),
                block("update_config.delay", "rollback_config.delay"),
            );
        }
        let failed = self.tasks.values().any(|known| {
            known.last.slot == task.slot
                && known.last.task != task.task
                && matches!(known.last.state, TaskState::Failed | TaskState::Complete)
                && at - known.running.or(known.started).unwrap_or(at) < Offset::from_millis(60_000)
        });
        if failed {
            return self.step(
                at,
                slot,
                what,
                "a task that ended is replaced, and the replacement starts after the restart delay",
                Some("restart_policy.delay"),
            );
        }
        let rule = match policy.order {
            Order::StartFirst => "start-first: the old task stops once this one runs",
            _ => "stop-first: it starts once the old one has stopped",
        };
        self.step(at, slot, what, rule, block("update_config.order", "rollback_config.order"))
    }

    /// The health check of a task's version.
    fn check_of(&self, task: &TaskSeen) -> Option<&HealthCheck> {
        let is_submitted = self.submitted.is_some_and(|(_, new)| task.generation == new);
        if is_submitted { self.new_check.as_ref() } else { self.stack.healthcheck.as_ref() }
    }

    fn running(&self, at: Offset, task: &TaskSeen, started: Option<Offset>) -> Option<Step> {
        let slot = Some(task.slot);
        let after = started.map_or_else(String::new, |started| {
            format!(" {} after its container started", length(at - started))
        });
        match self.check_of(task) {
            Some(check) => self.step(
                at,
                slot,
                format!("the new task is healthy, so it runs{after}"),
                format!(
                    "a task runs, and gets requests, once a health check passes; the first comes {} \
                     after the start",
                    setting(check.interval)
                ),
                Some("healthcheck.interval"),
            ),
            None => self.step(
                at,
                slot,
                format!("the new task runs{after}"),
                "without a health check a task gets requests as soon as its process runs, ready or not",
                Some("healthcheck"),
            ),
        }
    }

    fn told_to_stop(&self, at: Offset, task: &TaskSeen) -> Option<Step> {
        let (policy, rollback) = self.policy();
        let rule = match policy.order {
            Order::StartFirst => "start-first: its successor runs",
            _ => "stop-first: its successor is created at the same moment",
        };
        let what = format!("the task of version {} is told to stop", task.generation);
        let key = if rollback { "rollback_config.order" } else { "update_config.order" };
        self.step(at, Some(task.slot), what, rule, Some(key))
    }

    fn ended(&mut self, at: Offset, task: &TaskSeen, told: bool) -> Option<Step> {
        let slot = Some(task.slot);
        let code =
            task.exit_code.map_or_else(String::new, |code| format!(" with exit code {code}"));
        if told || task.state == TaskState::Shutdown {
            let what = format!("the task of version {} has stopped{code}", task.generation);
            return self.step(at, slot, what, "", None);
        }
        if self.is_new(task) {
            self.slot_done = Some(at);
            self.failure.get_or_insert(at);
        }
        let (what, rule) = match task.state {
            TaskState::Complete => (
                format!("the task ends{code}"),
                match self.new_restart {
                    Some(RestartCondition::OnFailure) => {
                        "it counts as a failure of the update, but `on-failure` does not replace it"
                    }
                    Some(RestartCondition::None) => {
                        "it counts as a failure of the update, and condition `none` replaces no task"
                    }
                    _ => "it counts as a failure of the update, although its exit code is 0",
                },
            ),
            TaskState::Rejected => (
                format!("the node rejects the task: {}", task.error),
                "it counts as a failure, whatever monitor is",
            ),
            _ => (
                format!("the task fails{code}"),
                "it counts as a failure if it comes within monitor of the task's start",
            ),
        };
        if !self.is_new(task) {
            return self.step(at, slot, what, "", None);
        }
        let key = match self.stack.update_config.failure_action {
            FailureAction::Continue => "update_config.failure_action",
            _ => "update_config.monitor",
        };
        self.step(at, slot, what, rule, Some(key))
    }

    pub(super) fn container(
        &mut self,
        at: Offset,
        id: &str,
        action: ContainerAction,
        exit_code: Option<i64>,
        signal: Option<i64>,
    ) -> Option<Step> {
        let known = self.tasks.get_mut(id)?;
        let slot = Some(known.last.slot);
        match (action, signal) {
            (ContainerAction::Start, _) => {
                known.started = Some(at);
                None
            }
            (ContainerAction::Unhealthy, _) => {
                known.unhealthy = Some(at);
                let task = known.last.clone();
                let retries = self.check_of(&task).map_or(0, |check| check.retries);
                self.step(
                    at,
                    slot,
                    "its container is unhealthy, so the node stops it",
                    format!("{retries} health checks in a row failed"),
                    Some("healthcheck.retries"),
                )
            }
            (ContainerAction::Kill, Some(9)) => self.step(
                at,
                slot,
                "its process is killed",
                "it was still there when its grace period was over",
                Some("stop_grace_period"),
            ),
            (ContainerAction::Kill, _) => {
                let from = known.unhealthy.or(known.told);
                let first = known.signal.replace(at).is_none();
                let after = from.map_or_else(String::new, |from| {
                    format!(", {} after it had to stop", length(at - from))
                });
                let rule = "a task with a network leaves the load balancer first, and Swarm waits 2 s \
                            (and 1 s to cancel what the node is doing): no setting changes that";
                self.step(at, slot, format!("it gets its stop signal{after}"), rule, None)
                    .filter(|_| first)
            }
            (ContainerAction::Oom, _) => {
                self.step(at, slot, "it ran out of memory", "", Some("resources"))
            }
            _ => {
                let _ = exit_code;
                None
            }
        }
    }
}

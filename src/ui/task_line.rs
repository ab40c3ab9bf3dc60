//! One task as the terminal shows it, and why it failed.

use anstyle::Style;

use super::mode::{BAD, BUSY, GOOD, PAST};
use super::slots::SlotTable;
use crate::Offset;
use crate::judge::{self, CheckCourse, STOPPED_EARLY, TaskFailure, TaskSigns};
use crate::record::{ContainerAction, EventKind, TaskSeen};
use crate::swarm::TaskState;
use crate::wording::{clean, span};

/// A health check that failed this long before the order to stop is seen failed because of it:
/// tasks are polled, and events of containers come at once.
pub(super) const ORDER_SEEN_WITHIN: Offset = Offset::from_millis(250);

/// One task as the terminal shows it.
#[derive(Debug, Clone)]
pub(super) struct TaskLine {
    /// The newest news of it.
    pub seen: TaskSeen,
    /// When its observed or desired state last changed, or it became unhealthy.
    pub since: Offset,
    /// What decides whether and why it failed.
    signs: TaskSigns,
    /// When its container was called unhealthy.
    unhealthy_at: Option<Offset>,
}

impl TaskLine {
    /// The task as first seen.
    pub fn new(seen: &TaskSeen, at: Offset) -> Self {
        let mut signs = TaskSigns::default();
        signs.seen(seen);
        Self { seen: seen.clone(), since: at, signs, unhealthy_at: None }
    }

    /// Takes newer news of the same task.
    pub fn update(&mut self, seen: &TaskSeen, at: Offset) {
        if (self.seen.state, self.seen.desired) != (seen.state, seen.desired) {
            self.since = at;
        }
        self.signs.seen(seen);
        self.seen = seen.clone();
        if self.is_leaving() && self.unhealthy_at.is_some_and(|bad| at - bad <= ORDER_SEEN_WITHIN) {
            self.signs.told_to_stop = true;
        }
    }

    /// Takes an event of its container.
    pub fn event(&mut self, kind: &EventKind, at: Offset) {
        self.signs.event(kind);
        let unhealthy =
            matches!(kind, EventKind::Container { action: ContainerAction::Unhealthy, .. });
        if unhealthy && !self.was_told_to_stop() {
            (self.since, self.unhealthy_at) = (at, Some(at));
        }
    }

    /// Whether its container may still run or come to run.
    pub fn is_alive(&self) -> bool {
        !self.seen.state.is_terminal()
    }

    /// Whether Swarm wants it gone, and it is not gone yet.
    pub fn is_leaving(&self) -> bool {
        self.is_alive() && judge::is_told_to_stop(&self.seen)
    }

    /// Whether it serves.
    pub fn is_serving(&self) -> bool {
        judge::is_serving(&self.seen)
    }

    /// Whether Swarm told it to stop before anything else was wrong with it: what its health
    /// check says then is no problem.
    pub fn was_told_to_stop(&self) -> bool {
        self.signs.told_to_stop
    }

    /// Whether its container is unhealthy, and not because it stops.
    pub fn is_unhealthy(&self) -> bool {
        self.is_alive() && self.signs.unhealthy && !self.was_told_to_stop()
    }

    /// Why it failed, or is failing.
    pub fn failure(&self) -> Option<TaskFailure> {
        TaskFailure::of(&self.seen, &self.signs)
    }

    /// Whether it failed and has ended.
    pub fn is_broken(&self) -> bool {
        !self.is_alive() && self.failure().is_some()
    }

    /// Why it gets no further, if the engine says that it finds no node, or no image.
    pub fn stuck(&self) -> Option<TaskFailure> {
        self.failure().filter(TaskFailure::is_stuck)
    }

    /// What its health check said when it failed too often.
    pub fn health_failure(&self) -> TaskFailure {
        TaskFailure::Unhealthy(self.signs.health.clone().unwrap_or_default())
    }

    /// How its health checks went.
    pub fn checks(&self) -> CheckCourse {
        self.signs.checks.clone()
    }

    /// Its version and state: `#2 app:v2 starting`. Without `image` the version is the
    /// number alone.
    pub fn version(&self, image: bool) -> String {
        let number = format!("#{}", self.seen.generation);
        if image && !self.seen.image.is_empty() {
            format!("{number} {}", short_image(&clean(&self.seen.image)))
        } else {
            number
        }
    }

    /// Its state in Swarm's words, with the way it is going: `running → shutting down`.
    pub fn state(&self) -> String {
        let seen = &self.seen;
        let failure = self.failure().filter(|_| !self.is_unhealthy());
        let mut text = match failure.as_ref().and_then(reason) {
            Some(reason) => format!("{}: {reason}", seen.state),
            None if (seen.state, seen.desired) == (TaskState::Ready, TaskState::Ready) => {
                "ready, waiting".to_owned()
            }
            None => seen.state.to_string(),
        };
        if self.is_unhealthy() {
            text.push_str(", unhealthy");
        }
        if self.is_leaving() {
            text.push_str(match seen.desired {
                TaskState::Remove => " → being removed",
                _ => " → shutting down",
            });
        }
        text
    }

    /// Its state and, while it is on its way, for how long: `starting (health: 4s)`.
    pub fn state_for(&self, now: Offset, health_checked: bool) -> String {
        let state = self.state();
        let length = span(now - self.since);
        let checks = self.signs.checks.standing().filter(|_| !self.is_leaving());
        match (self.seen.state, checks) {
            _ if self.is_unhealthy() => state,
            (TaskState::Starting, Some(checks)) => format!("{state} (health: {length}, {checks})"),
            (TaskState::Starting, None) if health_checked && !self.is_leaving() => {
                format!("{state} (health: {length})")
            }
            (TaskState::Running, Some(checks)) => format!("{state}, {checks}"),
            (TaskState::Running, None) if !self.is_leaving() => state,
            _ if self.is_alive() => format!("{state} ({length})"),
            _ => state,
        }
    }

    /// The colour of its state.
    pub fn style(&self) -> Style {
        match self.seen.state {
            _ if self.is_unhealthy() || self.failure().is_some() => BAD,
            _ if !self.is_alive() => PAST,
            _ if self.is_serving() => GOOD,
            _ => BUSY,
        }
    }
}

/// Why it failed, in a few words that fit after its state: `exit code 3`.
fn reason(failure: &TaskFailure) -> Option<String> {
    match failure {
        TaskFailure::Unhealthy(_) => Some("unhealthy".to_owned()),
        TaskFailure::Exited { code } => Some(format!("exit code {code}")),
        TaskFailure::OutOfMemory => Some("out of memory".to_owned()),
        _ => failure.evidence(),
    }
}

/// What made Swarm pause or roll back, from its message.
pub(super) fn trigger(message: &str, slots: &SlotTable) -> String {
    if message.contains("manually requested") {
        return "a rollback was requested".to_owned();
    }
    let Some(task) = judge::named_task(message).and_then(|id| slots.task(id)) else {
        return match message {
            "" => "a task failed".to_owned(),
            message => format!("“{message}”"),
        };
    };
    let whom = judge::whom(&task.seen);
    match task.failure() {
        Some(failure) => failure.of_whom(&whom),
        None if task.signs.told_to_stop => format!("{whom} {STOPPED_EARLY}"),
        // The state of the service can be seen before that of the task.
        None => format!("{whom} failed"),
    }
}

/// The image without registry, folders and digest, which people do not read.
pub(super) fn short_image(image: &str) -> &str {
    let named = image.split_once('@').map_or(image, |(name, _digest)| name);
    named.rsplit('/').next().unwrap_or(named)
}

#[cfg(test)]
mod tests {
    use super::super::replay::{container, seen, task};
    use super::*;

    fn line(state: TaskState, desired: TaskState) -> TaskLine {
        TaskLine::new(&task("t1", 3, 2, state, desired), Offset::ZERO)
    }

    #[test]
    fn words_for_states() {
        use TaskState::{Preparing, Ready, Remove, Running, Shutdown, Starting};
        let now = Offset::from_millis(4_200);
        for (state, desired, short, long) in [
            (Running, Running, "running", "running"),
            (Running, Shutdown, "running → shutting down", "running → shutting down (4.2 s)"),
            (Running, Remove, "running → being removed", "running → being removed (4.2 s)"),
            (Starting, Running, "starting", "starting (health: 4.2 s)"),
            (Starting, Shutdown, "starting → shutting down", "starting → shutting down (4.2 s)"),
            (Ready, Ready, "ready, waiting", "ready, waiting (4.2 s)"),
            (Ready, Running, "ready", "ready (4.2 s)"),
            (Preparing, Running, "preparing", "preparing (4.2 s)"),
            (Shutdown, Shutdown, "shutdown", "shutdown"),
        ] {
            let line = line(state, desired);
            assert_eq!((&*line.state(), &*line.state_for(now, true)), (short, long));
        }
    }

    #[test]
    fn without_a_health_check_none_is_promised() {
        let starting = line(TaskState::Starting, TaskState::Running);
        assert_eq!(starting.state_for(Offset::from_millis(400), false), "starting (0.4 s)");
    }

    #[test]
    fn reasons() {
        let mut failed = line(TaskState::Failed, TaskState::Shutdown);
        failed.seen.exit_code = Some(137);
        failed.seen.error = "task: non-zero exit (137): dockerexec: unhealthy container".into();
        assert_eq!(failed.state(), "failed: unhealthy");
        failed.seen.error = "task: non-zero exit (137)".into();
        assert_eq!(failed.state(), "failed: exit code 137");
        let mut rejected = line(TaskState::Rejected, TaskState::Shutdown);
        rejected.seen.error = "No such image: app:v9".into();
        assert_eq!(rejected.state(), "rejected: No such image: app:v9");
        let mut complete = line(TaskState::Complete, TaskState::Shutdown);
        complete.seen.exit_code = Some(0);
        assert_eq!(complete.state(), "complete: exit code 0");
    }

    #[test]
    fn a_task_that_waits_for_a_node_says_why() {
        let mut pending = line(TaskState::Pending, TaskState::Running);
        pending.seen.error = "no suitable node (scheduling constraints not satisfied)".into();
        assert!(pending.state().starts_with("pending: no suitable node"));
        assert_eq!(pending.style(), BAD);
    }

    #[test]
    fn an_unhealthy_task_no_longer_waits_for_its_health() {
        let mut starting = line(TaskState::Starting, TaskState::Running);
        starting.event(&container(0, "t1", ContainerAction::Unhealthy).kind, Offset::ZERO);
        assert_eq!(starting.state_for(Offset::from_millis(400), true), "starting, unhealthy");
        assert_eq!(starting.style(), BAD);
    }

    #[test]
    fn a_health_check_that_fails_because_the_task_stops_is_no_problem() {
        let (running, stopping) = (
            task("t1", 3, 2, TaskState::Running, TaskState::Running),
            task("t1", 3, 2, TaskState::Running, TaskState::Shutdown),
        );
        let bad = |line: &mut TaskLine, at: i64| {
            let event = container(at, "t1", ContainerAction::Unhealthy);
            line.event(&event.kind, event.at);
        };
        let mut ordered = TaskLine::new(&stopping, Offset::ZERO);
        bad(&mut ordered, 3_000);
        let mut just_before = TaskLine::new(&running, Offset::ZERO);
        bad(&mut just_before, 3_000);
        assert!(just_before.is_unhealthy());
        just_before.update(&stopping, Offset::from_millis(3_100));
        for line in [ordered, just_before] {
            assert_eq!((line.is_unhealthy(), line.failure()), (false, None));
            assert_eq!(line.state(), "running → shutting down");
        }
        let mut long_before = TaskLine::new(&running, Offset::ZERO);
        bad(&mut long_before, 3_000);
        long_before.update(&stopping, Offset::from_millis(5_000));
        assert!(long_before.is_unhealthy() && long_before.failure().is_some());
    }

    #[test]
    fn versions() {
        let mut line = line(TaskState::Running, TaskState::Running);
        assert_eq!(line.version(true), "#2 app:v2");
        assert_eq!(line.version(false), "#2");
        line.seen.image = "registry:5000/team/app:v2@sha256:0123".into();
        assert_eq!(line.version(true), "#2 app:v2");
        line.seen.image = "registry:5000/team/app".into();
        assert_eq!(line.version(true), "#2 app");
    }

    #[test]
    fn time_counts_from_the_last_change_of_state() {
        let mut line = line(TaskState::Starting, TaskState::Running);
        line.update(&line.seen.clone(), Offset::from_millis(2_000));
        assert_eq!(line.since, Offset::ZERO);
        let mut running = line.seen.clone();
        running.state = TaskState::Running;
        line.update(&running, Offset::from_millis(3_000));
        assert_eq!(line.since, Offset::from_millis(3_000));
    }

    const MESSAGE: &str = "update rolled back due to failure or early termination of task n1";

    #[test]
    fn the_task_is_named_with_its_reason() {
        use TaskState::{Complete, Failed, Rejected, Shutdown};
        let unhealthy = "task: non-zero exit (137): dockerexec: unhealthy container";
        for (state, error, code, words) in [
            (Failed, unhealthy, Some(137), "became unhealthy"),
            (Failed, "task: non-zero exit (3)", Some(3), "exited with code 3"),
            (Complete, "", Some(0), "exited with code 0"),
            (Rejected, "No such image: app:v2", None, "was rejected"),
        ] {
            let mut slots = SlotTable::default();
            let mut broken = task("n1", 4, 2, state, Shutdown);
            broken.error = error.into();
            broken.exit_code = code;
            slots.event(&seen(0, broken));
            assert_eq!(trigger(MESSAGE, &slots), format!("slot 4 {words}"));
        }
    }

    #[test]
    fn an_unhealthy_task_that_has_not_ended_yet() {
        let mut slots = SlotTable::default();
        slots.event(&seen(0, task("n1", 4, 2, TaskState::Running, TaskState::Running)));
        slots.event(&container(0, "n1", ContainerAction::Unhealthy));
        assert_eq!(trigger(MESSAGE, &slots), "slot 4 became unhealthy");
    }

    #[test]
    fn what_is_not_known_is_not_made_up() {
        let slots = SlotTable::default();
        assert_eq!(trigger(MESSAGE, &slots), format!("“{MESSAGE}”"));
        assert_eq!(trigger("", &slots), "a task failed");
        assert_eq!(trigger("manually requested rollback", &slots), "a rollback was requested");
    }

    #[test]
    fn a_task_that_swarm_stopped_did_not_fail() {
        let mut slots = SlotTable::default();
        slots.event(&seen(0, task("n1", 4, 2, TaskState::Running, TaskState::Shutdown)));
        let mut ended = task("n1", 4, 2, TaskState::Failed, TaskState::Shutdown);
        ended.exit_code = Some(143);
        slots.event(&seen(0, ended));
        let line = slots.task("n1").unwrap();
        assert_eq!(
            (line.state().as_str(), line.is_broken(), line.style()),
            ("failed", false, PAST)
        );
        assert!(trigger(MESSAGE, &slots).starts_with("slot 4 was stopped by Swarm before"));
    }
}

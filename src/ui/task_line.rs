//! One task as the terminal shows it, and why it failed.

use anstyle::Style;

use super::mode::{BAD, BUSY, GOOD, PAST};
use super::slots::{SlotKey, SlotTable};
use crate::Offset;
use crate::record::TaskSeen;
use crate::swarm::TaskState;
use crate::wording::{clean, counted, cut, span};

/// How much of a health check's output a line shows, in cells.
const OUTPUT: usize = 80;

/// One task as the terminal shows it.
#[derive(Debug, Clone)]
pub(super) struct TaskLine {
    /// The newest news of it.
    pub seen: TaskSeen,
    /// When its observed or desired state last changed, or it became unhealthy.
    pub since: Offset,
    /// What its container's health events said last.
    pub healthy: Option<bool>,
    /// The check that made its container unhealthy.
    pub failed_check: Option<FailedCheck>,
}

/// What the health check said when a container became unhealthy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FailedCheck {
    /// Failed checks in a row.
    pub failures: u64,
    /// The last check's exit code; -1 if it ran into its time limit.
    pub exit_code: i64,
    /// The end of the last check's output.
    pub output: String,
}

impl TaskLine {
    /// The task as first seen.
    pub fn new(seen: &TaskSeen, at: Offset) -> Self {
        Self { seen: seen.clone(), since: at, healthy: None, failed_check: None }
    }

    /// Takes newer news of the same task.
    pub fn update(&mut self, seen: &TaskSeen, at: Offset) {
        if (self.seen.state, self.seen.desired) != (seen.state, seen.desired) {
            self.since = at;
        }
        self.seen = seen.clone();
    }

    /// Whether its container may still run or come to run.
    pub fn is_alive(&self) -> bool {
        !self.seen.state.is_terminal()
    }

    /// Whether Swarm wants it gone, and it is not gone yet.
    pub fn is_leaving(&self) -> bool {
        self.is_alive() && self.seen.desired > TaskState::Running
    }

    /// Whether it runs, is healthy where that is checked, and is wanted.
    pub fn is_serving(&self) -> bool {
        self.seen.state == TaskState::Running && self.seen.desired <= TaskState::Running
    }

    /// Whether it ended without Swarm having wanted that.
    pub fn is_broken(&self) -> bool {
        matches!(
            self.seen.state,
            TaskState::Failed | TaskState::Rejected | TaskState::Orphaned | TaskState::Complete
        )
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
        let mut text = match seen.state {
            TaskState::Ready if seen.desired == TaskState::Ready => "ready, waiting".to_owned(),
            TaskState::Failed | TaskState::Rejected | TaskState::Complete => {
                format!("{}: {}", seen.state, self.cause())
            }
            state if self.is_stuck() => format!("{state}: {}", clean(&seen.error)),
            state => state.to_string(),
        };
        if self.healthy == Some(false) && self.is_alive() {
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
        match self.seen.state {
            _ if self.healthy == Some(false) => state,
            TaskState::Starting if health_checked && !self.is_leaving() => {
                format!("{state} (health: {length})")
            }
            TaskState::Running if !self.is_leaving() => state,
            _ if self.is_alive() => format!("{state} ({length})"),
            _ => state,
        }
    }

    /// Whether the engine says why it gets no further: it finds no node, or no image.
    pub fn is_stuck(&self) -> bool {
        self.seen.state < TaskState::Starting && !self.seen.error.is_empty()
    }

    /// Why it ended, in a few words that fit after "failed:".
    pub fn cause(&self) -> String {
        let seen = &self.seen;
        let error = clean(&seen.error);
        if error.contains("unhealthy container") {
            "unhealthy".to_owned()
        } else if let Some(code) = seen.exit_code.filter(|_| seen.state != TaskState::Rejected) {
            format!("exit code {code}")
        } else if error.is_empty() {
            clean(&seen.message).into_owned()
        } else {
            error.strip_prefix("task: ").unwrap_or(&error).to_owned()
        }
    }

    /// What went wrong with it, to fit after its name: `became unhealthy`.
    pub fn failure(&self) -> String {
        let cause = self.cause();
        match self.seen.state {
            _ if self.healthy == Some(false) || cause == "unhealthy" => "became unhealthy".into(),
            TaskState::Shutdown => "was stopped".into(),
            TaskState::Orphaned => "was lost with its node".into(),
            TaskState::Rejected => format!("was rejected: {cause}"),
            TaskState::Complete => format!("ended: {cause}"),
            _ if self.is_stuck() => format!("is stuck in {}: {cause}", self.seen.state),
            _ if cause.is_empty() => "ended".into(),
            _ => format!("failed: {cause}"),
        }
    }

    /// [`TaskLine::failure`] with what the health check said:
    /// `became unhealthy: 3 checks failed: "connection refused"`.
    pub fn failure_in_full(&self) -> String {
        let failure = self.failure();
        let Some(check) = self.failed_check.as_ref().filter(|_| failure == "became unhealthy")
        else {
            return failure;
        };
        let checks = counted(check.failures, "check");
        let output = clean(check.output.trim()).into_owned();
        match (check.exit_code, output.is_empty()) {
            (-1, _) => format!("{failure}: {checks} failed, the last one timed out"),
            (code, true) => format!("{failure}: {checks} failed with exit code {code}"),
            (_, false) => format!("{failure}: {checks} failed: \"{}\"", cut(&output, OUTPUT)),
        }
    }

    /// The colour of its state.
    pub fn style(&self) -> Style {
        match self.seen.state {
            _ if self.is_broken() || self.healthy == Some(false) && self.is_alive() => BAD,
            _ if self.is_stuck() => BAD,
            _ if !self.is_alive() => PAST,
            _ if self.is_serving() => GOOD,
            _ => BUSY,
        }
    }
}

/// What made Swarm pause or roll back, from its message, which ends with a task's id.
pub(super) fn trigger(message: &str, slots: &SlotTable) -> String {
    if message.contains("manually requested") {
        return "a rollback was requested".to_owned();
    }
    let id = message.rsplit(' ').next().unwrap_or_default();
    match slots.task(id) {
        Some(task) => format!("{} {}", SlotKey::of(&task.seen).place(), task.failure()),
        None if message.is_empty() => "a task failed".to_owned(),
        None => format!("“{message}”"),
    }
}

/// The image without registry, folders and digest, which people do not read.
pub(super) fn short_image(image: &str) -> &str {
    let named = image.split_once('@').map_or(image, |(name, _digest)| name);
    named.rsplit('/').next().unwrap_or(named)
}

#[cfg(test)]
mod tests {
    use super::super::replay::{container, event, seen, task};
    use super::*;
    use crate::record::{ContainerAction, EventKind};

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
        starting.healthy = Some(false);
        assert_eq!(starting.state_for(Offset::from_millis(400), true), "starting, unhealthy");
        assert_eq!(starting.style(), BAD);
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
            (Failed, "task: non-zero exit (3)", Some(3), "failed: exit code 3"),
            (Complete, "", Some(0), "ended: exit code 0"),
            (Rejected, "No such image: app:v2", None, "was rejected: No such image: app:v2"),
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
    fn the_health_check_that_failed_is_quoted() {
        let refused = "wget: can't connect to remote host (127.0.0.1:1)";
        for (failures, exit_code, output, words) in [
            (3, 1, refused, format!("became unhealthy: 3 checks failed: \"{refused}\"")),
            (1, -1, "", "became unhealthy: 1 check failed, the last one timed out".into()),
            (3, 1, " \n", "became unhealthy: 3 checks failed with exit code 1".into()),
        ] {
            let mut slots = SlotTable::default();
            slots.event(&seen(0, task("n1", 4, 2, TaskState::Running, TaskState::Running)));
            slots.event(&container(0, "n1", ContainerAction::Unhealthy));
            let (container, service) = (String::new(), "demo_app".to_owned());
            let (task, output) = ("n1".to_owned(), output.to_owned());
            slots.event(&event(
                1,
                EventKind::HealthCheckFailed {
                    container,
                    task,
                    service,
                    failures,
                    exit_code,
                    output,
                },
            ));
            assert_eq!(slots.task("n1").unwrap().failure_in_full(), words);
        }
    }
}

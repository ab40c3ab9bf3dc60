//! One task as the terminal shows it.

use anstyle::Style;

use super::palette::{BAD, BUSY, GOOD, PAST};
use super::words::{clean, span};
use crate::Offset;
use crate::record::TaskSeen;
use crate::swarm::TaskState;

/// One task as the terminal shows it.
#[derive(Debug, Clone)]
pub(super) struct TaskLine {
    /// The newest news of it.
    pub seen: TaskSeen,
    /// When its observed or desired state last changed.
    pub since: Offset,
    /// What its container's health events said last.
    pub healthy: Option<bool>,
}

impl TaskLine {
    /// The task as first seen.
    pub fn new(seen: &TaskSeen, at: Offset) -> Self {
        Self { seen: seen.clone(), since: at, healthy: None }
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
            TaskState::Ready if seen.desired == TaskState::Ready => "ready, waits".to_owned(),
            TaskState::Failed | TaskState::Rejected | TaskState::Complete => {
                format!("{}: {}", seen.state, self.reason())
            }
            TaskState::New | TaskState::Pending if !seen.error.is_empty() => {
                format!("{}: {}", seen.state, clean(&seen.error))
            }
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

    /// Why it ended, in a few words that fit after "failed:".
    pub fn reason(&self) -> String {
        let seen = &self.seen;
        let error = clean(&seen.error);
        if error.contains("unhealthy container") {
            "became unhealthy".to_owned()
        } else if let Some(code) = seen.exit_code.filter(|_| seen.state != TaskState::Rejected) {
            format!("exit code {code}")
        } else if error.is_empty() {
            clean(&seen.message).into_owned()
        } else {
            error.strip_prefix("task: ").unwrap_or(&error).to_owned()
        }
    }

    /// The colour of its state.
    pub fn style(&self) -> Style {
        match self.seen.state {
            _ if self.is_broken() || self.healthy == Some(false) && self.is_alive() => BAD,
            TaskState::Pending if !self.seen.error.is_empty() => BAD,
            _ if !self.is_alive() => PAST,
            _ if self.is_serving() => GOOD,
            _ => BUSY,
        }
    }
}

/// The image without registry, folders and digest, which people do not read.
fn short_image(image: &str) -> &str {
    let named = image.split_once('@').map_or(image, |(name, _digest)| name);
    named.rsplit('/').next().unwrap_or(named)
}

#[cfg(test)]
mod tests {
    use super::super::replay::task;
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
            (Running, Shutdown, "running → shutting down", "running → shutting down (4.2s)"),
            (Running, Remove, "running → being removed", "running → being removed (4.2s)"),
            (Starting, Running, "starting", "starting (health: 4.2s)"),
            (Starting, Shutdown, "starting → shutting down", "starting → shutting down (4.2s)"),
            (Ready, Ready, "ready, waits", "ready, waits (4.2s)"),
            (Ready, Running, "ready", "ready (4.2s)"),
            (Preparing, Running, "preparing", "preparing (4.2s)"),
            (Shutdown, Shutdown, "shutdown", "shutdown"),
        ] {
            let line = line(state, desired);
            assert_eq!((&*line.state(), &*line.state_for(now, true)), (short, long));
        }
    }

    #[test]
    fn without_a_health_check_none_is_promised() {
        let starting = line(TaskState::Starting, TaskState::Running);
        assert_eq!(starting.state_for(Offset::from_millis(400), false), "starting (0.4s)");
    }

    #[test]
    fn reasons() {
        let mut failed = line(TaskState::Failed, TaskState::Shutdown);
        failed.seen.exit_code = Some(137);
        failed.seen.error = "task: non-zero exit (137): dockerexec: unhealthy container".into();
        assert_eq!(failed.state(), "failed: became unhealthy");
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
}

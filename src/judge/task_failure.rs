//! Why a task failed.

use std::fmt;

use serde::Serialize;

use crate::record::{ContainerAction, EventKind, TaskSeen};
use crate::swarm::TaskState;
use crate::wording::{clean, counted, short_id};

/// The longest output of a health check that is shown, in characters.
const OUTPUT: usize = 160;

/// How the engine begins its error about a container that it created and could not start
/// (moby, daemon/cluster/executor/container).
const START_FAILED: &str = "starting container failed: ";
/// What Go programs, containerd among them, say when a time limit of their own has passed.
const OUT_OF_TIME: &str = "context deadline exceeded";

/// What became of a task that the engine names as its reason though it did not fail.
pub const STOPPED_EARLY: &str =
    "was stopped by Swarm before it was running; its node may have been down";

/// Why a task failed. A failed health check comes first: Swarm ends the container because of it,
/// so how that ended is only its effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum TaskFailure {
    /// Its health check failed too often in a row.
    Unhealthy(HealthReport),
    /// Its container ended, with 0 too.
    Exited {
        /// The exit code.
        code: i64,
    },
    /// Its container ran out of memory.
    OutOfMemory,
    /// The node could not start it.
    Rejected {
        /// The engine's words.
        error: String,
    },
    /// No node can take it.
    NotPlaced {
        /// The engine's words.
        error: String,
    },
    /// It cannot start, for example because its image is missing.
    NotStarted {
        /// The engine's words.
        error: String,
    },
    /// Its container was created and did not start: the exit code that the engine gives it then
    /// (126 to 128) is no exit code of the program.
    StartFailed {
        /// The engine's words.
        error: String,
    },
    /// It was lost with its node.
    Lost,
    /// Another error.
    Other {
        /// The engine's words.
        error: String,
    },
}

/// What is known of the health check that failed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct HealthReport {
    /// Failed checks in a row.
    pub failures: Option<u64>,
    /// The last check's exit code; -1 if it ran into its time limit.
    pub exit_code: Option<i64>,
    /// The end of the last check's output, in one line; empty if there was none.
    pub output: String,
}

/// What was seen of one task beside its states that decides whether and why it failed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskSigns {
    /// Swarm told it to stop before anything else was wrong with it.
    pub told_to_stop: bool,
    /// Its container was called unhealthy.
    pub unhealthy: bool,
    /// What the health check said then.
    pub health: Option<HealthReport>,
    /// Its container ran out of memory.
    pub out_of_memory: bool,
}

impl TaskSigns {
    /// Takes a sight of the task.
    pub fn seen(&mut self, task: &TaskSeen) {
        if is_told_to_stop(task) && !task.state.is_terminal() && !self.unhealthy {
            self.told_to_stop = true;
        }
    }

    /// Takes an event about the task or its container.
    pub fn event(&mut self, kind: &EventKind) {
        match kind {
            EventKind::Container { action: ContainerAction::Unhealthy, .. } => {
                self.unhealthy = true;
            }
            EventKind::Container { action: ContainerAction::Oom, .. } => self.out_of_memory = true,
            EventKind::HealthCheckFailed { failures, exit_code, output, .. } => {
                self.unhealthy = true;
                self.health = Some(HealthReport {
                    failures: Some(*failures),
                    exit_code: Some(*exit_code),
                    output: output.clone(),
                });
            }
            _ => {}
        }
    }
}

/// Whether Swarm wants the task gone.
#[must_use]
pub fn is_told_to_stop(task: &TaskSeen) -> bool {
    task.desired > TaskState::Running && task.desired != TaskState::Unknown
}

/// Whether the task serves: it is RUNNING and not told to stop.
#[must_use]
pub fn is_serving(task: &TaskSeen) -> bool {
    task.state == TaskState::Running && !is_told_to_stop(task)
}

/// Who a task is, for people: its slot, or its node for a service with one task a node.
#[must_use]
pub fn whom(task: &TaskSeen) -> String {
    match task.slot {
        0 => format!("the task on node {}", short_id(&task.node)),
        slot => format!("slot {slot}"),
    }
}

/// The task that a message of the engine names, such as "update rolled back due to failure or
/// early termination of task 5x8b1p0k".
#[must_use]
pub fn named_task(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("termination of task ")?;
    rest.split_whitespace().next()
}

impl TaskFailure {
    /// Why this task failed, or is failing; absent if it did not. One that Swarm told to stop did
    /// not fail.
    #[must_use]
    pub fn of(task: &TaskSeen, signs: &TaskSigns) -> Option<Self> {
        if signs.told_to_stop {
            return None;
        }
        let error = || error_of(task);
        if let Some(error) = error().strip_prefix(START_FAILED) {
            return Some(Self::StartFailed { error: error.to_owned() });
        }
        if signs.unhealthy || task.error.contains("unhealthy container") {
            return Some(Self::Unhealthy(signs.health.clone().unwrap_or_default()));
        }
        match task.state {
            TaskState::Failed | TaskState::Complete if signs.out_of_memory => {
                Some(Self::OutOfMemory)
            }
            TaskState::Failed => Some(match task.exit_code {
                Some(code) if code != 0 => Self::Exited { code },
                _ => Self::Other { error: error() },
            }),
            TaskState::Complete => Some(Self::Exited { code: task.exit_code.unwrap_or(0) }),
            TaskState::Rejected => Some(Self::Rejected { error: error() }),
            TaskState::Orphaned => Some(Self::Lost),
            TaskState::Pending if !task.error.is_empty() => {
                Some(Self::NotPlaced { error: error() })
            }
            state if state < TaskState::Running && !task.error.is_empty() => {
                Some(Self::NotStarted { error: error() })
            }
            _ => None,
        }
    }

    /// Whether the task may still get further.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        matches!(self, Self::NotPlaced { .. } | Self::NotStarted { .. })
    }

    /// Whether the engine itself ran out of time: no version of a service makes it do so.
    #[must_use]
    pub fn is_the_engines(&self) -> bool {
        matches!(self, Self::StartFailed { error } if error.contains(OUT_OF_TIME))
    }

    /// What happened to whom, without the evidence: `slot 1 became unhealthy`.
    #[must_use]
    pub fn of_whom(&self, whom: &str) -> String {
        format!("{whom} {}", self.words("was"))
    }

    /// The same of several: `slots 1 and 4 were rejected`.
    #[must_use]
    pub fn of_several(&self, whom: &str) -> String {
        format!("{whom} {}", self.words("were"))
    }

    fn words(&self, was: &str) -> String {
        match self {
            Self::Unhealthy(_) => "became unhealthy".to_owned(),
            Self::Exited { code } => format!("exited with code {code}"),
            Self::OutOfMemory => "ran out of memory".to_owned(),
            Self::Rejected { .. } => format!("{was} rejected"),
            Self::NotPlaced { .. } => "could not be placed".to_owned(),
            Self::NotStarted { .. } => "could not start".to_owned(),
            Self::StartFailed { .. } => "could not be started".to_owned(),
            Self::Lost => {
                format!("{was} lost with {} node", if was == "was" { "its" } else { "their" })
            }
            Self::Other { .. } => "failed".to_owned(),
        }
    }

    /// The evidence, if there is any: `3 checks failed: "wget: can't connect"`, or the engine's
    /// words.
    #[must_use]
    pub fn evidence(&self) -> Option<String> {
        match self {
            Self::Unhealthy(report) => report.evidence(),
            Self::Rejected { error }
            | Self::NotPlaced { error }
            | Self::NotStarted { error }
            | Self::StartFailed { error }
            | Self::Other { error } => (!error.is_empty()).then(|| error.clone()),
            Self::Exited { .. } | Self::OutOfMemory | Self::Lost => None,
        }
    }
}

impl HealthReport {
    fn evidence(&self) -> Option<String> {
        let output = clean(self.output.trim()).into_owned();
        let output: String = if output.chars().count() > OUTPUT {
            output.chars().take(OUTPUT - 1).chain(['…']).collect()
        } else {
            output
        };
        let said = match (output.as_str(), self.exit_code) {
            ("", Some(-1)) => Some("the last one timed out".to_owned()),
            ("", Some(code)) => Some(format!("the last one with exit code {code} and no output")),
            ("", None) => None,
            (output, _) => Some(format!("\"{output}\"")),
        };
        let failed = self.failures.map(|failures| format!("{} failed", counted(failures, "check")));
        match (failed, said) {
            (Some(failed), Some(said)) if said.starts_with('"') => {
                Some(format!("{failed}: {said}"))
            }
            (Some(failed), Some(said)) => Some(format!("{failed}, {said}")),
            (failed, said) => failed.or(said),
        }
    }
}

impl fmt::Display for TaskFailure {
    /// What happened, with the evidence, to follow a name: `became unhealthy: 3 checks failed: "wget: can't
    /// connect"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = self.words("was");
        match self.evidence() {
            Some(evidence) => write!(f, "{what}: {evidence}"),
            None => f.write_str(&what),
        }
    }
}

/// The engine's words for the task's error; its message if it gives no error.
fn error_of(task: &TaskSeen) -> String {
    let error = if task.error.is_empty() { &task.message } else { &task.error };
    let error = clean(error);
    error.strip_prefix("task: ").unwrap_or(&error).to_owned()
}

#[cfg(test)]
mod tests {
    use TaskState::{
        Complete, Failed, Orphaned, Pending, Preparing, Rejected, Running, Shutdown, Starting,
    };

    use super::*;

    fn task(state: TaskState, error: &str, exit_code: Option<i64>) -> TaskSeen {
        TaskSeen {
            task: "t1".to_owned(),
            service: "demo_app".to_owned(),
            slot: 1,
            node: "n1".to_owned(),
            generation: 2,
            image: "app:v2".to_owned(),
            state,
            desired: if state.is_terminal() { Shutdown } else { Running },
            message: "started".to_owned(),
            error: error.to_owned(),
            exit_code,
            container: "c1".to_owned(),
            addresses: vec![],
        }
    }

    fn words(state: TaskState, error: &str, exit_code: Option<i64>) -> Option<String> {
        let task = task(state, error, exit_code);
        TaskFailure::of(&task, &TaskSigns::default()).map(|failure| failure.to_string())
    }

    fn failed_check(failures: u64, exit_code: i64, output: &str) -> EventKind {
        EventKind::HealthCheckFailed {
            container: "c1".to_owned(),
            task: "t1".to_owned(),
            service: "demo_app".to_owned(),
            failures,
            exit_code,
            output: output.to_owned(),
        }
    }

    #[test]
    fn each_way_to_fail_has_its_words() {
        let unhealthy = "task: non-zero exit (137): dockerexec: unhealthy container";
        for (state, error, code, expected) in [
            (Failed, unhealthy, Some(137), "became unhealthy"),
            (Failed, "task: non-zero exit (3)", Some(3), "exited with code 3"),
            (Failed, "task: no such network", None, "failed: no such network"),
            (Complete, "", Some(0), "exited with code 0"),
            (Rejected, "No such image: app:v2", None, "was rejected: No such image: app:v2"),
            (Pending, "no suitable node", None, "could not be placed: no suitable node"),
            (Preparing, "failed to resolve", None, "could not start: failed to resolve"),
            (Orphaned, "", None, "was lost with its node"),
            (
                Failed,
                "starting container failed: exec: \"nope\": not found",
                Some(127),
                "could not be started: exec: \"nope\": not found",
            ),
        ] {
            assert_eq!(words(state, error, code).as_deref(), Some(expected));
        }
        for state in [Running, Starting, Shutdown, Pending] {
            assert_eq!(words(state, "", None), None, "{state}");
        }
    }

    #[test]
    fn one_and_several() {
        let rejected = TaskFailure::Rejected { error: String::new() };
        assert_eq!(rejected.of_whom("slot 1"), "slot 1 was rejected");
        assert_eq!(rejected.of_several("slots 1 and 4"), "slots 1 and 4 were rejected");
        assert_eq!(
            TaskFailure::Lost.of_several("slots 1 and 4"),
            "slots 1 and 4 were lost with their node"
        );
        let exited = TaskFailure::Exited { code: 3 };
        assert_eq!(exited.of_whom("slot 1"), "slot 1 exited with code 3");
    }

    #[test]
    fn a_failed_health_check_is_the_cause_whatever_the_exit_code() {
        let signs = |kind: &EventKind| {
            let mut signs = TaskSigns::default();
            signs.event(kind);
            signs
        };
        let of = |signs: &TaskSigns| {
            TaskFailure::of(&task(Complete, "", Some(0)), signs).unwrap().to_string()
        };
        let refused = failed_check(3, 1, "wget: can't connect to remote host (127.0.0.1:1)\n");
        let expected = "became unhealthy: 3 checks failed: \"wget: can't connect to remote host \
                        (127.0.0.1:1)\"";
        assert_eq!(of(&signs(&refused)), expected);
        let timed_out = signs(&failed_check(1, -1, ""));
        assert_eq!(of(&timed_out), "became unhealthy: 1 check failed, the last one timed out");
        let unhealthy = EventKind::Container {
            container: "c1".to_owned(),
            task: "t1".to_owned(),
            service: "demo_app".to_owned(),
            action: ContainerAction::Unhealthy,
            exit_code: None,
            signal: None,
        };
        assert_eq!(of(&signs(&unhealthy)), "became unhealthy", "as in records of before");
    }

    #[test]
    fn a_task_that_swarm_told_to_stop_did_not_fail() {
        let mut signs = TaskSigns::default();
        signs.seen(&TaskSeen { desired: Shutdown, ..task(Running, "", None) });
        signs.event(&failed_check(3, 1, "refused"));
        assert_eq!(TaskFailure::of(&task(Failed, "task: exit (143)", Some(143)), &signs), None);
        // Swarm wants a failed task gone only because it failed.
        let mut signs = TaskSigns::default();
        signs.seen(&task(Failed, "", Some(1)));
        assert!(TaskFailure::of(&task(Failed, "", Some(1)), &signs).is_some());
    }

    #[test]
    fn the_engine_names_the_task() {
        let message = "update rolled back due to failure or early termination of task 5x8b1p0k";
        assert_eq!(named_task(message), Some("5x8b1p0k"));
        assert_eq!(named_task("rollback completed"), None);
        assert_eq!(named_task("manually requested rollback"), None);
    }

    #[test]
    fn long_output_is_cut() {
        let report = HealthReport { output: "é".repeat(500), ..HealthReport::default() };
        let text = TaskFailure::Unhealthy(report).to_string();
        assert!(text.chars().count() < 200 && text.ends_with("…\""), "{text}");
    }
}

//! Why a task failed.

use std::fmt;

use serde::Serialize;

use super::CheckCourse;
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
    /// How its health checks went.
    pub checks: CheckCourse,
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
            EventKind::HealthCheck(check) => self.checks.take(check),
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
mod tests;

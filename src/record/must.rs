//! What a scenario declares must happen.

use serde::{Deserialize, Serialize};

use crate::Offset;
use crate::swarm::UpdateState;

/// What a scenario declares must happen. What is left out is not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Must {
    /// What Swarm does with the change in the end.
    pub outcome: Ending,
    /// The service's update states, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<UpdateState>,
    /// At least so many replicas run at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowest: Option<u64>,
    /// Whether users lose requests.
    pub losses: Losses,
    /// Why they do: the name of a cause of the judge, such as `wrong-answer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// So many replicas run in the end, of whichever version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u64>,
    /// From the change to the end at most so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Offset>,
    /// The scenario ended so long after the change, whatever Swarm was doing then; absent: when the
    /// service was at rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<Offset>,
}

/// What Swarm does with a change in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Swarm says `completed`, and every replica runs the new version and none of it failed.
    Completed,
    /// Swarm says `completed`, although a replica of the new version failed or is missing.
    Mixed,
    /// The previous version is back, whatever state Swarm writes over the rollback.
    RolledBack,
    /// The rollback failed too, and Swarm stopped there.
    RollbackPaused,
    /// Swarm stopped in the middle and waits for an operator.
    Paused,
    /// The update or its rollback was still under way when the scenario ended.
    NeverEnds,
    /// No task was replaced, and none failed.
    NothingReplaced,
    /// There was nothing to update, but a task failed.
    TaskFailed,
}

impl Ending {
    /// The ending's name in files and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Mixed => "mixed",
            Self::RolledBack => "rolled-back",
            Self::RollbackPaused => "rollback-paused",
            Self::Paused => "paused",
            Self::NeverEnds => "never-ends",
            Self::NothingReplaced => "nothing-replaced",
            Self::TaskFailed => "task-failed",
        }
    }

    /// The ending in plain words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Completed => "Swarm completes the update, and every replica runs it",
            Self::Mixed => "Swarm says `completed`, although replicas failed or are missing",
            Self::RolledBack => "Swarm rolls back to the previous version",
            Self::RollbackPaused => "the rollback fails too, and Swarm stops there",
            Self::Paused => "Swarm pauses the update and waits for an operator",
            Self::NeverEnds => "the update never ends",
            Self::NothingReplaced => "no task is replaced",
            Self::TaskFailed => "a task fails without an update",
        }
    }
}

/// Whether users lose requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Losses {
    /// None is lost.
    #[default]
    None,
    /// At least one is lost.
    Some,
    /// Either may happen.
    Any,
}

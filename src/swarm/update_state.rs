//! A service's update state.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A service's `UpdateStatus.State`. [`UpdateState::None`] means that there is no status: no update
/// has started yet, or there was nothing to replace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateState {
    /// The engine reports no update status.
    None,
    /// An update is in progress.
    Updating,
    /// An update stopped after a failure and waits for an operator.
    Paused,
    /// An update ended. This does not prove success: see `docs/verdicts.md`.
    Completed,
    /// A rollback is in progress.
    RollbackStarted,
    /// A rollback stopped after a failure and waits for an operator.
    RollbackPaused,
    /// A rollback ended.
    RollbackCompleted,
    /// A state this version does not know.
    #[serde(other)]
    Unknown,
}

impl UpdateState {
    /// Parses the API's value; the empty value is [`UpdateState::None`].
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "" => Self::None,
            "updating" => Self::Updating,
            "paused" => Self::Paused,
            "completed" => Self::Completed,
            "rollback_started" => Self::RollbackStarted,
            "rollback_paused" => Self::RollbackPaused,
            "rollback_completed" => Self::RollbackCompleted,
            _ => Self::Unknown,
        }
    }

    /// Whether Swarm takes no further action in this state.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Paused | Self::Completed | Self::RollbackPaused | Self::RollbackCompleted
        )
    }

    /// Whether this state proves that a rollback began.
    #[must_use]
    pub fn is_rollback(self) -> bool {
        matches!(self, Self::RollbackStarted | Self::RollbackPaused | Self::RollbackCompleted)
    }

    /// The API's value; `none` for an absent status.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Updating => "updating",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::RollbackStarted => "rollback_started",
            Self::RollbackPaused => "rollback_paused",
            Self::RollbackCompleted => "rollback_completed",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for UpdateState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

//! When Swarm replaces a task that has ended.

use serde::{Deserialize, Serialize};

/// A restart policy with the engine's defaults filled in; times in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RestartPolicy {
    /// Which tasks are replaced.
    pub condition: RestartCondition,
    /// Time between the end of a task and the start of its replacement.
    pub delay: f64,
    /// Replacements of one slot; 0 means any number.
    pub max_attempts: u64,
    /// Only replacements of this long ago or later count; 0 means all since the spec changed.
    pub window: f64,
}

impl RestartPolicy {
    /// The same where time passes so much faster.
    #[must_use]
    pub fn at_speed(mut self, speed: f64) -> Self {
        self.delay /= speed;
        self.window /= speed;
        self
    }
}

impl Default for RestartPolicy {
    /// The engine's defaults (swarmkit `api/defaults/service.go`).
    fn default() -> Self {
        Self { condition: RestartCondition::Any, delay: 5.0, max_attempts: 0, window: 0.0 }
    }
}

/// Which tasks Swarm replaces when they end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartCondition {
    /// None.
    None,
    /// Those that did not end with exit code 0.
    OnFailure,
    /// All (the default).
    Any,
    /// A condition this version does not know.
    #[serde(other)]
    Unknown,
}

impl RestartCondition {
    /// As a stack file has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::OnFailure => "on-failure",
            Self::Any => "any",
            Self::Unknown => "unknown",
        }
    }

    /// Parses the API's value; the empty value is the default.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "" | "any" => Self::Any,
            "on-failure" => Self::OnFailure,
            "none" => Self::None,
            _ => Self::Unknown,
        }
    }
}

//! How Swarm rolls an update or a rollback.

use std::fmt;

use serde::{Deserialize, Serialize};

/// `update_config` or `rollback_config` with the engine's defaults filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UpdatePolicy {
    /// Slots changed at once; 0 is all.
    pub parallelism: u64,
    /// Seconds to wait after each slot.
    pub delay: f64,
    /// What Swarm does once too many tasks have failed.
    pub failure_action: FailureAction,
    /// Seconds a new task is watched for failure after it was started.
    pub monitor: f64,
    /// Share of failed slots that is tolerated, from 0 to 1.
    pub max_failure_ratio: f64,
    /// Which of the old and the new task goes first.
    pub order: Order,
}

impl UpdatePolicy {
    /// How many slots of `replicas` are changed at once.
    #[must_use]
    pub fn at_once(&self, replicas: u64) -> u64 {
        if self.parallelism == 0 { replicas } else { self.parallelism.min(replicas) }
    }
}

/// What Swarm does once too many tasks of an update have failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailureAction {
    /// Stops and waits for an operator: the default.
    Pause,
    /// Goes on as if nothing had happened.
    Continue,
    /// Returns to the previous spec.
    Rollback,
    /// An action this version does not know.
    #[serde(other)]
    Unknown,
}

impl FailureAction {
    /// Reads the API's word; the empty word is the default.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "" | "pause" => Self::Pause,
            "continue" => Self::Continue,
            "rollback" => Self::Rollback,
            _ => Self::Unknown,
        }
    }

    /// The API's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Continue => "continue",
            Self::Rollback => "rollback",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for FailureAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Which of a slot's two tasks goes first in an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// The old task is stopped before the new one is started: the default.
    StopFirst,
    /// The new task runs before the old one is stopped.
    StartFirst,
    /// An order this version does not know.
    #[serde(other)]
    Unknown,
}

impl Order {
    /// Reads the API's word; the empty word is the default.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "" | "stop-first" => Self::StopFirst,
            "start-first" => Self::StartFirst,
            _ => Self::Unknown,
        }
    }

    /// The API's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StopFirst => "stop-first",
            Self::StartFirst => "start-first",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

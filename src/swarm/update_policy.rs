//! How Swarm performs an update or a rollback.

use std::fmt;

use serde::{Deserialize, Serialize};

/// `update_config` or `rollback_config` with the engine's defaults filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UpdatePolicy {
    /// Number of slots updated at once; 0 means all.
    pub parallelism: u64,
    /// Seconds to wait after each slot.
    pub delay: f64,
    /// What Swarm does when too many tasks have failed.
    pub failure_action: FailureAction,
    /// Seconds for which Swarm watches a new task for failure after its start.
    pub monitor: f64,
    /// Tolerated share of failed slots, from 0 to 1.
    pub max_failure_ratio: f64,
    /// Whether the old task stops first or the new task starts first.
    pub order: Order,
}

impl Default for UpdatePolicy {
    /// The engine's defaults for a block that is absent (swarmkit `api/defaults/service.go`).
    fn default() -> Self {
        Self {
            parallelism: 1,
            delay: 0.0,
            failure_action: FailureAction::Pause,
            monitor: 5.0,
            max_failure_ratio: 0.0,
            order: Order::StopFirst,
        }
    }
}

impl UpdatePolicy {
    /// The same where time passes so much faster.
    #[must_use]
    pub fn at_speed(mut self, speed: f64) -> Self {
        self.delay /= speed;
        self.monitor /= speed;
        self
    }

    /// How many of `replicas` slots are updated at once.
    #[must_use]
    pub fn at_once(&self, replicas: u64) -> u64 {
        if self.parallelism == 0 { replicas } else { self.parallelism.min(replicas) }
    }
}

/// What Swarm does when too many tasks of an update have failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FailureAction {
    /// Stops and waits for an operator (the default).
    Pause,
    /// Carries on with the update.
    Continue,
    /// Rolls back to the previous spec.
    Rollback,
    /// An action this version does not know.
    #[serde(other)]
    Unknown,
}

impl FailureAction {
    /// Parses the API's value; the empty value is the default.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "" | "pause" => Self::Pause,
            "continue" => Self::Continue,
            "rollback" => Self::Rollback,
            _ => Self::Unknown,
        }
    }

    /// The API's value.
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

/// Whether the old task of a slot stops first or the new task starts first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// The old task stops before the new one starts (the default).
    StopFirst,
    /// The new task is running before the old one stops.
    StartFirst,
    /// An order this version does not know.
    #[serde(other)]
    Unknown,
}

impl Order {
    /// Parses the API's value; the empty value is the default.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        match word {
            "" | "stop-first" => Self::StopFirst,
            "start-first" => Self::StartFirst,
            _ => Self::Unknown,
        }
    }

    /// The API's value.
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

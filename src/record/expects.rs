//! What a scenario expects Swarm to do.

use serde::{Deserialize, Serialize};

/// What a scenario expects Swarm to do with the submitted change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expects {
    /// Every replica runs the new version in the end.
    Update,
    /// The update fails and Swarm returns to the previous version by itself.
    Rollback,
    /// Nothing is replaced.
    NoChange,
}

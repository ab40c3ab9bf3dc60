//! Which engine the user asked for.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which engine the user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EngineChoice {
    /// The host's engine if it is an active manager, else the lab.
    #[default]
    Auto,
    /// The engine that the docker CLI would use.
    Host,
    /// A private engine.
    Lab,
    /// The API of an engine, served by the model of Swarm.
    Simulated,
}

/// Which kind of engine a run uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EngineKind {
    /// The user's engine.
    Host,
    /// A private engine that rollproof started.
    Lab,
    /// No engine: the model of Swarm behind an engine's API. What it shows is no proof.
    Simulated,
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "host",
            Self::Lab => "lab",
            Self::Simulated => "simulated",
        })
    }
}

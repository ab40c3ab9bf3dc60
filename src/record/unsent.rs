//! Why a request is a hole in the measurement.

use serde::{Deserialize, Serialize};

/// Why a request was not sent, or its time could not be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unsent {
    /// Too many were in flight already.
    NoSlot,
    /// The machine had no descriptor, port or memory for a socket.
    NoSocket,
    /// The prober itself was not run in time, to send it or to take its answer, so that its
    /// lateness would have said nothing about the service.
    Stalled,
}

impl Unsent {
    /// The reason in words, after "because".
    #[must_use]
    pub fn because(self) -> &'static str {
        match self {
            Self::NoSlot => "too many were in flight",
            Self::NoSocket => "this machine had no port or descriptor left",
            Self::Stalled => "this program was not run in time",
        }
    }
}

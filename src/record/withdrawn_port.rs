//! A port that users ask, and that the next version of a stack no longer publishes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::wording::list;

/// A port that users ask, and that the next version of a stack no longer publishes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithdrawnPort {
    /// The port.
    pub port: u16,
    /// The service that published it, with the stack's prefix.
    pub service: String,
    /// The ports that the next version publishes and the one before did not.
    pub now: Vec<u16>,
}

impl fmt::Display for WithdrawnPort {
    /// What the next version does, without a full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { port, service, now } = self;
        write!(f, "the new version does not publish port {port} ({service})")?;
        if now.is_empty() {
            return Ok(());
        }
        let now: Vec<String> = now.iter().map(ToString::to_string).collect();
        write!(f, ", but {}", list(&now))
    }
}

//! What became of a lab.

use serde::Serialize;

/// What became of a lab that was to be removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DownReport {
    /// What was there and is gone, one line each; empty if there was no lab.
    pub removed: Vec<String>,
    /// What a second look still finds, one line each. Anything here is a failure.
    pub left: Vec<String>,
}

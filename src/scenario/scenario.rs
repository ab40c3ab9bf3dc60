//! A scenario: what is changed and what is expected.

use super::Change;
use crate::record::Expects;

/// A health command that asks a port nobody listens on, as the docker documentation's examples
/// spell a probe. It needs `wget` in the image; where that is missing the check fails as well.
const BROKEN_HEALTH_CMD: &str = "wget --spider http://localhost:1 || exit 1";

/// What is changed and what is expected of Swarm.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Short name, also the command's.
    pub name: &'static str,
    /// What is expected.
    pub expects: Expects,
    /// What is changed.
    pub changes: Vec<Change>,
}

impl Scenario {
    /// A good update.
    #[must_use]
    pub fn update(changes: Vec<Change>) -> Self {
        Self { name: "update", expects: Expects::Update, changes }
    }

    /// An update whose health check cannot succeed.
    #[must_use]
    pub fn broken_update(health_cmd: Option<String>) -> Self {
        let command = health_cmd.unwrap_or_else(|| BROKEN_HEALTH_CMD.to_owned());
        Self {
            name: "broken-update",
            expects: Expects::Rollback,
            changes: vec![Change::HealthCmd { command }],
        }
    }

    /// The changes in one line.
    #[must_use]
    pub fn describe(&self) -> String {
        let changes: Vec<String> = self.changes.iter().map(ToString::to_string).collect();
        changes.join(" ")
    }
}

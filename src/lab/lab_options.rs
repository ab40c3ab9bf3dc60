//! What a lab shall be.

use std::path::PathBuf;
use std::time::Duration;

/// What a lab shall be.
#[derive(Debug, Clone)]
pub struct LabOptions {
    /// The state folder (`.rollproof`) that the lab belongs to.
    pub state: PathBuf,
    /// Number of nodes, 1 to 7.
    pub nodes: u8,
    /// The engine's program; searched in `PATH` if none is given. Programs that stand beside
    /// it (`containerd`, `runc`) go before those of the system.
    pub dockerd: Option<PathBuf>,
    /// How long the whole start may take.
    pub start_deadline: Duration,
    /// Whether the lab is there for one run, which removes it. A lab that is running already is
    /// for good once it was asked for without this.
    pub for_one_run: bool,
}

impl LabOptions {
    /// The most nodes that a lab can have.
    pub const MOST_NODES: u8 = 7;

    /// One node, the system's `dockerd`, a minute to start.
    #[must_use]
    pub fn new(state: impl Into<PathBuf>) -> Self {
        Self {
            state: state.into(),
            nodes: 1,
            dockerd: None,
            start_deadline: Duration::from_secs(60),
            for_one_run: false,
        }
    }
}

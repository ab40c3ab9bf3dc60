//! What a run is about, decided before anything happens.

use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::also::Also;
use super::deployment::Deployment;
use super::load::Load;
use super::subject::Subject;
use crate::Clock;
use crate::record::{Against, NegativeControl, Sink, UserLimits};
use crate::scenario::Declaration;
use crate::site::{Site, StateFolder};

/// Where a run takes place, and what it has there.
pub struct RunEnv<'a> {
    /// The engine.
    pub site: &'a Site,
    /// The folder in which records are kept.
    pub state: &'a StateFolder,
    /// Fires when the user wants the run to stop.
    pub interrupt: &'a CancellationToken,
    /// Makes what a run goes to beside its record, such as the screen.
    pub sinks: Box<dyn Fn() -> Vec<Box<dyn Sink>> + Sync + 'a>,
}

/// What a run is about: everything that is decided before anything happens.
#[derive(Debug, Clone)]
pub struct RunSpec {
    /// The command, for the record: `verify`, `update`, …
    pub command: &'static str,
    /// The stack and the service under test.
    pub subject: Subject,
    /// What is asked of it.
    pub load: Load,
    /// Further services that a change is made to.
    pub also: Also,
    /// The next version of the whole stack, for the scenario that deploys it.
    pub next: Option<Deployment>,
    /// What is done to it, in order.
    pub scenarios: Vec<Declaration>,
    /// Whether the service gets back the spec that it had before the run, whatever happened.
    pub leave_as_found: bool,
    /// Whether an update that is built to lose requests shows that losses are detected.
    pub self_test: NegativeControl,
    /// What its users allow and require.
    pub limits: UserLimits,
    /// The run that it is measured against, if there is one.
    pub against: Option<Against>,
}

/// A run id that sorts by time: `20261121-011409-4f2a`.
#[must_use]
pub fn new_run_id(clock: &Clock) -> String {
    let now = clock.started_at();
    let seed = format!("{}-{}", std::process::id(), now.as_nanosecond());
    let random = hex::encode(&Sha256::digest(seed.as_bytes())[..2]);
    format!("{}-{random}", now.strftime("%Y%m%d-%H%M%S"))
}

//! What a run is about, decided before anything happens.

use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::also::Also;
use super::deployment::Deployment;
use super::subject::Subject;
use crate::Clock;
use crate::error::Result;
use crate::record::{Against, NegativeControl, Sink, UserLimits};
use crate::scenario::Declaration;
use crate::site::{Site, StateFolder};
use crate::streams::{Address, Asking, StreamKind, slow_path};

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

/// What is asked of the service, how often and for how long.
#[derive(Debug, Clone)]
pub struct Load {
    /// The streams.
    pub streams: Vec<&'static StreamKind>,
    /// Whether a stream that cannot be had is an error; else it is left out with a note.
    pub insist: bool,
    /// The streams for which the user named a path: each must be had somewhere.
    pub named: Vec<&'static str>,
    /// The user's name for the address of the subject, if there is one.
    pub name: Option<String>,
    /// The other addresses that users ask, each with a name.
    pub also: Vec<Address>,
    /// How the streams ask.
    pub asking: Asking,
    /// The port on which the service answers inside its network, if the user names one.
    pub service_port: Option<u16>,
    /// How long to ask before the first change, between two and after the last.
    pub baseline: Duration,
    /// How long a service must be at rest before a scenario is over.
    pub settle: Duration,
}

/// The shortest time in which users are measured before, between and after the changes, unless it is to
/// be shorter: fewer requests prove nothing.
const SHORTEST_BASELINE: Duration = Duration::from_secs(1);
/// The shortest time of rest that the observer can tell from a pause.
const SHORTEST_REST: Duration = Duration::from_millis(200);

impl Load {
    /// The same on a swarm whose time passes so much faster: its waits are waits of the swarm.
    #[must_use]
    pub fn at_speed(mut self, speed: f64) -> Self {
        let faster = |wait: Duration, shortest: Duration| {
            let scaled = Duration::try_from_secs_f64(wait.as_secs_f64() / speed).unwrap_or(wait);
            if speed > 1.0 { scaled.max(shortest.min(wait)) } else { wait }
        };
        self.baseline = faster(self.baseline, SHORTEST_BASELINE);
        self.settle = faster(self.settle, SHORTEST_REST);
        if self.asking.slow_path == slow_path(1.0) {
            self.asking.slow_path = slow_path(speed);
        }
        self
    }

    /// Whether everything can be asked, as far as that is known without the service. `url` has the
    /// right path, whatever its address will be.
    ///
    /// # Errors
    /// A usage error for what cannot be asked.
    pub fn check(&self, url: &str) -> Result<()> {
        self.streams.iter().try_for_each(|kind| kind.plan(url, &self.asking)?.check())
    }
}

/// A run id that sorts by time: `20261121-011409-4f2a`.
#[must_use]
pub fn new_run_id(clock: &Clock) -> String {
    let now = clock.started_at();
    let seed = format!("{}-{}", std::process::id(), now.as_nanosecond());
    let random = hex::encode(&Sha256::digest(seed.as_bytes())[..2]);
    format!("{}-{random}", now.strftime("%Y%m%d-%H%M%S"))
}

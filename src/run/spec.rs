//! What a run is about, decided before anything happens.

use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::also::Also;
use super::deployment::Deployment;
use super::subject::Subject;
use crate::Clock;
use crate::error::Result;
use crate::record::{Against, NegativeControl, Sink, StackFacts, UserLimits};
use crate::scenario::Declaration;
use crate::site::{Site, StateFolder};
use crate::streams::{Address, Asking, StreamKind, slow_path};
use crate::wording::setting;

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
    /// How long a service must be at rest before a scenario is over, if the user says so.
    pub settle: Option<Duration>,
}

/// How long a service must be at rest before a scenario is over, where nothing else says so.
const SETTLE: Duration = Duration::from_secs(2);
/// The longest that a scenario waits for a proxy that polls.
const LONGEST_POLLING: Duration = Duration::from_secs(30);

/// The shortest time in which users are measured before, between and after the changes, unless it is to
/// be shorter: fewer requests prove nothing.
const SHORTEST_BASELINE: Duration = Duration::from_secs(1);
/// The shortest time of rest that the observer can tell from a pause.
const SHORTEST_REST: Duration = Duration::from_millis(200);

impl Load {
    /// How long a service must be at rest before a scenario is over.
    #[must_use]
    pub fn settle(&self) -> Duration {
        self.settle.unwrap_or(SETTLE)
    }

    /// Sees to it that a scenario is not over before a proxy that polls has heard of its last task.
    /// Returns what a reader must know.
    pub(super) fn outlast_polling(&mut self, stack: &StackFacts) -> Option<String> {
        if self.settle.is_some() {
            return None;
        }
        let (settle, note) = outlasting(stack)?;
        self.settle = Some(settle);
        Some(note)
    }

    /// The same on a swarm whose time passes so much faster: its waits are waits of the swarm.
    #[must_use]
    pub fn at_speed(mut self, speed: f64) -> Self {
        let faster = |wait: Duration, shortest: Duration| {
            let scaled = Duration::try_from_secs_f64(wait.as_secs_f64() / speed).unwrap_or(wait);
            if speed > 1.0 { scaled.max(shortest.min(wait)) } else { wait }
        };
        self.baseline = faster(self.baseline, SHORTEST_BASELINE);
        self.settle = Some(faster(self.settle(), SHORTEST_REST))
            .filter(|_| speed > 1.0 || self.settle.is_some());
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

/// How long a service must be at rest until a proxy before it that polls has asked again, and why.
fn outlasting(stack: &StackFacts) -> Option<(Duration, String)> {
    let behind = stack.entry.as_ref().is_some_and(|entry| entry.service != stack.service);
    let polling = stack.polling.as_ref().filter(|polling| behind && polling.is_late())?;
    let every = Duration::try_from_secs_f64(polling.every_s).ok()?;
    let note = format!(
        "{} asks Swarm for tasks every {}: a scenario is over only when it has asked again",
        polling.proxy,
        setting(polling.every_s)
    );
    Some((every.min(LONGEST_POLLING) + SETTLE, note))
}

/// A run id that sorts by time: `20261121-011409-4f2a`.
#[must_use]
pub fn new_run_id(clock: &Clock) -> String {
    let now = clock.started_at();
    let seed = format!("{}-{}", std::process::id(), now.as_nanosecond());
    let random = hex::encode(&Sha256::digest(seed.as_bytes())[..2]);
    format!("{}-{random}", now.strftime("%Y%m%d-%H%M%S"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::EntryFacts;
    use crate::record::samples::meta;
    use crate::stack::ProxyPolling;
    use crate::swarm::Order;

    #[test]
    fn a_scenario_outlasts_the_polling_of_a_proxy_before_the_service() {
        let settle = |every_s: f64, entry: &str| {
            let mut stack = meta(&[]).stack;
            stack.polling = Some(ProxyPolling { proxy: "Traefik".into(), every_s, dnsrr: true });
            stack.entry = Some(EntryFacts {
                service: entry.to_owned(),
                replicas: Some(1),
                host_port: true,
                moved: false,
                order: Order::StopFirst,
            });
            outlasting(&stack).map(|(settle, _)| settle.as_secs())
        };
        assert_eq!(settle(15.0, "demo_proxy"), Some(17));
        assert_eq!(settle(900.0, "demo_proxy"), Some(32));
        assert_eq!(settle(1.0, "demo_proxy"), None);
        assert_eq!(settle(15.0, &meta(&[]).stack.service), None);
    }
}

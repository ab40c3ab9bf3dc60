//! What is asked of a service, and for how long before, between and after the changes.

use std::time::Duration;

use crate::error::Result;
use crate::record::{BASELINE_REQUESTS, StackFacts};
use crate::streams::{Address, Asking, StreamKind, slow_path};
use crate::wording::setting;

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
/// Requests of a baseline that may not count, because they are sent while it begins or ends.
const EDGES: u64 = 5;
/// The longest time for the sake of these requests.
const LONGEST_BASELINE: Duration = Duration::from_secs(30);
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

/// How long to ask before a change: as long as is wanted, and until the densest stream of users has sent
/// [`BASELINE_REQUESTS`] and a few more for those around the edges; at most half a minute for that, because
/// a run with fewer requests a second cannot prove anything.
pub(super) fn long_enough(wanted: Duration, densest_hz: f64) -> Duration {
    if densest_hz <= 0.0 {
        return wanted;
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53 requests")]
    let needed = (BASELINE_REQUESTS + EDGES) as f64 / densest_hz;
    let needed = Duration::try_from_secs_f64(needed.ceil()).unwrap_or(LONGEST_BASELINE);
    wanted.max(needed.min(LONGEST_BASELINE))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::EntryFacts;
    use crate::record::samples::meta;
    use crate::stack::ProxyPolling;
    use crate::swarm::Order;

    #[test]
    fn a_baseline_lasts_until_it_can_prove_something() {
        let seconds = |densest_hz| long_enough(Duration::from_secs(5), densest_hz).as_secs();
        assert_eq!([200.0, 11.0, 5.4, 0.5, 0.0].map(seconds), [5, 5, 11, 30, 5]);
    }

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

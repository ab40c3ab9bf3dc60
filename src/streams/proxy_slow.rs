//! Users whose requests take longer than a task takes to stop.

use std::time::Duration;

use super::{Asking, StreamKind, Trial};
use crate::Result;
use crate::probe::StreamPlan;
use crate::record::{Connection, Purpose, Route};

pub(super) const KIND: StreamKind = StreamKind {
    name: "proxy-slow",
    about: "requests that are in flight longer than a task takes to stop",
    route: Route::Published,
    purpose: Purpose::Users,
    share: 0.05,
    // Each request holds a connection for seconds: more would be a load test.
    at_most_hz: 10.0,
    trial: Some(Trial {
        // Swarm alone takes two seconds before it sends the stop signal.
        at_least: Duration::from_secs(3),
        option: "--slow-path",
        needs: "a path that takes some seconds to answer",
    }),
    connection: Connection::Fresh,
    shape: Some(slow),
};

/// What the built-in app is asked for: an answer that takes longer than a task takes to stop, on a swarm
/// whose time passes so much faster.
#[must_use]
pub fn slow_path(speed: f64) -> String {
    format!("/slow?ms={:.0}", 4_000.0 / speed)
}

fn slow(plan: StreamPlan, asking: &Asking) -> Result<StreamPlan> {
    plan.with_path(&asking.slow_path)
}

//! Users who hold a stream of server-sent events open.

use std::time::Duration;

use super::proxy_websocket::{MOST, once_a_second};
use super::{Asking, StreamKind, Trial};
use crate::Result;
use crate::probe::StreamPlan;
use crate::record::{Connection, Purpose, Route};

pub(super) const KIND: StreamKind = StreamKind {
    name: "proxy-events",
    about: "streams of server-sent events that are held open (--sse-path)",
    route: Route::Published,
    purpose: Purpose::Users,
    share: 0.1,
    at_most_hz: MOST,
    trial: Some(Trial {
        at_least: Duration::ZERO,
        option: "--sse-path",
        needs: "a path that answers with text/event-stream",
    }),
    connection: Connection::Held,
    shape: Some(events),
};

fn events(plan: StreamPlan, asking: &Asking) -> Result<StreamPlan> {
    let mut plan = once_a_second(plan).with_path(&asking.events_path)?;
    plan.event_every = asking.event_every;
    Ok(plan)
}

//! Users who hold a WebSocket open.

use std::time::Duration;

use super::{Asking, StreamKind, Trial};
use crate::Result;
use crate::probe::StreamPlan;
use crate::record::{Connection, Purpose, Route};

/// The most connections that are held.
pub(super) const MOST: f64 = 20.0;

pub(super) const KIND: StreamKind = StreamKind {
    name: "proxy-websocket",
    about: "WebSockets that are held open, each pinged about once a second (--ws-path)",
    route: Route::Published,
    purpose: Purpose::Users,
    share: 0.1,
    at_most_hz: MOST,
    trial: Some(Trial {
        at_least: Duration::ZERO,
        option: "--ws-path",
        needs: "a path that opens a WebSocket",
    }),
    connection: Connection::Held,
    shape: Some(websocket),
};

fn websocket(plan: StreamPlan, asking: &Asking) -> Result<StreamPlan> {
    once_a_second(plan).with_websockets()?.with_path(&asking.websocket_path)
}

/// As many connections that each is looked after about once a second.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to 20")]
pub(super) fn once_a_second(mut plan: StreamPlan) -> StreamPlan {
    plan.kept = plan.rate_hz.ceil().clamp(1.0, MOST) as usize;
    plan
}

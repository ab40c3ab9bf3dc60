//! Users whose requests a proxy must not repeat.

use std::time::Duration;

use super::{Asking, StreamKind, Trial};
use crate::Result;
use crate::probe::{Method, StreamPlan};
use crate::record::{Connection, Purpose, Route};

/// A body that has to arrive.
const BODY: &[u8] = b"rollproof=1";

pub(super) const KIND: StreamKind = StreamKind {
    name: "proxy-post",
    about: "POST over kept connections, which a proxy does not repeat",
    route: Route::Published,
    purpose: Purpose::Users,
    share: 0.125,
    at_most_hz: f64::INFINITY,
    trial: Some(Trial {
        at_least: Duration::ZERO,
        option: "--post-path",
        needs: "a path that answers a POST with 200",
    }),
    connection: Connection::KeepAlive,
    shape: Some(post),
};

fn post(mut plan: StreamPlan, asking: &Asking) -> Result<StreamPlan> {
    plan.method = Method::Post;
    plan.body = match &asking.asked.content {
        Some((Method::Post, body)) => body.clone(),
        _ => BODY.into(),
    };
    match &asking.post_path {
        Some(path) => plan.with_path(path),
        None => Ok(plan),
    }
}

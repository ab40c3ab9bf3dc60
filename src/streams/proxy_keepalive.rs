//! Users with connections that are kept.

use super::StreamKind;
use crate::record::{Connection, Purpose, Route};

pub(super) const KIND: StreamKind = StreamKind {
    name: "proxy-keepalive",
    about: "the published port, over kept connections",
    route: Route::Published,
    purpose: Purpose::Users,
    share: 0.5,
    at_most_hz: f64::INFINITY,
    trial: None,
    connection: Connection::KeepAlive,
    shape: None,
};

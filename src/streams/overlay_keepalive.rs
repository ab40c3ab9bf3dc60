//! Other services of the stack, with connections that are kept.

use super::StreamKind;
use crate::record::{Connection, Purpose, Route};

pub(super) const KIND: StreamKind = StreamKind {
    name: "overlay-keepalive",
    about: "the service's name inside its network, over kept connections",
    route: Route::Overlay,
    purpose: Purpose::Users,
    share: 0.25,
    at_most_hz: f64::INFINITY,
    trial: None,
    connection: Connection::KeepAlive,
    shape: None,
};

//! Users with a new connection for each request.

use super::StreamKind;
use crate::record::{Connection, Purpose, Route};

pub(super) const KIND: StreamKind = StreamKind {
    name: "proxy-fresh",
    about: "the published port, a new connection for each request",
    route: Route::Published,
    purpose: Purpose::Users,
    share: 1.0,
    at_most_hz: f64::INFINITY,
    trial: None,
    connection: Connection::Fresh,
    shape: None,
};

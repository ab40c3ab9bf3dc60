//! Other services of the stack, with a new connection for each request.

use super::StreamKind;
use crate::record::{Connection, Purpose, Route};

pub(super) const KIND: StreamKind = StreamKind {
    name: "overlay-fresh",
    about: "the service's name inside its network, a new connection for each request",
    route: Route::Overlay,
    purpose: Purpose::Users,
    share: 0.25,
    at_most_hz: f64::INFINITY,
    trial: None,
    connection: Connection::Fresh,
    shape: None,
};

//! A target that no update touches: if it fails, the measurement is at fault.

use super::StreamKind;
use crate::record::{Connection, Purpose, Route};

pub(super) const KIND: StreamKind = StreamKind {
    name: "control",
    about: "a control target that nothing updates: if it fails, the path is at fault",
    route: Route::Companion,
    purpose: Purpose::Control,
    share: 0.125,
    at_most_hz: f64::INFINITY,
    trial: None,
    connection: Connection::Fresh,
    shape: None,
};

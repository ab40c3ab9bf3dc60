//! A target that is updated so that it loses requests: if none fails, the measurement is at
//! fault. It belongs to the self-test and cannot be chosen.

use super::StreamKind;
use crate::record::{Connection, Purpose, Route};

/// The stream of the self-test.
pub const SELF_TEST: StreamKind = StreamKind {
    // Records have had it under this name since their first version.
    name: "negative-control",
    about: "the target of the self-test",
    route: Route::Companion,
    purpose: Purpose::NegativeControl,
    share: 0.25,
    at_most_hz: f64::INFINITY,
    trial: None,
    connection: Connection::Fresh,
    shape: None,
};

//! Each replica on its own, to see when it starts and stops answering.

use super::StreamKind;
use crate::record::{Connection, Purpose, Route};

pub(super) const KIND: StreamKind = StreamKind {
    name: "each-replica",
    about: "each task directly, from inside its network",
    route: Route::Task,
    purpose: Purpose::EachReplica,
    share: 0.025,
    // Enough to know a replica's first and last response to a fifth of a second.
    at_most_hz: 5.0,
    trial: None,
    connection: Connection::Fresh,
    shape: None,
};

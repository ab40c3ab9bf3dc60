//! What one request shows alone.

use crate::Offset;
use crate::record::{Outcome, Purpose, Route, Shot, StreamFacts};

/// Whether a response is late only because the probe sent the request late.
pub(super) fn is_own_lag(stream: &StreamFacts, shot: &Shot) -> bool {
    let (Some(sent), Some(done)) = (shot.sent, shot.done) else { return false };
    shot.outcome == Outcome::Late && done - sent <= Offset::from_secs_f64(stream.deadline)
}

/// When a failed request had failed: a request that was sent before the change may have been
/// broken off by it, but one whose answer was overdue by then was not.
pub(super) fn failed_at(stream: &StreamFacts, shot: &Shot) -> Offset {
    let known = shot.done.unwrap_or(shot.intended);
    match shot.outcome {
        Outcome::Late | Outcome::Timeout | Outcome::ConnectTimeout => {
            known.min(shot.intended + Offset::from_secs_f64(stream.deadline))
        }
        _ => known,
    }
}

/// Whether it failed because nobody answered, and not because of the response.
pub(super) fn is_of_the_connection(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Late
            | Outcome::Refused
            | Outcome::NoRoute
            | Outcome::ConnectTimeout
            | Outcome::TlsHandshake
            | Outcome::GoAway
            | Outcome::StreamReset
            | Outcome::Reset
            | Outcome::Cut
            | Outcome::Closed
            | Outcome::Timeout
            | Outcome::Proxy502
            | Outcome::Proxy503
            | Outcome::Proxy504
    )
}

/// Whether users' requests of this stream pass a proxy: clients inside the overlay network ask
/// the service by its name.
pub(super) fn is_through_proxy(facts: &StreamFacts) -> bool {
    facts.purpose == Purpose::Users && facts.route == Route::Published
}

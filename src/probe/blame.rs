//! Whose fault it is that a request took long.

use super::StreamPlan;
use crate::Offset;
use crate::record::{Outcome, Shot};

/// The outcome of an ended shot, now that it is known how long it took; `None` if it seems to
/// have taken too long only because the prober had sent it late or was behind its schedule for
/// `stalled` meanwhile. Whoever blamed the service for that would call a busy machine's
/// measurement wrong instead of useless.
pub(super) fn outcome(shot: &Shot, plan: &StreamPlan, stalled: Offset) -> Option<Outcome> {
    let deadline = Offset::from(plan.deadline);
    let latency = shot.latency().unwrap_or_default();
    let (outcome, patience) = match shot.outcome {
        Outcome::Ok if latency > deadline => (Outcome::Late, deadline),
        Outcome::Timeout => (Outcome::Timeout, deadline),
        // Half of it is proof enough: connecting takes a fraction of that, or never ends.
        Outcome::ConnectTimeout => {
            (Outcome::ConnectTimeout, deadline.min((plan.connect_timeout / 2).into()))
        }
        outcome => return Some(outcome),
    };
    let by_service = latency - shot.lag().unwrap_or_default() - stalled;
    (by_service > patience).then_some(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::stream::blank;

    /// The outcome of a shot that was `lag` late, took `took`, of which the prober was behind
    /// for `stalled`; in milliseconds. The deadline is 1,000.
    fn of(outcome: Outcome, lag: i64, took: i64, stalled: i64) -> Option<Outcome> {
        let plan = StreamPlan::new("s", "http://127.0.0.1:1/", 10.0).unwrap();
        let mut shot = blank(Offset::from_millis(500), outcome);
        shot.sent = Some(shot.intended + Offset::from_millis(lag));
        shot.done = Some(shot.intended + Offset::from_millis(lag + took));
        super::outcome(&shot, &plan, Offset::from_millis(stalled))
    }

    #[test]
    fn a_slow_service_is_blamed() {
        assert_eq!(of(Outcome::Ok, 0, 999, 0), Some(Outcome::Ok));
        assert_eq!(of(Outcome::Ok, 0, 1_001, 0), Some(Outcome::Late));
        assert_eq!(of(Outcome::Ok, 100, 2_000, 500), Some(Outcome::Late));
        assert_eq!(of(Outcome::Timeout, 0, 5_000, 100), Some(Outcome::Timeout));
        assert_eq!(of(Outcome::ConnectTimeout, 0, 2_000, 100), Some(Outcome::ConnectTimeout));
    }

    #[test]
    fn a_stalled_prober_is_not_the_services_fault() {
        assert_eq!(of(Outcome::Ok, 600, 600, 0), None);
        assert_eq!(of(Outcome::Ok, 0, 3_000, 2_500), None);
        assert_eq!(of(Outcome::Timeout, 0, 5_000, 4_500), None);
        assert_eq!(of(Outcome::ConnectTimeout, 0, 2_000, 1_500), None);
    }

    #[test]
    fn what_does_not_depend_on_time_stays() {
        for outcome in [Outcome::Refused, Outcome::Reset, Outcome::Proxy502, Outcome::WrongBody] {
            assert_eq!(of(outcome, 900, 3_000, 3_000), Some(outcome));
        }
        assert_eq!(of(Outcome::Ok, 10, 100, 100), Some(Outcome::Ok));
    }
}

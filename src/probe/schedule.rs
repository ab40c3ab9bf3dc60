//! The schedule, fixed before the first request.

use crate::Offset;

/// Shot `k` is due at `start + k / rate`, computed anew for each `k` so that nothing drifts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    start: Offset,
    rate_hz: f64,
    limit: u64,
    next: u64,
}

impl Schedule {
    /// `limit`: how many shots there are.
    pub fn new(start: Offset, rate_hz: f64, limit: Option<u64>) -> Self {
        Self { start, rate_hz, limit: limit.unwrap_or(u64::MAX), next: 0 }
    }

    /// When shot `number` is due.
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53 shots")]
    pub fn due(&self, number: u64) -> Offset {
        self.start + Offset::from_secs_f64(number as f64 / self.rate_hz)
    }

    /// The next shot's number and time; `None` when there are no more.
    pub fn peek(&self) -> Option<(u64, Offset)> {
        (self.next < self.limit).then(|| (self.next, self.due(self.next)))
    }

    /// The next shot is taken.
    pub fn advance(&mut self) {
        self.next += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn does_not_drift() {
        let schedule = Schedule::new(Offset::from_millis(5), 3.0, None);
        assert_eq!(schedule.due(0), Offset::from_millis(5));
        assert_eq!(schedule.due(1).as_nanos(), 5_000_000 + 333_333_333);
        // A day later it is still exact.
        assert_eq!(schedule.due(3 * 86_400), Offset::from_millis(5 + 86_400_000));
    }

    #[test]
    fn ends_at_its_limit() {
        let mut schedule = Schedule::new(Offset::ZERO, 10.0, Some(2));
        let mut due = Vec::new();
        while let Some((number, at)) = schedule.peek() {
            due.push((number, at.as_nanos()));
            schedule.advance();
        }
        assert_eq!(due, [(0, 0), (1, 100_000_000)]);
    }

    proptest! {
        #[test]
        fn is_in_order_and_evenly_spaced(rate in 0.1_f64..20_000.0, number in 0_u64..100_000_000) {
            let schedule = Schedule::new(Offset::ZERO, rate, None);
            let step = schedule.due(number + 1) - schedule.due(number);
            let wanted = Offset::from_secs_f64(1.0 / rate);
            prop_assert!((step - wanted).abs() <= Offset::from_nanos(300), "{step:?} {wanted:?}");
        }
    }
}

//! Percentiles.

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::Offset;

/// Percentiles of times.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Spread {
    /// The median.
    pub p50: Offset,
    /// 90 % are at most this.
    pub p90: Offset,
    /// 99 % are at most this.
    pub p99: Offset,
    /// 99.9 % are at most this.
    pub p999: Offset,
    /// The greatest.
    pub max: Offset,
}

impl Spread {
    /// The percentiles of these times, each within 0.1 % of the true one; `max` is exact. None
    /// if there are no times. Negative ones count as zero.
    #[must_use]
    pub fn of(times: impl IntoIterator<Item = Offset>) -> Option<Self> {
        // Three digits are always a legal precision.
        let mut histogram = Histogram::<u64>::new(3).ok()?;
        histogram.auto(true);
        let mut max = 0;
        for time in times {
            let nanos = u64::try_from(time.as_nanos()).unwrap_or(0);
            max = max.max(nanos);
            // It grows, so every time fits.
            histogram.record(nanos).ok()?;
        }
        Self::up_to(max, &histogram)
    }

    /// The percentiles of times that a histogram counts in nanoseconds, as precise as it is. None
    /// if it is empty.
    #[must_use]
    pub fn of_counts(nanos: &Histogram<u64>) -> Option<Self> {
        Self::up_to(nanos.max(), nanos)
    }

    fn up_to(max: u64, nanos: &Histogram<u64>) -> Option<Self> {
        if nanos.is_empty() {
            return None;
        }
        let offset =
            |nanos: u64| Offset::from_nanos(i64::try_from(nanos.min(max)).unwrap_or(i64::MAX));
        let at = |quantile| offset(nanos.value_at_quantile(quantile));
        Some(Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: offset(max) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(found: Offset) -> f64 {
        found.as_secs_f64() * 1e3
    }

    #[test]
    fn percentiles_of_known_times() {
        let spread = Spread::of((1..=1_000).rev().map(Offset::from_millis)).unwrap();
        for (found, expected) in [
            (spread.p50, 500.0),
            (spread.p90, 900.0),
            (spread.p99, 990.0),
            (spread.p999, 999.0),
            (spread.max, 1_000.0),
        ] {
            assert!((millis(found) - expected).abs() <= expected / 1_000.0, "{found:?} {expected}");
        }
        assert_eq!(spread.max, Offset::from_millis(1_000));
    }

    #[test]
    fn one_time_is_all_percentiles_and_none_is_none() {
        let one = Spread::of([Offset::from_nanos(123_457)]).unwrap();
        assert_eq!((one.p50, one.max), (one.max, Offset::from_nanos(123_457)));
        assert_eq!(Spread::of([]), None);
        assert_eq!(Spread::of([Offset::from_millis(-5)]).unwrap().max, Offset::ZERO);
    }
}

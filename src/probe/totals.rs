//! What a stream did, as the prober itself saw it.

use hdrhistogram::Histogram;

use crate::Offset;
use crate::record::UnsentCounts;

/// What a stream did, as the prober itself saw it: the facts that say whether its measurement
/// can be trusted.
#[derive(Debug, Clone)]
pub struct ProbeTotals {
    /// The stream.
    pub name: String,
    /// Requests that were started.
    pub sent: u64,
    /// Requests that were not, or whose time could not be measured.
    pub unsent: UnsentCounts,
    /// Kept connections that the server had closed while no request was on them.
    pub closed_idle: u64,
    /// How late requests were started, in nanoseconds.
    pub lag: Histogram<u64>,
}

impl ProbeTotals {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            sent: 0,
            unsent: UnsentCounts::default(),
            closed_idle: 0,
            lag: lag_histogram(),
        }
    }

    /// The lag that this share of the requests did not exceed; `quantile` 1.0 is the largest.
    #[must_use]
    pub fn lag_at(&self, quantile: f64) -> Offset {
        Offset::from_nanos(i64::try_from(self.lag.value_at_quantile(quantile)).unwrap_or(i64::MAX))
    }

    pub(super) fn sent(&mut self, lag: Option<Offset>) {
        self.sent += 1;
        if let Some(lag) = lag {
            self.lag.saturating_record(u64::try_from(lag.as_nanos()).unwrap_or(0));
        }
    }
}

/// From a microsecond to a minute, to 1 %.
#[expect(clippy::expect_used, reason = "the bounds are constants")]
fn lag_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1_000, 60_000_000_000, 2).expect("bounds of a histogram")
}

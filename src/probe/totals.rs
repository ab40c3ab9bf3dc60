//! What a stream did, as the prober itself saw it.

use hdrhistogram::Histogram;

use crate::record::Offset;

/// What a stream did, as the prober itself saw it: the facts that say whether its measurement
/// can be trusted.
#[derive(Debug, Clone)]
pub struct ProbeTotals {
    /// The stream.
    pub name: String,
    /// Requests that were started.
    pub sent: u64,
    /// Requests that were not.
    pub unsent: UnsentCounts,
    /// Kept connections that the server had closed while no request was on them.
    pub closed_idle: u64,
    /// How late requests were started, in nanoseconds.
    pub lag: Histogram<u64>,
}

/// Requests that were never sent, or whose time could not be measured, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UnsentCounts {
    /// Too many were in flight already.
    pub no_slot: u64,
    /// The machine had no descriptor, port or memory for a socket.
    pub no_socket: u64,
    /// The prober itself was not run in time, to send it or to take its answer, so that its
    /// lateness would have said nothing about the service.
    pub stalled: u64,
}

impl UnsentCounts {
    /// For whatever reason.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.no_slot + self.no_socket + self.stalled
    }
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

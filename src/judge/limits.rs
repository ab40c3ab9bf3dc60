//! When a measurement is good enough.

use crate::Offset;
use crate::record::BASELINE_REQUESTS;

/// When a measurement is good enough to be trusted. These are about the measuring, not about
/// the service: no limit here makes a lost request acceptable.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// 99 of 100 requests are sent at most this long after their intended time.
    pub lag_p99: Offset,
    /// No request is sent later than this: an outage of this length could be missed.
    pub lag_max: Offset,
    /// Requests that were never sent, or that the record does not have.
    pub unsent: u64,
    /// Without a failure, the requests of the densest stream bound the error rate by this.
    pub error_rate_upper: f64,
    /// Requests of the densest stream before the update that prove a clean start.
    pub baseline_requests: u64,
    /// Answers of each replica of the final version.
    pub answers_per_replica: u64,
    /// For how long the engine may be out of sight while it works.
    pub observer_gap: Offset,
    /// Share of the processor time that a hypervisor may give to others, on average.
    pub stolen: f64,
    /// How far an engine time may lie ahead of the moment it was seen.
    pub clock_step: Offset,
    /// For how many failed requests the report has a line of their own.
    pub failures_listed: usize,
}

impl Limits {
    /// The same for a simulated swarm whose time passes so much faster: an update has as much less
    /// time for requests, and nothing is proved by any number of them.
    #[must_use]
    pub(super) fn at_speed(self, speed: f64) -> Self {
        let error_rate_upper = (self.error_rate_upper * speed.max(1.0)).min(MOST_UNCERTAIN);
        Self { error_rate_upper: error_rate_upper.max(self.error_rate_upper), ..self }
    }
}

/// A bound above this says nothing about a simulated run either.
const MOST_UNCERTAIN: f64 = 0.2;

impl Default for Limits {
    fn default() -> Self {
        Self {
            lag_p99: Offset::from_millis(50),
            lag_max: Offset::from_millis(500),
            unsent: 0,
            error_rate_upper: 0.01,
            baseline_requests: BASELINE_REQUESTS,
            answers_per_replica: 3,
            observer_gap: Offset::from_millis(1_000),
            stolen: 0.2,
            clock_step: Offset::from_millis(250),
            failures_listed: 100,
        }
    }
}

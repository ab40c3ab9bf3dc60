//! What a stream did and what it saw, in total.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::Offset;
use crate::record::{Outcome, Shot, UnsentCounts};
use crate::stats::{Gap, Gaps, HeldEnds, LiveGaps, Spread};

/// Names of replicas that are kept; a server that makes up names must not fill memory.
const REPLICAS: usize = 1024;

/// What the prober did for a stream: the facts that decide whether its measurement can be trusted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbeTotals {
    /// The stream.
    pub name: String,
    /// Requests that were started.
    pub sent: u64,
    /// Requests that were not, or whose time could not be measured.
    pub unsent: UnsentCounts,
    /// Connections that were opened, for a request or ahead of the schedule. Those that are held are not
    /// among them.
    #[serde(default)]
    pub opened: u64,
    /// Kept connections that the server closed while they were idle.
    pub closed_idle: u64,
    /// Send lags, in nanoseconds.
    #[serde(with = "lag_counts")]
    pub lag: Histogram<u64>,
}

impl ProbeTotals {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            sent: 0,
            unsent: UnsentCounts::default(),
            opened: 0,
            closed_idle: 0,
            lag: lag_histogram(),
        }
    }

    /// Shots of the stream, sent or not.
    #[must_use]
    pub fn shots(&self) -> u64 {
        self.sent + self.unsent.total()
    }

    /// The send lag that this share of the requests did not exceed; `quantile` 1.0 is the largest.
    #[must_use]
    pub fn lag_at(&self, quantile: f64) -> Offset {
        let nanos = self.lag.value_at_quantile(quantile);
        Offset::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
    }

    /// The send lags; none if nothing was sent.
    #[must_use]
    pub fn lags(&self) -> Option<Spread> {
        Spread::of_counts(&self.lag)
    }

    pub(super) fn sent(&mut self, lag: Option<Offset>) {
        self.sent += 1;
        if let Some(lag) = lag {
            self.lag.saturating_record(u64::try_from(lag.as_nanos()).unwrap_or(0));
        }
    }
}

/// What a stream saw, in total. It takes shots in any order, and needs memory only for the newest
/// ones and for gaps.
#[derive(Debug)]
pub struct Tally {
    gaps: LiveGaps,
    ok: u64,
    unsent: u64,
    failures: BTreeMap<Outcome, Failures>,
    latency: Histogram<u64>,
    replicas: BTreeSet<Arc<str>>,
    ends: HeldEnds,
    end: Offset,
}

/// The failures of one class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failures {
    /// How many.
    pub count: u64,
    /// Intended time of the first.
    pub first: Offset,
    /// Intended time of the last.
    pub last: Offset,
    /// How many responses had which status.
    pub statuses: BTreeMap<u16, u64>,
}

impl Tally {
    /// An empty tally of a stream whose shots end within `unsettled` of their intended time.
    #[must_use]
    pub fn new(unsettled: Duration) -> Self {
        Self {
            gaps: LiveGaps::new(unsettled.into()),
            ok: 0,
            unsent: 0,
            failures: BTreeMap::new(),
            latency: latency_histogram(),
            replicas: BTreeSet::new(),
            ends: HeldEnds::default(),
            end: Offset::ZERO,
        }
    }

    /// Adds a shot.
    pub fn add(&mut self, shot: &Shot) {
        let at = shot.shows();
        self.end = self.end.max(shot.done.unwrap_or(at));
        self.ends.note_back(shot);
        self.ends.note_end(shot);
        match shot.outcome {
            Outcome::Unsent => {
                self.unsent += 1;
                return;
            }
            Outcome::Ok => self.ok += 1,
            class => {
                let failures = self.failures.entry(class).or_insert_with(|| Failures {
                    count: 0,
                    first: at,
                    last: at,
                    statuses: BTreeMap::new(),
                });
                if let Some(status) = shot.status {
                    *failures.statuses.entry(status).or_default() += 1;
                }
                failures.count += 1;
                failures.first = failures.first.min(at);
                failures.last = failures.last.max(at);
            }
        }
        if let Some(latency) = shot.response_latency() {
            self.latency.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(0));
        }
        if let Some(replica) = &shot.replica
            && self.replicas.len() < REPLICAS
            && !self.replicas.contains(replica)
        {
            self.replicas.insert(Arc::clone(replica));
        }
        self.gaps.add(at, shot.outcome == Outcome::Ok);
    }

    /// Requests that were sent and have ended.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.ok + self.failed()
    }

    /// Good responses.
    #[must_use]
    pub fn ok(&self) -> u64 {
        self.ok
    }

    /// Requests that failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failures.values().map(|failures| failures.count).sum()
    }

    /// Requests that were not sent.
    #[must_use]
    pub fn unsent(&self) -> u64 {
        self.unsent
    }

    /// Failures by class.
    #[must_use]
    pub fn failures(&self) -> &BTreeMap<Outcome, Failures> {
        &self.failures
    }

    /// Replicas that answered.
    #[must_use]
    pub fn replicas(&self) -> &BTreeSet<Arc<str>> {
        &self.replicas
    }

    /// The latency of the correct responses, late ones included; none without any.
    #[must_use]
    pub fn latency(&self) -> Option<Spread> {
        Spread::of_counts(&self.latency)
    }

    /// The ends of held connections.
    #[must_use]
    pub fn ends(&self) -> &HeldEnds {
        &self.ends
    }

    /// The gaps. An open one lasts until the last shot ended.
    #[must_use]
    pub fn gaps(&self) -> Gaps {
        self.gaps.gaps(self.end)
    }

    /// The gap that is open at `now`.
    #[must_use]
    pub fn open_gap(&self, now: Offset) -> Option<Gap> {
        self.gaps.open(now)
    }
}

/// From 10 microseconds to a minute, to three digits.
#[expect(clippy::expect_used, reason = "the bounds are constants")]
fn latency_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(10_000, 60_000_000_000, 3).expect("bounds of a histogram")
}

/// From a microsecond to a minute, to 1 %.
#[expect(clippy::expect_used, reason = "the bounds are constants")]
fn lag_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1_000, 60_000_000_000, 2).expect("bounds of a histogram")
}

/// Lags as a list of nanoseconds with their counts.
mod lag_counts {
    use hdrhistogram::Histogram;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(
        lag: &Histogram<u64>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let steps = lag.iter_recorded();
        serializer.collect_seq(steps.map(|step| (step.value_iterated_to(), step.count_at_value())))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Histogram<u64>, D::Error> {
        let mut lag = super::lag_histogram();
        for (nanos, count) in Vec::<(u64, u64)>::deserialize(deserializer)? {
            lag.saturating_record_n(nanos, count);
        }
        Ok(lag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Unsent;

    fn shot(intended_ms: i64, latency_ms: i64, outcome: Outcome) -> Shot {
        let mut shot = Shot::new(Offset::from_millis(intended_ms), outcome);
        shot.sent = Some(shot.intended);
        shot.done = Some(Offset::from_millis(intended_ms + latency_ms));
        shot
    }

    #[test]
    fn serialised_totals_are_complete() {
        let mut totals = ProbeTotals::new("s");
        for lag in [0, 10, 10, 5_000, 77_000_000] {
            totals.sent(Some(Offset::from_nanos(lag * 1_000)));
        }
        for (why, number) in [(Unsent::NoSlot, 1), (Unsent::NoSocket, 2), (Unsent::Stalled, 3)] {
            totals.unsent.add(why, number);
        }
        totals.closed_idle = 4;
        assert_eq!(totals.shots(), 11);
        let text = serde_json::to_string(&totals).unwrap();
        let again: ProbeTotals = serde_json::from_str(&text).unwrap();
        assert_eq!(again, totals);
        for quantile in [0.0, 0.5, 0.9, 1.0] {
            assert_eq!(again.lag_at(quantile), totals.lag_at(quantile));
        }
    }

    #[test]
    fn counts_classes_with_their_times() {
        let mut tally = Tally::new(Duration::from_secs(1));
        for (at, outcome) in [
            (0, Outcome::Ok),
            (10, Outcome::Refused),
            (20, Outcome::Late),
            (30, Outcome::Refused),
            (40, Outcome::Unsent),
            (50, Outcome::Ok),
        ] {
            tally.add(&shot(at, 5, outcome));
        }
        assert_eq!((tally.ok(), tally.failed(), tally.unsent()), (2, 3, 1));
        let refused = &tally.failures()[&Outcome::Refused];
        assert_eq!(refused.count, 2);
        assert_eq!(refused.first, Offset::from_millis(10));
        assert_eq!(refused.last, Offset::from_millis(30));
        assert_eq!(tally.gaps().longest(), Offset::from_millis(40));
        assert_eq!(tally.open_gap(Offset::from_millis(60)), None);
        assert!((tally.latency().unwrap().p50.as_secs_f64() - 0.005).abs() < 1e-5);
        assert_eq!(Tally::new(Duration::ZERO).latency(), None);
    }
}

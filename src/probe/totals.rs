//! What a stream did and what it saw, in total.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::Offset;
use crate::record::{Outcome, Shot, UnsentCounts};
use crate::stats::Gaps;

/// Shots that may be kept beyond the unsettled ones before the settled ones are folded.
const FOLD: usize = 1024;
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
        value_at(&self.lag, quantile)
    }

    pub(super) fn sent(&mut self, lag: Option<Offset>) {
        self.sent += 1;
        if let Some(lag) = lag {
            self.lag.saturating_record(u64::try_from(lag.as_nanos()).unwrap_or(0));
        }
    }
}

/// What a stream saw, in total. It takes shots in the order in which they end. Of consecutive good
/// or failed shots it keeps only the first and the last, so that hours fit into little memory and
/// gaps stay exact.
#[derive(Debug)]
pub struct Tally {
    unsettled: Duration,
    recent: BTreeMap<Offset, bool>,
    settled: Vec<(Offset, bool)>,
    ok: u64,
    unsent: u64,
    failures: BTreeMap<Outcome, Failures>,
    latency: Histogram<u64>,
    replicas: BTreeSet<Arc<str>>,
    end: Offset,
}

/// The failures of one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// How many.
    pub count: u64,
    /// Intended time of the first.
    pub first: Offset,
    /// Intended time of the last.
    pub last: Offset,
}

impl Tally {
    /// An empty tally of a stream whose shots end within `unsettled` of their intended time.
    #[must_use]
    pub fn new(unsettled: Duration) -> Self {
        Self {
            unsettled,
            recent: BTreeMap::new(),
            settled: Vec::new(),
            ok: 0,
            unsent: 0,
            failures: BTreeMap::new(),
            latency: latency_histogram(),
            replicas: BTreeSet::new(),
            end: Offset::ZERO,
        }
    }

    /// Adds a shot.
    pub fn add(&mut self, shot: &Shot) {
        let at = shot.intended;
        self.end = self.end.max(shot.done.unwrap_or(at));
        match shot.outcome {
            Outcome::Unsent => {
                self.unsent += 1;
                return;
            }
            Outcome::Ok => self.ok += 1,
            class => {
                let seen = Failures { count: 0, first: at, last: at };
                let failures = self.failures.entry(class).or_insert(seen);
                failures.count += 1;
                failures.first = failures.first.min(at);
                failures.last = failures.last.max(at);
            }
        }
        if matches!(shot.outcome, Outcome::Ok | Outcome::Late)
            && let Some(latency) = shot.latency()
        {
            self.latency.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(0));
        }
        if let Some(replica) = &shot.replica
            && self.replicas.len() < REPLICAS
            && !self.replicas.contains(replica)
        {
            self.replicas.insert(Arc::clone(replica));
        }
        self.recent.insert(at, shot.outcome == Outcome::Ok);
        if self.recent.len().is_multiple_of(FOLD) {
            self.fold();
        }
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

    /// The latency that this share of the correct responses did not exceed, late ones included;
    /// `None` without any.
    #[must_use]
    pub fn latency_at(&self, quantile: f64) -> Option<Offset> {
        (!self.latency.is_empty()).then(|| value_at(&self.latency, quantile))
    }

    /// The gaps. An open one lasts until the last shot ended. The number of failures in each is
    /// not known.
    #[must_use]
    pub fn gaps(&self) -> Gaps {
        let recent = self.recent.iter().map(|(at, ok)| (*at, *ok));
        Gaps::of(self.settled.iter().copied().chain(recent), self.end)
    }

    /// Settles what no later shot can change.
    fn fold(&mut self) {
        let Some((newest, _)) = self.recent.last_key_value() else { return };
        let horizon = *newest - self.unsettled.into();
        let recent = self.recent.split_off(&horizon);
        for (at, ok) in std::mem::replace(&mut self.recent, recent) {
            match self.settled.as_slice() {
                // The last but one starts the run, and this shot ends it.
                [.., (_, first), (_, last)] if *first == ok && *last == ok => {
                    self.settled.pop();
                }
                _ => {}
            }
            self.settled.push((at, ok));
        }
    }
}

/// From 10 microseconds to a minute, to three digits.
#[expect(clippy::expect_used, reason = "the bounds are constants")]
fn latency_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(10_000, 60_000_000_000, 3).expect("bounds of a histogram")
}

fn value_at(histogram: &Histogram<u64>, quantile: f64) -> Offset {
    Offset::from_nanos(i64::try_from(histogram.value_at_quantile(quantile)).unwrap_or(i64::MAX))
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
    use proptest::prelude::*;

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
        let refused = tally.failures()[&Outcome::Refused];
        assert_eq!(refused.count, 2);
        assert_eq!(refused.first, Offset::from_millis(10));
        assert_eq!(refused.last, Offset::from_millis(30));
        assert_eq!(tally.gaps().longest(), Offset::from_millis(40));
        assert!((tally.latency_at(0.5).unwrap().as_secs_f64() - 0.005).abs() < 1e-5);
        assert_eq!(Tally::new(Duration::ZERO).latency_at(0.5), None);
    }

    #[test]
    fn a_long_run_needs_little_memory() {
        let mut tally = Tally::new(Duration::from_secs(1));
        for at in 0..200_000 {
            let outcome = if (50_000..90_000).contains(&at) { Outcome::Reset } else { Outcome::Ok };
            tally.add(&shot(at, 1, outcome));
        }
        assert!(tally.recent.len() <= 1_001 + FOLD, "{}", tally.recent.len());
        assert!(tally.settled.len() <= 6, "{:?}", tally.settled);
        assert_eq!(tally.gaps().longest(), Offset::from_millis(40_000));
    }

    proptest! {
        // Folding must not change the gaps, whatever order the shots end in.
        #[test]
        fn gaps_are_those_of_all_shots(
            runs in prop::collection::vec((1_usize..700, any::<bool>()), 1..12),
            delays in prop::collection::vec(0_i64..100, 1..50),
        ) {
            let goods = runs.iter().flat_map(|(length, ok)| std::iter::repeat_n(*ok, *length));
            let mut shots: Vec<Shot> = goods
                .zip(delays.iter().cycle())
                .zip(0..)
                .map(|((ok, delay), at)| {
                    shot(at, *delay, if ok { Outcome::Ok } else { Outcome::Timeout })
                })
                .collect();
            let end = shots.iter().filter_map(|shot| shot.done).max().unwrap();
            let all =
                Gaps::of(shots.iter().map(|s| (s.intended, s.outcome == Outcome::Ok)), end);
            shots.sort_by_key(|shot| shot.done);
            let mut tally = Tally::new(Duration::from_millis(100));
            for shot in &shots {
                tally.add(shot);
            }
            let spans = |gaps: &Gaps| -> Vec<(Offset, Offset)> {
                gaps.list.iter().map(|gap| (gap.start, gap.end)).collect()
            };
            prop_assert_eq!(spans(&tally.gaps()), spans(&all));
        }
    }
}

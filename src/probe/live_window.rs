//! The recent past of a stream, for a live display.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::Offset;
use crate::record::{Outcome, Shot};

/// Parts of a window; the oldest part is dropped as a whole.
const PARTS: i64 = 10;
/// Failed shots kept to find where the current gap started.
const REMEMBERED: usize = 1024;

/// The last seconds of a stream. It takes shots in any order and keeps only counts, so its memory
/// is flat.
#[derive(Debug)]
pub struct LiveWindow {
    part: Offset,
    parts: VecDeque<Part>,
    last_ok: Option<Offset>,
    failed_since: BTreeSet<Offset>,
    all: Counts,
}

/// The recent past of a stream, and its totals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LiveSnapshot {
    /// Requests per second that ended in the window, good or failed.
    pub rate_hz: f64,
    /// Failed in the window.
    pub failed: u64,
    /// Not sent in the window.
    pub unsent: u64,
    /// Requests that ended since the start, good or failed.
    pub total: u64,
    /// Failed since the start.
    pub total_failed: u64,
    /// Not sent since the start.
    pub total_unsent: u64,
    /// Time since the first failure after the last good response; `None` if the newest known
    /// response is good.
    pub gap: Option<Offset>,
    /// Median latency of the window's good responses; `None` without any.
    pub p50: Option<Offset>,
    /// 99th percentile of the latency of the window's good responses; `None` without any.
    pub p99: Option<Offset>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    ended: u64,
    failed: u64,
    unsent: u64,
}

#[derive(Debug)]
struct Part {
    number: i64,
    counts: Counts,
    latency: Histogram<u64>,
}

impl Counts {
    fn add(&mut self, outcome: Outcome) {
        self.unsent += u64::from(outcome == Outcome::Unsent);
        self.failed += u64::from(outcome.is_failure());
        self.ended += u64::from(outcome != Outcome::Unsent);
    }
}

impl LiveWindow {
    /// A window over the last `length`, at least 10 ms.
    #[must_use]
    pub fn new(length: Duration) -> Self {
        let length = Offset::from(length.max(Duration::from_millis(10)));
        Self {
            part: Offset::from_nanos(length.as_nanos() / PARTS),
            parts: VecDeque::new(),
            last_ok: None,
            failed_since: BTreeSet::new(),
            all: Counts::default(),
        }
    }

    /// Adds a shot.
    pub fn add(&mut self, shot: &Shot) {
        self.all.add(shot.outcome);
        self.follow_gap(shot);
        let number = shot.done.unwrap_or(shot.intended).as_nanos().div_euclid(self.part.as_nanos());
        let Some(part) = self.part_of(number) else { return };
        part.counts.add(shot.outcome);
        if let (Outcome::Ok, Some(latency)) = (shot.outcome, shot.latency()) {
            part.latency.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(0));
        }
    }

    /// The window that ends at `now`.
    #[must_use]
    pub fn snapshot(&self, now: Offset) -> LiveSnapshot {
        let current = now.as_nanos().div_euclid(self.part.as_nanos());
        let mut counts = Counts::default();
        let mut latency = latency_histogram();
        // The complete parts, and the current one so far.
        for part in self.parts.iter().filter(|part| current - part.number <= PARTS) {
            counts.ended += part.counts.ended;
            counts.failed += part.counts.failed;
            counts.unsent += part.counts.unsent;
            // Both have the same bounds: it cannot fail.
            let _ = latency.add(&part.latency);
        }
        let into_current = now - Offset::from_nanos(current * self.part.as_nanos());
        let length = Offset::from_nanos(self.part.as_nanos() * PARTS) + into_current;
        // A run that has just started is shorter than the window.
        let length = length.min(now).as_secs_f64();
        let at = |quantile| {
            (!latency.is_empty()).then(|| {
                let nanos = latency.value_at_quantile(quantile);
                Offset::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
            })
        };
        LiveSnapshot {
            rate_hz: if length > 0.0 { per_second(counts.ended, length) } else { 0.0 },
            failed: counts.failed,
            unsent: counts.unsent,
            total: self.all.ended,
            total_failed: self.all.failed,
            total_unsent: self.all.unsent,
            gap: self.failed_since.first().map(|start| now - *start),
            p50: at(0.5),
            p99: at(0.99),
        }
    }

    /// The open gap started with the first failed shot after the last good one, by intended time;
    /// shots end in a different order.
    fn follow_gap(&mut self, shot: &Shot) {
        let newest = self.last_ok.is_none_or(|last| shot.intended > last);
        if shot.outcome == Outcome::Ok && newest {
            self.last_ok = Some(shot.intended);
            self.failed_since = self.failed_since.split_off(&shot.intended);
        } else if shot.outcome.is_failure() && newest {
            self.failed_since.insert(shot.intended);
            if self.failed_since.len() > REMEMBERED {
                // The first is the start of the gap; a good response that comes late can still
                // fall between the newest ones.
                let second = self.failed_since.iter().nth(1).copied();
                second.map(|second| self.failed_since.remove(&second));
            }
        }
    }

    /// The part of this number; `None` if it is already too old.
    fn part_of(&mut self, number: i64) -> Option<&mut Part> {
        let newest = self.parts.back().map_or(number, |part| part.number.max(number));
        if newest - number > PARTS {
            return None;
        }
        while self.parts.front().is_some_and(|part| newest - part.number > PARTS) {
            self.parts.pop_front();
        }
        let index = self.parts.partition_point(|part| part.number < number);
        if self.parts.get(index).is_none_or(|part| part.number != number) {
            let counts = Counts::default();
            self.parts.insert(index, Part { number, counts, latency: latency_histogram() });
        }
        self.parts.get_mut(index)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]
fn per_second(count: u64, seconds: f64) -> f64 {
    count as f64 / seconds
}

/// From 10 microseconds to a minute, to 1 %.
#[expect(clippy::expect_used, reason = "the bounds are constants")]
fn latency_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(10_000, 60_000_000_000, 2).expect("bounds of a histogram")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shot(intended_ms: i64, latency_ms: i64, outcome: Outcome) -> Shot {
        let mut shot = Shot::new(Offset::from_millis(intended_ms), outcome);
        if outcome != Outcome::Unsent {
            shot.sent = Some(shot.intended);
            shot.done = Some(Offset::from_millis(intended_ms + latency_ms));
        }
        shot
    }

    fn window() -> LiveWindow {
        LiveWindow::new(Duration::from_secs(1))
    }

    #[test]
    fn an_empty_window_has_no_figures() {
        let snapshot = window().snapshot(Offset::ZERO);
        assert_eq!((snapshot.total, snapshot.failed, snapshot.gap), (0, 0, None));
        assert_eq!((snapshot.p50, snapshot.p99), (None, None));
        assert_eq!(snapshot.rate_hz.to_string(), "0");
    }

    #[test]
    fn old_shots_leave_the_window_but_stay_in_the_totals() {
        let mut window = window();
        for number in 0..1000 {
            window.add(&shot(number * 10, 1, Outcome::Ok));
        }
        window.add(&shot(100, 3, Outcome::Refused));
        let snapshot = window.snapshot(Offset::from_millis(10_000));
        assert_eq!((snapshot.total, snapshot.total_failed, snapshot.failed), (1001, 1, 0));
        assert!((snapshot.rate_hz - 100.0).abs() < 1.0, "{}", snapshot.rate_hz);
        assert!((snapshot.p50.unwrap().as_secs_f64() - 0.001).abs() < 1e-4);
        assert!(window.snapshot(Offset::from_millis(12_000)).p50.is_none());
    }

    #[test]
    fn a_gap_starts_with_the_first_failure_and_ends_with_the_next_good_response() {
        let mut window = window();
        let gap = |window: &LiveWindow, now| window.snapshot(Offset::from_millis(now)).gap;
        window.add(&shot(0, 1, Outcome::Ok));
        assert_eq!(gap(&window, 5), None);
        // They end in a different order than they were sent.
        window.add(&shot(30, 1, Outcome::Refused));
        window.add(&shot(10, 90, Outcome::Timeout));
        window.add(&shot(40, 1, Outcome::Unsent));
        assert_eq!(gap(&window, 110), Some(Offset::from_millis(100)));
        // A good response in between that comes late: the gap started after it.
        window.add(&shot(20, 150, Outcome::Ok));
        assert_eq!(gap(&window, 170), Some(Offset::from_millis(140)));
        window.add(&shot(50, 130, Outcome::Ok));
        assert_eq!(gap(&window, 180), None);
        // An even later failure from before it does not start a gap.
        window.add(&shot(45, 200, Outcome::Timeout));
        assert_eq!(gap(&window, 250), None);
        assert_eq!(window.snapshot(Offset::from_millis(250)).total_unsent, 1);
    }

    #[test]
    fn a_long_outage_does_not_fill_memory() {
        let mut window = window();
        for number in 0..100_000 {
            window.add(&shot(number, 1, Outcome::Refused));
        }
        assert!(window.failed_since.len() <= REMEMBERED);
        assert!(window.parts.len() <= 12);
        let snapshot = window.snapshot(Offset::from_millis(100_000));
        assert_eq!(snapshot.gap, Some(Offset::from_millis(100_000)));
    }
}

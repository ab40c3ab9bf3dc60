//! The same figures while a run goes on: outcomes come in any order.

use std::collections::{BTreeMap, VecDeque};

use super::gaps::{Gap, Gaps, Tail};
use super::spread::Spread;
use crate::Offset;

/// The gaps of a stream whose outcomes come in any order. At every moment they are those that
/// [`Gaps::of`] finds in the same requests in order, as long as no outcome comes later than the
/// horizon.
#[derive(Debug, Clone)]
pub struct LiveGaps {
    horizon: Offset,
    /// Requests that an outcome may still come between, by intended time and order of arrival.
    unsettled: BTreeMap<(Offset, u64), bool>,
    arrived: u64,
    /// How many of the unsettled ones failed.
    failed: usize,
    tail: Tail,
    closed: Vec<Gap>,
    /// The longest of the closed ones.
    longest: Offset,
}

impl LiveGaps {
    /// Outcomes may come up to `horizon` after those of requests that were due later: the
    /// longest time that a request can take.
    #[must_use]
    pub fn new(horizon: Offset) -> Self {
        Self {
            horizon,
            unsettled: BTreeMap::new(),
            arrived: 0,
            failed: 0,
            tail: Tail::default(),
            closed: Vec::new(),
            longest: Offset::ZERO,
        }
    }

    /// Takes the outcome of the request that was due at `intended`. Leave out requests that were
    /// never sent.
    pub fn add(&mut self, intended: Offset, success: bool) {
        self.unsettled.insert((intended, self.arrived), success);
        self.arrived += 1;
        self.failed += usize::from(!success);
        let newest = self.unsettled.last_key_value().map_or(intended, |(key, _)| key.0);
        self.settle(newest - self.horizon);
    }

    /// The gap that is open at `now`: nothing has succeeded since its first failure was due.
    #[must_use]
    pub fn open(&self, now: Offset) -> Option<Gap> {
        let mut tail = self.tail;
        if self.failed > 0 || tail.is_open() {
            for ((at, _), success) in &self.unsettled {
                tail.take(*at, *success);
            }
        }
        tail.open_until(now)
    }

    /// The length of the longest gap so far, the open one up to `now` included.
    #[must_use]
    pub fn longest(&self, now: Offset) -> Offset {
        if self.failed == 0 && !self.tail.is_open() {
            return self.longest;
        }
        let mut tail = self.tail;
        let closed = self.unsettled.iter().filter_map(|((at, _), ok)| tail.take(*at, *ok));
        let longest = closed.map(|gap| gap.length()).max().unwrap_or_default();
        let open = tail.open_until(now).map(|gap| gap.length()).unwrap_or_default();
        self.longest.max(longest).max(open)
    }

    /// All gaps so far; one that is open ends at `end`.
    #[must_use]
    pub fn gaps(&self, end: Offset) -> Gaps {
        let mut tail = self.tail;
        let unsettled = self.unsettled.iter().filter_map(|((at, _), ok)| tail.take(*at, *ok));
        let mut list = self.closed.clone();
        list.extend(unsettled);
        list.extend(tail.open_until(end));
        Gaps { list, between_successes: tail.between_successes }
    }

    fn settle(&mut self, before: Offset) {
        while let Some(first) = self.unsettled.first_entry().filter(|e| e.key().0 < before) {
            let ((at, _), success) = first.remove_entry();
            self.failed -= usize::from(!success);
            if let Some(gap) = self.tail.take(at, success) {
                self.longest = self.longest.max(gap.length());
                self.closed.push(gap);
            }
        }
    }
}

/// Rate and latency of what ended within the last seconds.
#[derive(Debug, Clone)]
pub struct Recent {
    window: Offset,
    /// When each request ended, and how long it took if it was answered.
    ended: VecDeque<(Offset, Option<Offset>)>,
}

impl Recent {
    /// Of the last `window`.
    #[must_use]
    pub fn new(window: Offset) -> Self {
        Self { window, ended: VecDeque::new() }
    }

    /// Takes a request that ended at `done`, with its latency if it was answered.
    pub fn add(&mut self, done: Offset, latency: Option<Offset>) {
        let place = self.ended.partition_point(|ended| ended.0 <= done);
        self.ended.insert(place, (done, latency));
        let newest = self.ended.back().map_or(done, |newest| newest.0);
        while self.ended.front().is_some_and(|oldest| oldest.0 < newest - self.window) {
            self.ended.pop_front();
        }
    }

    /// Requests that ended a second, over the window that ends at `now`. A window that has only
    /// just begun counts as a second, so that the first answers do not look like thousands.
    #[must_use]
    pub fn rate_hz(&self, now: Offset) -> f64 {
        let mut ended = self.within(now).peekable();
        let Some(first) = ended.peek().map(|first| first.0) else { return 0.0 };
        let length = (now - first).max(Offset::from_millis(1_000)).min(self.window);
        #[expect(clippy::cast_precision_loss, reason = "a count of a few seconds' requests")]
        let count = ended.count() as f64;
        count / length.as_secs_f64()
    }

    /// The latencies of the window that ends at `now`, as [`Spread::of`] has them.
    #[must_use]
    pub fn latency(&self, now: Offset) -> Option<Spread> {
        Spread::of(self.within(now).filter_map(|ended| ended.1))
    }

    fn within(&self, now: Offset) -> impl Iterator<Item = &(Offset, Option<Offset>)> {
        let first = self.ended.partition_point(|ended| ended.0 < now - self.window);
        self.ended.range(first..)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HORIZON: Offset = Offset::from_millis(100);

    const fn at(millis: i64) -> Offset {
        Offset::from_millis(millis)
    }

    #[test]
    fn a_gap_is_open_until_a_later_request_succeeds() {
        let mut gaps = LiveGaps::new(HORIZON);
        gaps.add(at(0), true);
        assert_eq!((gaps.open(at(5)), gaps.longest(at(5))), (None, at(0)));
        gaps.add(at(20), false);
        gaps.add(at(10), false);
        assert_eq!(gaps.open(at(60)).map(|gap| gap.length()), Some(at(50)));
        gaps.add(at(30), true);
        assert_eq!((gaps.open(at(60)), gaps.longest(at(60))), (None, at(20)));
        gaps.add(at(900), true);
        assert_eq!((gaps.unsettled.len(), gaps.longest(at(900))), (1, at(20)));
    }

    #[test]
    fn what_is_older_than_the_window_is_forgotten() {
        let mut recent = Recent::new(at(5_000));
        assert_eq!((recent.rate_hz(at(0)), recent.latency(at(0))), (0.0, None));
        for number in 0..1_000 {
            recent.add(at(number * 10), Some(at(if number < 900 { 4 } else { 20 })));
        }
        assert!((recent.rate_hz(at(10_000)) - 100.0).abs() < 1.0);
        assert!(recent.latency(at(10_000)).is_some_and(|latency| latency.max == at(20)));
        assert!(recent.ended.len() <= 501);
        assert_eq!((recent.rate_hz(at(17_000)), recent.latency(at(17_000))), (0.0, None));
    }

    proptest! {
        #[test]
        fn at_every_moment_it_is_what_all_requests_in_order_say(
            requests in prop::collection::vec((0_i64..20, 0_i64..100, any::<bool>()), 0..200),
        ) {
            // Each ends less than the horizon after it was due.
            let mut due = 0;
            let mut ends: Vec<(i64, i64, bool)> = requests
                .into_iter()
                .map(|(step, took, success)| { due += step; (due + took, due, success) })
                .collect();
            ends.sort_by_key(|request| request.0);
            let mut live = LiveGaps::new(HORIZON);
            let mut known: Vec<(Offset, bool)> = vec![];
            for (now, due, success) in ends {
                live.add(at(due), success);
                known.push((at(due), success));
                let mut ordered = known.clone();
                ordered.sort_by_key(|request| request.0);
                let offline = Gaps::of(ordered, at(now));
                prop_assert_eq!(&live.gaps(at(now)), &offline);
                prop_assert_eq!(live.longest(at(now)), offline.longest());
                prop_assert_eq!(live.open(at(now)), offline.list.last().filter(|g| g.open).copied());
            }
        }
    }
}

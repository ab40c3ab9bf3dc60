//! Gaps of a stream: the times in which its users got nothing.

use serde::Serialize;

use crate::Offset;

/// A time in which no request of a stream succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// When the first failed request was intended.
    pub start: Offset,
    /// When the next successful request was intended; the end of the window if none was.
    pub end: Offset,
    /// Failed requests in it.
    pub failed: u64,
    /// Whether the window ended before a request succeeded.
    pub open: bool,
}

impl Gap {
    /// How long it was.
    #[must_use]
    pub fn length(&self) -> Offset {
        self.end - self.start
    }
}

/// All gaps of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gaps {
    /// In order; they do not touch.
    pub list: Vec<Gap>,
    /// The greatest distance between the intended times of two successes in a row: nothing
    /// longer than this can have been missed between two requests. Absent below two successes.
    pub between_successes: Option<Offset>,
}

impl Gaps {
    /// The gaps of requests given as intended time and success, ordered by intended time. A
    /// gap that nothing closes ends at `end`. Leave out requests that were never sent: they
    /// prove nothing either way.
    #[must_use]
    pub fn of(requests: impl IntoIterator<Item = (Offset, bool)>, end: Offset) -> Self {
        let mut tail = Tail::default();
        let list = requests.into_iter().filter_map(|(at, success)| tail.take(at, success));
        let mut list: Vec<Gap> = list.collect();
        list.extend(tail.open_until(end));
        Self { list, between_successes: tail.between_successes }
    }

    /// The length of the longest gap.
    #[must_use]
    pub fn longest(&self) -> Offset {
        self.list.iter().map(Gap::length).max().unwrap_or_default()
    }

    /// The length of all gaps together.
    #[must_use]
    pub fn total(&self) -> Offset {
        self.list.iter().map(Gap::length).fold(Offset::ZERO, |sum, length| sum + length)
    }
}

/// What has to be remembered of requests, in order, to follow the gaps.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tail {
    open: Option<Gap>,
    last_success: Option<Offset>,
    pub(super) between_successes: Option<Offset>,
}

impl Tail {
    /// Takes the next request; returns the gap that it closes.
    pub(super) fn take(&mut self, at: Offset, success: bool) -> Option<Gap> {
        if !success {
            let gap = self.open.get_or_insert(Gap { start: at, end: at, failed: 0, open: true });
            gap.failed += 1;
            gap.end = at;
            return None;
        }
        if let Some(last) = self.last_success.replace(at) {
            self.between_successes = self.between_successes.max(Some(at - last));
        }
        self.open.take().map(|gap| Gap { end: at, open: false, ..gap })
    }

    /// The gap that is still open, up to `end`.
    pub(super) fn open_until(&self, end: Offset) -> Option<Gap> {
        self.open.map(|gap| Gap { end: end.max(gap.end), ..gap })
    }

    /// Whether a gap is open.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn at(millis: i64) -> Offset {
        Offset::from_millis(millis)
    }

    #[test]
    fn a_gap_runs_from_the_first_failure_to_the_next_success() {
        let requests =
            [(0, true), (10, false), (20, false), (30, true), (40, true), (50, false), (60, true)];
        let gaps = Gaps::of(requests.map(|(time, success)| (at(time), success)), at(70));
        assert_eq!(
            gaps.list,
            [
                Gap { start: at(10), end: at(30), failed: 2, open: false },
                Gap { start: at(50), end: at(60), failed: 1, open: false },
            ]
        );
        assert_eq!((gaps.longest(), gaps.total()), (at(20), at(30)));
        assert_eq!(gaps.between_successes, Some(at(30)));
    }

    #[test]
    fn a_gap_that_nothing_ends_runs_to_the_end_of_the_window() {
        let gaps = Gaps::of([(at(0), true), (at(10), false)], at(500));
        assert_eq!(gaps.list, [Gap { start: at(10), end: at(500), failed: 1, open: true }]);
        assert_eq!(gaps.between_successes, None);
    }

    #[test]
    fn no_failure_no_gap() {
        let gaps = Gaps::of([(at(0), true), (at(10), true)], at(20));
        assert_eq!((gaps.list.as_slice(), gaps.longest()), ([].as_slice(), at(0)));
        assert_eq!(Gaps::of([], at(20)), Gaps::default());
    }

    prop_compose! {
        fn requests()(steps in prop::collection::vec((0_i64..50, any::<bool>()), 0..200))
            -> Vec<(Offset, bool)> {
            let mut time = 0;
            steps.into_iter().map(|(step, success)| { time += step; (at(time), success) }).collect()
        }
    }

    fn end_of(requests: &[(Offset, bool)]) -> Offset {
        requests.last().map_or(at(0), |last| last.0) + at(10)
    }

    proptest! {
        #[test]
        fn gaps_are_ordered_and_within_the_window(requests in requests()) {
            let end = end_of(&requests);
            let gaps = Gaps::of(requests.iter().copied(), end);
            let first = requests.first().map_or(at(0), |first| first.0);
            prop_assert!(gaps.total() <= end - first);
            prop_assert!(gaps.longest() <= gaps.total());
            prop_assert!(gaps.list.iter().all(|gap| gap.start <= gap.end && gap.end <= end));
            prop_assert!(gaps.list.windows(2).all(|two| two[0].end <= two[1].start));
            let failed = requests.iter().filter(|request| !request.1).count() as u64;
            prop_assert_eq!(gaps.list.iter().map(|gap| gap.failed).sum::<u64>(), failed);
            prop_assert!(gaps.list.iter().rev().skip(1).all(|gap| !gap.open));
        }

        #[test]
        fn a_success_more_never_lengthens_anything(requests in requests(), place in 0_usize..200) {
            let end = end_of(&requests);
            let before = Gaps::of(requests.iter().copied(), end);
            let mut more = requests;
            let place = place.min(more.len());
            let time = more.get(place).map_or(end, |next| next.0);
            more.insert(place, (time, true));
            let after = Gaps::of(more, end);
            prop_assert!(after.longest() <= before.longest());
            prop_assert!(after.total() <= before.total());
        }

        #[test]
        fn a_success_turned_failure_never_shortens_the_total(
            requests in requests(), place in any::<prop::sample::Index>(),
        ) {
            prop_assume!(!requests.is_empty());
            let end = end_of(&requests);
            let before = Gaps::of(requests.iter().copied(), end);
            let mut worse = requests;
            let place = place.index(worse.len());
            worse[place].1 = false;
            prop_assert!(Gaps::of(worse, end).total() >= before.total());
        }
    }
}

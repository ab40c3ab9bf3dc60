//! Times in which all streams had a gap, and times in which only some had.

use serde::Serialize;

use super::Gap;
use crate::Offset;

/// The gaps of several streams together. With one stream every gap is a full outage of what
/// that stream can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Outage {
    /// How long no stream got anything.
    pub full_s: Offset,
    /// The longest time in which no stream got anything.
    pub longest_full_s: Offset,
    /// How long some streams got nothing while others did.
    pub partial_s: Offset,
}

impl Outage {
    /// The outage of these streams, each given by its gaps.
    #[must_use]
    pub fn of(streams: &[&[Gap]]) -> Self {
        let mut edges: Vec<(Offset, i64)> = streams
            .iter()
            .flat_map(|gaps| gaps.iter())
            .flat_map(|gap| [(gap.start, 1), (gap.end, -1)])
            .collect();
        // Beginnings first, so that a gap that begins where another ends continues it.
        edges.sort_unstable_by_key(|(at, step)| (*at, -step));
        let all = i64::try_from(streams.len()).unwrap_or(i64::MAX);
        let mut outage = Self::default();
        let (mut bad, mut since, mut full) = (0, Offset::ZERO, Offset::ZERO);
        for (at, step) in edges {
            let length = at - since;
            if bad == all {
                outage.full_s = outage.full_s + length;
                full = full + length;
            } else if bad > 0 {
                outage.partial_s = outage.partial_s + length;
            }
            outage.longest_full_s = outage.longest_full_s.max(full);
            bad += step;
            if bad < all {
                full = Offset::ZERO;
            }
            since = at;
        }
        outage
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::Gaps;

    const fn at(millis: i64) -> Offset {
        Offset::from_millis(millis)
    }

    fn gap(start: i64, end: i64) -> Gap {
        Gap { start: at(start), end: at(end), failed: 1, open: false }
    }

    #[test]
    fn what_all_streams_miss_is_full_and_the_rest_partial() {
        let outage = Outage::of(&[&[gap(0, 10), gap(20, 50)], &[gap(30, 70)]]);
        assert_eq!(outage.full_s, at(20));
        assert_eq!(outage.longest_full_s, at(20));
        assert_eq!(outage.partial_s, at(10 + 10 + 20));
        assert_eq!(Outage::of(&[&[gap(0, 10)], &[]]).full_s, at(0));
        assert_eq!(Outage::of(&[&[gap(0, 10), gap(30, 35)]]).longest_full_s, at(10));
        assert_eq!(Outage::of(&[]), Outage::default());
    }

    fn gaps() -> impl Strategy<Value = Vec<Gap>> {
        prop::collection::vec(any::<bool>(), 0..60).prop_map(|requests| {
            let times = requests.iter().zip(0..).map(|(good, index)| (at(index * 10), *good));
            Gaps::of(times, at(600)).list
        })
    }

    proptest! {
        #[test]
        fn full_and_partial_are_the_union(streams in prop::collection::vec(gaps(), 1..4)) {
            let streams: Vec<&[Gap]> = streams.iter().map(Vec::as_slice).collect();
            let outage = Outage::of(&streams);
            let covered = |tick: i64| {
                let bad = streams.iter().filter(|gaps| {
                    gaps.iter().any(|gap| gap.start <= at(tick) && at(tick) < gap.end)
                });
                bad.count()
            };
            let ticks: Vec<usize> = (0..60).map(|tick| covered(tick * 10)).collect();
            let count = |which: &dyn Fn(usize) -> bool| {
                10 * i64::try_from(ticks.iter().filter(|bad| which(**bad)).count()).unwrap()
            };
            prop_assert_eq!(outage.full_s, at(count(&|bad| bad == streams.len())));
            prop_assert_eq!(outage.partial_s, at(count(&|bad| bad > 0 && bad < streams.len())));
            let longest = ticks.split(|bad| *bad < streams.len()).map(<[_]>::len).max().unwrap();
            prop_assert_eq!(outage.longest_full_s, at(10 * i64::try_from(longest).unwrap()));
        }
    }
}

//! Stretches of time that something covers.

use crate::Offset;

/// Stretches of time, ordered and without overlaps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Times(Vec<(Offset, Offset)>);

impl Times {
    /// The union of these stretches, given as beginning and end.
    #[must_use]
    pub fn of(times: impl IntoIterator<Item = (Offset, Offset)>) -> Self {
        let mut times: Vec<(Offset, Offset)> =
            times.into_iter().filter(|(from, to)| from <= to).collect();
        times.sort_unstable();
        let mut union: Vec<(Offset, Offset)> = Vec::new();
        for (from, to) in times {
            match union.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => union.push((from, to)),
            }
        }
        Self(union)
    }

    /// How long they are together.
    #[must_use]
    pub fn length(&self) -> Offset {
        self.0.iter().fold(Offset::ZERO, |sum, (from, to)| sum + (*to - *from))
    }

    /// Each of them, from beginning to end.
    pub fn stretches(&self) -> impl Iterator<Item = (Offset, Offset)> {
        self.0.iter().copied()
    }

    /// What lies between two instants.
    #[must_use]
    pub fn within(&self, from: Offset, to: Offset) -> Self {
        let cut = self.0.iter().map(|(start, end)| (*start.max(&from), *end.min(&to)));
        Self(cut.filter(|(start, end)| start < end).collect())
    }

    /// Whether an instant lies in one of them; their ends are left out.
    #[must_use]
    pub fn contain(&self, at: Offset) -> bool {
        let next = self.0.partition_point(|(from, _)| *from <= at);
        next > 0 && at < self.0[next - 1].1
    }

    /// Whether one of them has an instant in common with this stretch, ends included.
    #[must_use]
    pub fn touch(&self, from: Offset, to: Offset) -> bool {
        let next = self.0.partition_point(|(start, _)| *start <= to);
        next > 0 && from <= self.0[next - 1].1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn times(times: &[(i64, i64)]) -> Times {
        Times::of(times.iter().map(|(a, b)| (Offset::from_millis(*a), Offset::from_millis(*b))))
    }

    #[test]
    fn stretches_that_touch_are_one() {
        let union = times(&[(10, 12), (0, 6), (2, 4), (6, 7), (9, 9), (3, 1)]);
        assert_eq!(union, times(&[(0, 7), (9, 9), (10, 12)]));
        assert_eq!(union.length(), Offset::from_millis(9));
    }

    proptest! {
        #[test]
        fn what_they_contain_and_touch_is_what_each_does(
            list in prop::collection::vec((0_i64..100, 0_i64..20), 0..20),
            from in -10_i64..130,
            length in 0_i64..30,
        ) {
            let list: Vec<(i64, i64)> = list.iter().map(|(at, long)| (*at, at + long)).collect();
            let union = times(&list);
            let at = Offset::from_millis;
            let inside = list.iter().any(|(start, end)| *start <= from && from < *end);
            prop_assert_eq!(union.contain(at(from)), inside);
            let part = union.within(at(from), at(from + length));
            prop_assert!(part.length() <= at(length));
            prop_assert!(part.stretches().all(|(start, end)| union.contain(start) && start < end));
            let common = list.iter().any(|(start, end)| *start <= from + length && from <= *end);
            prop_assert_eq!(union.touch(at(from), at(from + length)), common);
        }
    }
}

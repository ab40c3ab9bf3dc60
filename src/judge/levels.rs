//! A count over time.

use crate::Offset;

/// A count over time: each entry holds until the next one, the last until the end.
pub(super) struct Levels {
    pub steps: Vec<(Offset, u64)>,
    end: Offset,
}

impl Levels {
    /// How many of these times cover each instant from `start` to `end`.
    pub fn of(
        times: impl Iterator<Item = (Offset, Option<Offset>)>,
        start: Offset,
        end: Offset,
    ) -> Self {
        let mut edges: Vec<(Offset, i64)> = Vec::new();
        for (from, to) in times {
            if to.is_some_and(|to| to <= from) {
                continue;
            }
            edges.push((from.max(start), 1));
            edges.extend(to.map(|to| (to.max(start), -1)));
        }
        edges.push((start, 0));
        edges.retain(|edge| edge.0 <= end);
        edges.sort_unstable_by_key(|edge| edge.0);
        let mut steps: Vec<(Offset, u64)> = Vec::new();
        let mut level = 0;
        // One that starts at the very instant at which another ends leaves no hole.
        for same_time in edges.chunk_by(|one, other| one.0 == other.0) {
            level += same_time.iter().map(|edge| edge.1).sum::<i64>();
            steps.push((same_time[0].0, u64::try_from(level).unwrap_or(0)));
        }
        Self { steps, end }
    }

    pub fn least(&self) -> u64 {
        self.steps.iter().map(|step| step.1).min().unwrap_or(0)
    }

    pub fn most(&self) -> u64 {
        self.steps.iter().map(|step| step.1).max().unwrap_or(0)
    }

    /// The count at an instant.
    pub fn at(&self, at: Offset) -> u64 {
        let next = self.steps.partition_point(|step| step.0 <= at);
        next.checked_sub(1).map_or(0, |last| self.steps[last].1)
    }

    /// The times in which the count is below `level`.
    pub fn below(&self, level: u64) -> Vec<(Offset, Offset)> {
        let mut times: Vec<(Offset, Offset)> = Vec::new();
        for (index, (from, count)) in self.steps.iter().enumerate() {
            let to = self.steps.get(index + 1).map_or(self.end, |next| next.0);
            if *count >= level || to <= *from {
                continue;
            }
            match times.last_mut() {
                Some(last) if last.1 == *from => last.1 = to,
                _ => times.push((*from, to)),
            }
        }
        times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Offset {
        Offset::from_millis(secs * 1_000)
    }

    fn levels(times: &[(i64, Option<i64>)]) -> Levels {
        Levels::of(times.iter().map(|(from, to)| (at(*from), to.map(at))), at(10), at(30))
    }

    #[test]
    fn what_was_there_before_the_start_counts_from_the_start() {
        let levels = levels(&[(-5, None), (1, Some(9)), (2, Some(12)), (15, None)]);
        assert_eq!(levels.steps, [(at(10), 2), (at(12), 1), (at(15), 2)]);
        assert_eq!(levels.least(), 1);
        assert_eq!(levels.below(2), [(at(12), at(15))]);
    }

    #[test]
    fn a_change_of_hands_at_one_instant_is_no_dip() {
        let levels = levels(&[(0, Some(20)), (20, None)]);
        assert_eq!(levels.least(), 1);
        assert_eq!(levels.below(1), []);
    }

    #[test]
    fn nothing_after_the_end_counts() {
        let levels = levels(&[(0, Some(31)), (0, Some(25))]);
        assert_eq!(levels.least(), 1);
        assert_eq!(levels.below(2), [(at(25), at(30))]);
    }
}

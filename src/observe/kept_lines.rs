//! Which lines of a container are kept: the first ones, then so many a second, and the last ones.

use std::collections::VecDeque;

use crate::Offset;

/// So many lines are kept at once, in a burst.
const BURST: f64 = 100.0;
/// So many more each second.
const PER_SECOND: f64 = 5.0;
/// So many lines before its end are kept in any case.
const LAST: usize = 20;

/// Chooses the lines of one container.
#[derive(Debug)]
pub(super) struct KeptLines<T> {
    credit: f64,
    looked: Offset,
    /// The newest of those that were left out.
    newest: VecDeque<T>,
    /// How many were left out since the last one that was kept, without `newest`.
    left_out: u64,
}

impl<T> KeptLines<T> {
    /// Nothing has been printed at `now`.
    pub(super) fn new(now: Offset) -> Self {
        Self { credit: BURST, looked: now, newest: VecDeque::new(), left_out: 0 }
    }

    /// Takes a line that was printed at `now`. Gives it back with the number of lines left out before
    /// it, if it is kept.
    pub(super) fn take(&mut self, line: T, now: Offset) -> Option<(T, u64)> {
        let passed = (now - self.looked).as_secs_f64().max(0.0);
        self.looked = self.looked.max(now);
        self.credit = passed.mul_add(PER_SECOND, self.credit).min(BURST);
        if self.credit >= 1.0 {
            self.credit -= 1.0;
            let left_out = std::mem::take(&mut self.left_out) + self.newest.len() as u64;
            self.newest.clear();
            return Some((line, left_out));
        }
        self.newest.push_back(line);
        if self.newest.len() > LAST {
            self.newest.pop_front();
            self.left_out += 1;
        }
        None
    }

    /// The container has ended: its last lines, each with the number of lines left out before it.
    pub(super) fn end(self) -> impl Iterator<Item = (T, u64)> {
        let mut left_out = self.left_out;
        self.newest.into_iter().map(move |line| (line, std::mem::take(&mut left_out)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_lines_then_a_few_a_second_and_the_last_are_kept() {
        let mut kept = KeptLines::new(Offset::ZERO);
        // A thousand lines a second for ten seconds.
        let lines: Vec<(u32, u64)> = (0..10_000_u32)
            .filter_map(|n| kept.take(n, Offset::from_millis(i64::from(n))))
            .collect();
        assert_eq!(lines[..100], (0..100).map(|n| (n, 0)).collect::<Vec<_>>()[..]);
        assert!((145..=151).contains(&lines.len()), "{}", lines.len());
        let last: Vec<(u32, u64)> = kept.end().collect();
        assert_eq!(last.len(), LAST);
        assert_eq!(last.last(), Some(&(9_999, 0)));
        let left_out: u64 = lines.iter().chain(&last).map(|line| line.1).sum();
        assert_eq!(left_out + (lines.len() + last.len()) as u64, 10_000, "every line is counted");
    }

    #[test]
    fn a_quiet_container_loses_nothing() {
        let mut kept = KeptLines::new(Offset::ZERO);
        let all = (0..1_000).all(|n| kept.take(n, Offset::from_millis(n * 250)) == Some((n, 0)));
        assert!(all);
        assert_eq!(kept.end().count(), 0);
    }
}

//! How many replicas there were.

use serde::Serialize;

use super::scene::Scene;
use crate::record::Offset;

/// How many replicas there were from the change to the scenario's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Capacity {
    /// Replicas wanted.
    pub desired: u64,
    /// The fewest tasks in state RUNNING, as `docker service ls` counts.
    pub min_running: u64,
    /// The fewest tasks that were RUNNING and not told to stop: a task that is told to stop
    /// gets no new requests about a second later, but counts as RUNNING until it has ended.
    pub min_serving: u64,
    /// How long fewer than `desired` were serving.
    pub below_desired_s: Offset,
    /// How long none was serving.
    pub none_serving_s: Offset,
    /// When none was serving, as start and end.
    #[serde(skip)]
    pub none_serving: Vec<(Offset, Offset)>,
}

impl Capacity {
    /// The capacity during a scenario; none if no task was ever seen.
    pub(super) fn of(scene: &Scene) -> Option<Self> {
        if scene.tasks.lives.is_empty() {
            return None;
        }
        let (start, end) = (scene.submitted_at(), scene.ended);
        let running = Levels::of(
            scene.tasks.lives.iter().filter_map(|life| Some((life.running?, life.ended))),
            start,
            end,
        );
        let serving = Levels::of(
            scene.tasks.lives.iter().filter_map(|life| Some((life.running?, life.serves_until()))),
            start,
            end,
        );
        let desired = scene.replicas;
        Some(Self {
            desired,
            min_running: running.least(),
            min_serving: serving.least(),
            below_desired_s: sum(&serving.below(desired)),
            none_serving_s: sum(&serving.below(1)),
            none_serving: serving.below(1),
        })
    }
}

fn sum(times: &[(Offset, Offset)]) -> Offset {
    times.iter().fold(Offset::ZERO, |sum, (from, to)| sum + (*to - *from))
}

/// A count over time: each entry holds until the next one, the last until the end.
struct Levels {
    steps: Vec<(Offset, u64)>,
    end: Offset,
}

impl Levels {
    /// How many of these times cover each instant from `start` to `end`.
    fn of(
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

    fn least(&self) -> u64 {
        self.steps.iter().map(|step| step.1).min().unwrap_or(0)
    }

    /// The times in which the count is below `level`.
    fn below(&self, level: u64) -> Vec<(Offset, Offset)> {
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

//! How many replicas there were.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::scene::Scene;
use super::tasks::TaskLife;
use crate::Offset;

/// How many replicas there were from the change to the scenario's end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Capacity {
    /// Replicas wanted; while their number changes, the smaller one.
    pub desired: u64,
    /// The fewest tasks in state RUNNING, as `docker service ls` counts.
    pub min_running: u64,
    /// The fewest tasks that were RUNNING and not told to stop: a task that has to stop
    /// gets no new requests about a second later, but counts as RUNNING until it has ended.
    pub min_serving: u64,
    /// How long fewer than `desired` were serving.
    pub below_desired_s: Offset,
    /// How long none was serving.
    pub none_serving_s: Offset,
    /// The whole course, from the change to the end: an entry wherever something changed.
    pub steps: Vec<CapacityStep>,
    /// The least and the most of each version, by its generation.
    pub by_version: BTreeMap<u32, VersionRange>,
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
        let all = Counts::of(scene, |_| true);
        let generations: BTreeSet<u32> =
            scene.tasks.lives.iter().map(|life| life.last.generation).collect();
        let versions: BTreeMap<u32, Counts> = generations
            .into_iter()
            .map(|generation| {
                (generation, Counts::of(scene, |life| life.last.generation == generation))
            })
            .filter(|(_, counts)| counts.running.most() > 0)
            .collect();
        let (serving, desired) = (&all.serving, scene.least_replicas());
        Some(Self {
            desired,
            min_running: all.running.least(),
            min_serving: serving.least(),
            below_desired_s: sum(&serving.below(desired)),
            none_serving_s: sum(&serving.below(1)),
            steps: CapacityStep::all(&all, &versions),
            by_version: versions
                .iter()
                .map(|(generation, counts)| (*generation, VersionRange::of(counts)))
                .collect(),
            none_serving: serving.below(1),
        })
    }
}

/// The least and the most of one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct VersionRange {
    /// The fewest tasks in state RUNNING.
    pub min_running: u64,
    /// The most of them.
    pub max_running: u64,
    /// The fewest tasks that were RUNNING and not told to stop.
    pub min_serving: u64,
    /// The most of them.
    pub max_serving: u64,
}

impl VersionRange {
    fn of(counts: &Counts) -> Self {
        Self {
            min_running: counts.running.least(),
            max_running: counts.running.most(),
            min_serving: counts.serving.least(),
            max_serving: counts.serving.most(),
        }
    }
}

fn sum(times: &[(Offset, Offset)]) -> Offset {
    times.iter().fold(Offset::ZERO, |sum, (from, to)| sum + (*to - *from))
}

/// What ran and what served from an instant on, until the next step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CapacityStep {
    /// From when on.
    pub at: Offset,
    /// Tasks in state RUNNING.
    pub running: u64,
    /// Tasks that are RUNNING and not told to stop.
    pub serving: u64,
    /// The same for each version, by its generation; one that is not named has none.
    pub by_version: BTreeMap<u32, VersionStep>,
}

/// What ran and what served of one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct VersionStep {
    /// Tasks in state RUNNING.
    pub running: u64,
    /// Tasks that are RUNNING and not told to stop.
    pub serving: u64,
}

impl CapacityStep {
    /// All steps of these counts, in order.
    pub(super) fn all(all: &Counts, versions: &BTreeMap<u32, Counts>) -> Vec<Self> {
        let mut instants: Vec<Offset> = std::iter::once(all)
            .chain(versions.values())
            .flat_map(|counts| counts.running.steps.iter().chain(&counts.serving.steps))
            .map(|step| step.0)
            .collect();
        instants.sort_unstable();
        instants.dedup();
        let mut steps: Vec<Self> = Vec::with_capacity(instants.len());
        for at in instants {
            let VersionStep { running, serving } = all.at(at);
            let by_version: BTreeMap<u32, VersionStep> = versions
                .iter()
                .map(|(generation, counts)| (*generation, counts.at(at)))
                .filter(|(_, step)| step.running + step.serving > 0)
                .collect();
            let same = steps.last().is_some_and(|last| {
                (last.running, last.serving, &last.by_version) == (running, serving, &by_version)
            });
            if !same {
                steps.push(Self { at, running, serving, by_version });
            }
        }
        steps
    }
}

/// How many of some tasks ran and served over time.
pub(super) struct Counts {
    pub running: Levels,
    pub serving: Levels,
}

impl Counts {
    /// From the change to the end, of the tasks that `which` chooses.
    pub fn of(scene: &Scene, which: impl Fn(&TaskLife) -> bool) -> Self {
        let (start, end) = (scene.submitted_at(), scene.ended);
        let lives = || scene.tasks.lives.iter().filter(|life| which(life));
        // A task on a node that is down stays RUNNING in Swarm's list: nobody reports its end.
        let until =
            |life: &TaskLife, end: Option<Offset>| end.into_iter().chain(scene.lost_at(life)).min();
        Self {
            running: Levels::of(
                lives().filter_map(|life| Some((life.running?, until(life, life.ended)))),
                start,
                end,
            ),
            serving: Levels::of(
                lives().filter_map(|life| Some((life.running?, until(life, life.serves_until())))),
                start,
                end,
            ),
        }
    }

    /// The counts at an instant.
    pub fn at(&self, at: Offset) -> VersionStep {
        VersionStep { running: self.running.at(at), serving: self.serving.at(at) }
    }
}

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

//! How many replicas there were.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::CapacityStep;
use super::counts::Counts;
use super::scene::Scene;
use crate::Offset;

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
        let (serving, desired) = (&all.serving, scene.replicas);
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

//! One step of the capacity over time.

use std::collections::BTreeMap;

use serde::Serialize;

use super::counts::Counts;
use crate::Offset;

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

//! How the health checks of a task went, for the report.

use serde::Serialize;

use super::scene::Scene;
use super::tasks::TaskLife;
use crate::Offset;
use crate::wording::clean;

/// How the health checks of one task went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthStory {
    /// The task.
    pub task: String,
    /// Its slot; 0 for a service with one task a node.
    pub slot: u64,
    /// The version that it was made from, numbered from 1.
    pub generation: u32,
    /// How many checks were seen.
    pub checks: u64,
    /// How many of them failed.
    pub failed: u64,
    /// How long the longest took.
    pub longest_s: Offset,
    /// Why the container became unhealthy, in numbers; absent if it did not.
    pub arithmetic: Option<String>,
    /// The checks that failed.
    pub failures: Vec<FailedCheck>,
}

/// One check that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedCheck {
    /// When it started, from the run's start.
    pub at: Offset,
    /// The same from the container's start.
    pub after_start_s: Offset,
    /// How long it took.
    pub took_s: Offset,
    /// Its exit code; -1 if it ran into its time limit or could not be started.
    pub exit_code: i64,
    /// Failed checks in a row after it; 0 for one that does not count; absent if not known.
    pub streak: Option<u64>,
    /// The end of its output.
    pub output: String,
}

impl HealthStory {
    /// Those of every task of which a check was seen during the scenario.
    pub(super) fn all(scene: &Scene) -> Vec<Self> {
        let lives = scene.tasks.lives.iter();
        lives.filter_map(|life| Self::of(life, scene.started, scene.ended)).collect()
    }

    /// The story of a task; absent if no check of it was seen between these instants.
    fn of(life: &TaskLife, from: Offset, to: Offset) -> Option<Self> {
        let checks: Vec<_> =
            life.checks.iter().filter(|(at, _)| (from..=to).contains(at)).collect();
        let longest_s = checks.iter().map(|(_, check)| check.took).max()?;
        let failures: Vec<FailedCheck> = checks
            .iter()
            .filter(|(_, check)| !check.passed())
            .map(|(at, check)| FailedCheck {
                at: *at,
                after_start_s: check.after,
                took_s: check.took,
                exit_code: check.exit_code,
                streak: check.streak,
                output: clean(&check.output).into_owned(),
            })
            .collect();
        Some(Self {
            task: life.last.task.clone(),
            slot: life.last.slot,
            generation: life.last.generation,
            checks: checks.len() as u64,
            failed: failures.len() as u64,
            longest_s,
            arithmetic: life.health_arithmetic(),
            failures,
        })
    }
}

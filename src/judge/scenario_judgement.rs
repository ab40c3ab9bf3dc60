//! The judgement of one scenario.

use serde::Serialize;

use super::{
    Capacity, CauseGroup, Check, Failure, Masked, ReplicaStory, RollbackStory, StreamStats,
    TransitionWindow, UpdateStory, Verdict,
};
use crate::Offset;
use crate::record::Expects;
use crate::stats::Outage;

/// The judgement of one scenario. Instants count from the run's start.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScenarioJudgement {
    /// The scenario's name.
    pub name: String,
    /// What was expected.
    pub expects: Expects,
    /// What was changed, in plain words.
    pub change: String,
    /// The worst of its checks.
    pub verdict: Verdict,
    /// When it began.
    pub started_at: Offset,
    /// When it ended, or the last sign of it.
    pub ended_at: Offset,
    /// How it ended, in plain words.
    pub end: String,
    /// What Swarm did.
    pub update: UpdateStory,
    /// The rollback, if there was one.
    pub rollback: Option<RollbackStory>,
    /// The replicas; absent if no task was seen.
    pub capacity: Option<Capacity>,
    /// What each replica answered when it was asked by itself; empty if none was.
    pub replicas: Vec<ReplicaStory>,
    /// Failures that users did not notice because a proxy most likely hid them.
    pub masked: Vec<Masked>,
    /// What users got.
    pub streams: Vec<StreamStats>,
    /// What each stream measured just around the changes of tasks.
    pub transition_windows: Vec<TransitionWindow>,
    /// When no stream got anything, and when only some did not; without the control.
    pub outage: Outage,
    /// How many requests failed in all streams.
    pub failed: u64,
    /// The first of them, each explained.
    pub failures: Vec<Failure>,
    /// All of them, grouped by cause; the greatest group first.
    pub causes: Vec<CauseGroup>,
    /// The checks.
    pub checks: Vec<Check>,
}

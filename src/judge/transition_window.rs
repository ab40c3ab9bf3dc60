//! What was measured just around the changes of tasks, where failures cluster.

use serde::Serialize;

use super::scene::Scene;
use super::times::Times;
use super::transition::Transition;
use crate::Offset;
use crate::record::{Outcome, Purpose, Run, Shot, StreamFacts};
use crate::stats::error_rate_upper_95;

/// A window begins this long before a change of a task.
const BEFORE: Offset = Offset::from_millis(1_000);
/// A window ends this long after a change of a task.
const AFTER: Offset = Offset::from_millis(5_000);

/// What one stream measured from 1 s before to 5 s after each change of a task. Requests in
/// quiet times say little about an update, so this bound is the honest one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TransitionWindow {
    /// The stream.
    pub stream: String,
    /// How long all windows are together; what overlaps counts once.
    pub length_s: Offset,
    /// Requests sent in them.
    pub sent: u64,
    /// Requests in them that failed.
    pub failed: u64,
    /// 95 % upper bound of the error rate in them (Clopper–Pearson).
    pub error_rate_upper_95: f64,
}

impl TransitionWindow {
    /// One for each stream of the users and of the control.
    pub(super) fn all(run: &Run, scene: &Scene) -> Vec<Self> {
        let windows = Times::of(
            Transition::all(&scene.tasks, scene.submitted_at())
                .iter()
                .map(|transition| (transition.at - BEFORE, transition.at + AFTER))
                .map(|(from, to)| (from.max(scene.started), to.min(scene.ended))),
        );
        let length_s = windows.length();
        let of_stream = |(facts, shots): &(StreamFacts, Vec<Shot>)| {
            let (mut sent, mut failed) = (0, 0);
            for shot in shots.iter().filter(|shot| windows.contain(shot.intended)) {
                sent += u64::from(shot.outcome != Outcome::Unsent);
                failed += u64::from(shot.outcome.is_failure());
            }
            Self {
                stream: facts.name.clone(),
                length_s,
                sent,
                failed,
                error_rate_upper_95: error_rate_upper_95(failed, sent),
            }
        };
        run.shots
            .iter()
            .filter(|(facts, _)| matches!(facts.purpose, Purpose::Users | Purpose::Control))
            .map(of_stream)
            .collect()
    }
}

//! One of several runs.

use serde::Serialize;

use super::{Judgement, Verdict};
use crate::Offset;
use crate::record::Purpose;

/// One of several runs, in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PooledRun {
    /// Its id.
    pub run_id: String,
    /// Its verdict.
    pub verdict: Verdict,
    /// Users' requests that were sent in its scenarios.
    pub sent: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// The longest time in which one of its streams got nothing.
    pub longest_gap_s: Offset,
    /// From the beginning of a rollback to the engine's word that it is completed, the longest;
    /// absent if none was completed.
    pub rollback_s: Option<Offset>,
}

impl PooledRun {
    pub(super) fn of(judgement: &Judgement) -> Self {
        let streams = judgement.scenarios.iter().flat_map(|scenario| &scenario.streams);
        let users: Vec<_> = streams.filter(|stream| stream.purpose == Purpose::Users).collect();
        let rollbacks = judgement.scenarios.iter().filter_map(|scenario| {
            let rollback = scenario.rollback.as_ref()?;
            Some(rollback.completed_at? - rollback.started_at)
        });
        Self {
            run_id: judgement.run_id.clone(),
            verdict: judgement.verdict,
            sent: users.iter().map(|stream| stream.sent).sum(),
            failed: users.iter().map(|stream| stream.failed).sum(),
            longest_gap_s: users
                .iter()
                .map(|stream| stream.longest_gap_s)
                .max()
                .unwrap_or_default(),
            rollback_s: rollbacks.max(),
        }
    }
}

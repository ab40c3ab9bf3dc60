//! How the service did before the change.

use super::attribution::{failed_at, is_own_lag};
use super::scene::Scene;
use crate::Offset;
use crate::record::{Outcome, Purpose, Run};

/// How the service did before the change: since the probes began, or since the scenario
/// before ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Baseline {
    /// Requests sent, of the users' stream with the most.
    pub sent: u64,
    /// Whether a users' stream sent none at all.
    pub silent: bool,
    /// Requests of all users' streams that failed.
    pub failed: u64,
    /// When the last of them was intended.
    pub last_failed: Option<Offset>,
}

impl Baseline {
    pub(super) fn of(run: &Run, scene: &Scene) -> Self {
        let submitted = scene.submitted_at();
        let from = scene.rest_since.unwrap_or(Offset::from_nanos(i64::MIN));
        let mut baseline = Self { sent: 0, silent: false, failed: 0, last_failed: None };
        let users = run.shots.iter().filter(|(facts, _)| facts.purpose == Purpose::Users);
        for (facts, shots) in users {
            let mut sent = 0;
            for shot in shots {
                if shot.intended < from
                    || shot.intended >= submitted
                    || shot.outcome == Outcome::Unsent
                {
                    continue;
                }
                sent += 1;
                if shot.outcome.is_failure()
                    && !is_own_lag(facts, shot)
                    && failed_at(facts, shot) < submitted
                {
                    baseline.failed += 1;
                    baseline.last_failed = baseline.last_failed.max(Some(shot.intended));
                }
            }
            baseline.sent = baseline.sent.max(sent);
            baseline.silent |= sent == 0;
        }
        baseline
    }

    /// Whether requests failed without any update.
    pub(super) fn is_dirty(self) -> bool {
        self.failed > 0
    }
}

//! How the service did after the scenario.

use super::Check;
use super::attribution::is_own_lag;
use super::scene::Scene;
use super::trust_checks::trust;
use crate::Offset;
use crate::record::{Outcome, Purpose, Run};

/// How the service did from the scenario's end to the next one's start, or to the record's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BaselineAfter {
    sent: u64,
    failed: u64,
    first_failed: Option<Offset>,
}

impl BaselineAfter {
    /// Absent if the users' streams sent nothing after the end.
    pub(super) fn of(run: &Run, scene: &Scene) -> Option<Self> {
        let until = scene.next_started.unwrap_or(Offset::from_nanos(i64::MAX));
        let users = run.shots.iter().filter(|(facts, _)| facts.purpose == Purpose::Users);
        let mut after = Self { sent: 0, failed: 0, first_failed: None };
        for (facts, shots) in users {
            let shots = shots.iter().filter(|shot| {
                shot.intended >= scene.ended
                    && shot.intended < until
                    && shot.outcome != Outcome::Unsent
            });
            for shot in shots {
                after.sent += 1;
                if shot.outcome.is_failure() && !is_own_lag(facts, shot) {
                    after.failed += 1;
                    let first = after.first_failed.unwrap_or(shot.intended);
                    after.first_failed = Some(first.min(shot.intended));
                }
            }
        }
        (after.sent > 0).then_some(after)
    }

    /// The check that the service was as sound after the scenario as before it.
    pub(super) fn check(self) -> Check {
        let because = match self.first_failed {
            None => {
                "every request after the scenario's end was answered as it should be".to_owned()
            }
            Some(first) => format!(
                "{} requests failed after the scenario's end, the first at {:.2} s: the service \
                 was not at rest",
                self.failed,
                first.as_secs_f64()
            ),
        };
        trust(
            "baseline-after",
            self.failed == 0,
            format!("{} of {} failed", self.failed, self.sent),
            "0 failed",
            because,
        )
        .remedy("look at the service and at the machine: something fails without any update")
    }
}

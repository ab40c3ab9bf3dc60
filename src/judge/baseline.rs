//! How the service did before the change, and after the scenario.

use std::collections::BTreeMap;

use super::check::{Check, trust};
use super::remedies::RESTLESS;
use super::request::{failed_at, is_own_lag};
use super::scene::Scene;
use crate::Offset;
use crate::record::{Outcome, Purpose, Run, Shot};
use crate::stats::error_rate_upper_95;
use crate::wording::{count, counted, length};

/// How the service did before the change: since the probes began, or since the scenario
/// before ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Baseline {
    /// Requests sent, of the users' stream with the most.
    pub sent: u64,
    /// Whether a users' stream sent none at all.
    pub silent: bool,
    /// Requests of all users' streams that failed.
    pub failed: u64,
    /// When the last of them was intended.
    pub last_failed: Option<Offset>,
    /// Requests sent on all users' streams.
    sent_in_all: u64,
    /// The failed ones by kind.
    kinds: BTreeMap<Kind, u64>,
}

/// Ways to fail that have one reason: a service that was overloaded before the change may answer
/// late at one time and not at all at another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// The answer came late or not at all.
    Slow,
    /// The proxy found no replica.
    Proxy,
    /// Anything else, with the status if that was wrong.
    Other(Outcome, Option<u16>),
}

impl Kind {
    pub(super) fn of(shot: &Shot) -> Self {
        match shot.outcome {
            Outcome::Late | Outcome::Timeout | Outcome::ConnectTimeout => Self::Slow,
            Outcome::Proxy502 | Outcome::Proxy503 | Outcome::Proxy504 => Self::Proxy,
            other => Self::Other(other, shot.status),
        }
    }
}

impl Baseline {
    pub(super) fn of(run: &Run, scene: &Scene) -> Self {
        let submitted = scene.submitted_at();
        let from = scene.rest_since.unwrap_or(Offset::from_nanos(i64::MIN));
        let mut baseline = Self {
            sent: 0,
            silent: false,
            failed: 0,
            last_failed: None,
            sent_in_all: 0,
            kinds: BTreeMap::new(),
        };
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
                    *baseline.kinds.entry(Kind::of(shot)).or_insert(0) += 1;
                    baseline.last_failed = baseline.last_failed.max(Some(shot.intended));
                }
            }
            baseline.sent_in_all += sent;
            baseline.sent = baseline.sent.max(sent);
            baseline.silent |= sent == 0;
        }
        baseline
    }

    /// Whether requests failed without any update.
    pub(super) fn is_dirty(&self) -> bool {
        self.failed > 0
    }

    /// Whether so many failures of this kind in so many requests are no more than what was there
    /// before the change. More than five times as many, allowing for chance, are.
    pub(super) fn accounts_for(&self, kind: Kind, failed: u64, sent: u64) -> bool {
        let Some(before) = self.kinds.get(&kind) else { return false };
        let at_most = error_rate_upper_95(*before, self.sent_in_all);
        let at_least = 1.0 - error_rate_upper_95(sent.saturating_sub(failed), sent);
        at_least <= 5.0 * at_most
    }
}

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
            None => "no request failed after the scenario's end".to_owned(),
            Some(first) => format!(
                "{} failed after the scenario's end, the first one {} into the run: the service \
                 was not at rest",
                counted(self.failed, "request"),
                length(first)
            ),
        };
        trust(
            "baseline-after",
            self.failed == 0,
            format!("{} of {} failed", count(self.failed), count(self.sent)),
            "0 failed",
            because,
        )
        .remedy(RESTLESS)
    }
}

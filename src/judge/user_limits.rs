//! Checks against what the run's users allow and require.
//!
//! A limit can make a proven failure acceptable. It never makes acceptable what is not known: where
//! a check would be inconclusive without it, it stays so.

use std::fmt::Write as _;

use super::check::{Check, Verdict};
use super::explained::Explained;
use super::remedies::{FREE_MACHINE, MORE_REQUESTS, SLOW_ANSWERS, SLOW_UPDATE};
use super::scene::Scene;
use super::stream_stats::StreamStats;
use crate::Offset;
use crate::record::{AllowedFailed, Run, UserLimits};
use crate::stats::Times;
use crate::swarm::UpdateState;
use crate::wording::{count, counted, length, percent};

/// Fewer answers have no 99 % percentile: one slow answer would be it.
pub(super) const P99_NEEDS: u64 = 100;

/// The check that no request failed, with what is allowed; and the one on gaps, if some are. `check`
/// is the first without any allowance.
pub(super) fn with_allowance(
    check: Check,
    limits: &UserLimits,
    streams: &[&StreamStats],
    explained: &Explained,
) -> Vec<Check> {
    let gap = limits.allow_gap_s.map(|most| longest_gap(&check, most, streams));
    let check = match limits.allow_failed {
        Some(allowed) => failed_requests(check, allowed, streams, explained),
        None => check,
    };
    std::iter::once(check).chain(gap).collect()
}

fn failed_requests(
    mut check: Check,
    allowed: AllowedFailed,
    streams: &[&StreamStats],
    explained: &Explained,
) -> Check {
    let sent: u64 = streams.iter().map(|stream| stream.sent).sum();
    let failed: u64 = streams.iter().map(|stream| stream.failed).sum();
    check.limit = match allowed {
        AllowedFailed::Requests(_) => format!("at most {allowed} failed"),
        AllowedFailed::Share(_) => format!("at most {allowed} of them failed"),
    };
    if check.verdict != Verdict::Fail {
        return check;
    }
    let down = streams.iter().find(|stream| stream.sent > 0 && stream.failed == stream.sent);
    let still = streams.iter().find(|stream| stream.still_failing);
    if let Some(dead) = down {
        let _ = write!(
            check.because,
            "; stream {} got no good response at all, which no allowance covers",
            dead.name
        );
    } else if let Some(still) = still {
        let _ = write!(
            check.because,
            "; stream {} still failed when probing stopped, which no allowance covers",
            still.name
        );
    } else if allowed.covers(failed, sent) {
        check.verdict = Verdict::Pass;
        check.because = lost_of(failed, sent, allowed);
        check.remedy = None;
    } else if allowed.covers(explained.proof, sent) {
        check.verdict = Verdict::Inconclusive;
        check.because = format!(
            "{}, but only {} of them can be pinned on the update",
            lost_of(failed, sent, allowed),
            count(explained.proof)
        );
        check.remedy = Some(FREE_MACHINE.to_owned());
    } else {
        let _ = write!(check.because, " ({}; {allowed} allowed)", share(failed, sent));
    }
    check
}

/// `3 of 20,180 requests lost (0.015 %), 0.1 % allowed`.
pub(super) fn lost_of(failed: u64, sent: u64, allowed: AllowedFailed) -> String {
    let lost = format!("{} of {} lost", count(failed), counted(sent, "request"));
    format!("{lost} ({}), {allowed} allowed", share(failed, sent))
}

#[expect(clippy::cast_precision_loss, reason = "three figures are shown")]
pub(super) fn share(failed: u64, sent: u64) -> String {
    percent(failed as f64 / sent.max(1) as f64)
}

/// The longest gap of a stream. What is unknown of the failed requests is unknown of the gaps too.
fn longest_gap(failed: &Check, most: Offset, streams: &[&StreamStats]) -> Check {
    let worst = streams.iter().max_by_key(|stream| stream.longest_gap_s);
    let (gap, name) =
        worst.map_or((Offset::ZERO, ""), |worst| (worst.longest_gap_s, worst.name.as_str()));
    let lasted = format!("stream {name} got no good response for {}", length(gap));
    let (verdict, because) = match failed.verdict {
        Verdict::Pass => (Verdict::Pass, "no stream had a gap".to_owned()),
        Verdict::Inconclusive => (Verdict::Inconclusive, failed.because.clone()),
        Verdict::Fail if gap <= most => (Verdict::Pass, lasted),
        Verdict::Fail => (Verdict::Fail, format!("{lasted}; {} allowed", length(most))),
    };
    let limit = format!("at most {}", length(most));
    let check = Check::new("longest-gap", verdict, length(gap), limit, because);
    match &failed.remedy {
        Some(remedy) => check.remedy(remedy),
        None => check,
    }
}

/// What a scenario's latency and duration are checked against.
pub(super) struct Required<'a> {
    pub run: &'a Run,
    pub scene: &'a Scene<'a>,
    /// The streams of the users.
    pub users: &'a [&'a StreamStats],
    /// When a machine had no processor time left.
    pub starved: &'a Times,
    /// Whether requests were sent when they were due.
    pub in_time: bool,
    /// From the change until it was done.
    pub took: Option<Offset>,
}

impl Required<'_> {
    /// The checks that the limits ask for.
    pub(super) fn checks(&self) -> Vec<Check> {
        let limits = &self.run.meta.limits;
        let latency = limits.max_p99_s.map(|most| self.p99(most));
        let duration = limits.max_duration_s.map(|most| self.duration(most));
        latency.into_iter().chain(duration).collect()
    }

    /// The latency of the answers that users got, stream by stream. Those that take long by themselves
    /// are left out.
    fn p99(&self, most: Offset) -> Check {
        let Self { run, scene, users, starved, in_time, .. } = *self;
        let limit = format!("at most {}", length(most));
        let check = |verdict, measured: String, because: String| {
            Check::new("latency-p99", verdict, measured, limit.as_str(), because)
        };
        let mut worst: Option<(Offset, &str)> = None;
        let (mut proven, mut above) = (None, None);
        for (facts, shots) in run.shots.iter().filter(|(facts, _)| facts.takes_no_time()) {
            let stats = users.iter().find(|stream| stream.name == facts.name);
            let Some(found) = stats.and_then(|stream| stream.latency_s) else { continue };
            let within = shots
                .iter()
                .filter(|shot| shot.intended >= scene.started && shot.intended < scene.ended);
            let answers = within.filter_map(|shot| Some((shot, shot.response_latency()?)));
            let (mut all, mut slow, mut slow_for_itself) = (0, 0, 0);
            for (shot, latency) in answers {
                all += 1;
                slow += u64::from(latency > most);
                // A machine without processor time delays every answer.
                let starved = starved.touch(shot.began(), shot.ended());
                slow_for_itself += u64::from(latency > most && !starved);
            }
            if all < P99_NEEDS {
                continue;
            }
            worst = worst.max(Some((found.p99, facts.name.as_str())));
            let over = |slow: u64| slow * 100 > all;
            above = above.or(over(slow).then_some(()));
            proven = proven.or((over(slow_for_itself) && in_time).then_some(()));
        }
        let Some((found, name)) = worst else {
            let because = format!(
                "no stream had the {} that a 99 % percentile needs",
                counted(P99_NEEDS, "answer")
            );
            return check(Verdict::Inconclusive, "unknown".to_owned(), because)
                .remedy(MORE_REQUESTS);
        };
        let measured = length(found);
        let slowest =
            format!("99 % of the answers came within {measured} (stream {name}, the slowest)");
        match (above, proven) {
            (None, _) => check(Verdict::Pass, measured, slowest),
            (Some(()), Some(())) => {
                check(Verdict::Fail, measured, format!("{slowest}; {} wanted", length(most)))
                    .remedy(SLOW_ANSWERS)
            }
            (Some(()), None) => {
                let because = format!("{slowest}, and the machine was too busy then to tell why");
                check(Verdict::Inconclusive, measured, because).remedy(FREE_MACHINE)
            }
        }
    }

    /// How long the update, or its rollback, took.
    fn duration(&self, most: Offset) -> Check {
        let Self { scene, took, .. } = *self;
        let limit = format!("at most {}", length(most));
        let check = |verdict, measured: String, because: String| {
            Check::new("duration", verdict, measured, limit.as_str(), because)
        };
        let Some((submitted, _)) = scene.submitted else {
            let because = scene.unknown().unwrap_or_else(|| "nothing was changed".to_owned());
            return check(Verdict::Inconclusive, "unknown".to_owned(), because);
        };
        let what = if scene.rolled_back() { "the update and its rollback" } else { "the update" };
        let Some(took) = took else {
            let so_far = scene.ended - submitted;
            let measured = format!("more than {}", length(so_far));
            let paused =
                matches!(scene.final_state(), UpdateState::Paused | UpdateState::RollbackPaused);
            let because = if paused {
                format!("Swarm paused {what}, which was not done after {}", length(so_far))
            } else {
                format!("{what} was not done after {}", length(so_far))
            };
            // What was not seen to end may have ended in time only if the time was not over.
            let verdict = if so_far > most { Verdict::Fail } else { Verdict::Inconclusive };
            return check(verdict, measured, because).remedy_if_failed(SLOW_UPDATE);
        };
        let because = format!("{what} took {}", length(took));
        let verdict = if took <= most { Verdict::Pass } else { Verdict::Fail };
        let because = if verdict == Verdict::Fail {
            format!("{because}; {} allowed", length(most))
        } else {
            because
        };
        check(verdict, length(took), because).remedy_if_failed(SLOW_UPDATE)
    }
}

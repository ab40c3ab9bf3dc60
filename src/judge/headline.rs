//! The sentence that decides the verdict.

use std::collections::BTreeSet;

use super::check::Verdict;
use super::scenario_judgement::ScenarioJudgement;
use super::stream_stats::StreamStats;
use super::swarm_checks::ROLLBACK_HAPPENED;
use super::user_limits::share;
use crate::Offset;
use crate::record::{AllowedFailed, EngineFacts, Purpose, Route, StackFacts, UserLimits};
use crate::stats::{Gap, Outage};
use crate::wording::{count, counted, length};

/// What users' requests came to in some scenarios: the one place that counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct UserRequests {
    pub sent: u64,
    pub failed: u64,
    /// The longest time in which no published port answered; of several addresses, the longest of any.
    pub outage: Offset,
    /// Whether they still failed when probing stopped.
    pub still_failing: bool,
    /// The longest outage of the streams inside the overlay network.
    pub overlay_outage: Offset,
}

impl UserRequests {
    pub(super) fn of<'a>(scenarios: impl IntoIterator<Item = &'a ScenarioJudgement>) -> Self {
        let mut all = Self::default();
        for scenario in scenarios {
            let users: Vec<&StreamStats> =
                scenario.streams.iter().filter(|stream| stream.purpose == Purpose::Users).collect();
            all.sent += users.iter().map(|stream| stream.sent).sum::<u64>();
            all.failed += users.iter().map(|stream| stream.failed).sum::<u64>();
            let outage = |streams: &[&StreamStats]| {
                let gaps: Vec<&[Gap]> =
                    streams.iter().map(|stream| stream.gaps.as_slice()).collect();
                Outage::of(&gaps).longest_full_s
            };
            let (inside, published): (Vec<&StreamStats>, Vec<&StreamStats>) =
                users.into_iter().partition(|stream| stream.route == Route::Overlay);
            // An address that answers does not help the users of another one.
            let addresses: BTreeSet<Option<&str>> =
                published.iter().map(|stream| stream.address.as_deref()).collect();
            for address in addresses {
                let of_it: Vec<&StreamStats> = published
                    .iter()
                    .copied()
                    .filter(|stream| stream.address.as_deref() == address)
                    .collect();
                all.still_failing |= of_it.iter().all(|stream| stream.still_failing);
                all.outage = all.outage.max(outage(&of_it));
            }
            all.overlay_outage = all.overlay_outage.max(outage(&inside));
        }
        all
    }

    /// `2,030 of 15,855 requests lost, longest outage 5.2 s`, with what is allowed in between.
    pub(super) fn lost(&self, limits: &UserLimits) -> String {
        let mut lost = format!("{} of {} lost", count(self.failed), counted(self.sent, "request"));
        if let Some(allowed) = allowed(limits) {
            lost = format!("{lost} ({}), {allowed}", share(self.failed, self.sent));
        }
        if self.outage > Offset::ZERO {
            let open = if self.still_failing { ", still failing when probing stopped" } else { "" };
            format!("{lost}, longest outage {}{open}", length(self.outage))
        } else if self.overlay_outage > Offset::ZERO {
            format!(
                "{lost}, longest outage {} (inside the network only)",
                length(self.overlay_outage)
            )
        } else {
            format!("{lost}, no full outage")
        }
    }
}

/// What users allow: `0.1 % allowed`, `5 in each scenario and gaps of 200 ms allowed`.
fn allowed(limits: &UserLimits) -> Option<String> {
    let failed = match limits.allow_failed? {
        allowed @ AllowedFailed::Share(_) => allowed.to_string(),
        allowed @ AllowedFailed::Requests(_) => format!("{allowed} in each scenario"),
    };
    let gap = limits.allow_gap_s.map(|gap| format!(" and gaps of {}", length(gap)));
    Some(format!("{failed}{} allowed", gap.unwrap_or_default()))
}

/// `no request lost` in so many, or how many, with what is allowed.
pub(super) fn lost_or_not(users: &UserRequests, limits: &UserLimits, within: &str) -> String {
    if users.failed > 0 {
        return format!("{} {within}", users.lost(limits));
    }
    match allowed(limits) {
        Some(allowed) => format!("no request lost {within}, {allowed}"),
        None => format!("no request lost {within}"),
    }
}

/// The same headline, which says first what was not there, so that nothing is taken for a proof: an
/// engine, or the service's own program.
pub(super) fn of_what(engine: &EngineFacts, stack: &StackFacts, headline: &str) -> String {
    let (verdict, rest) = match headline.strip_prefix(INCONCLUSIVE) {
        Some(rest) => (INCONCLUSIVE, rest),
        None => ("", headline),
    };
    if engine.is_simulated() {
        let faster = match engine.times_faster() {
            speed if (speed - 1.0).abs() < f64::EPSILON => String::new(),
            speed => format!(" at speed {speed}"),
        };
        return format!("{verdict}simulated{faster}{NO_PROOF}{rest}");
    }
    if stack.stand_in {
        return format!("{verdict}{STAND_IN}{rest}");
    }
    headline.to_owned()
}

/// A headline without what [`of_what`] says first.
pub(super) fn without_what(headline: &str) -> &str {
    if let Some((_, rest)) = headline.split_once(STAND_IN) {
        return rest;
    }
    match headline.split_once(NO_PROOF) {
        Some((engine, rest)) if engine.contains("simulated") => rest,
        _ => headline.strip_prefix(INCONCLUSIVE).unwrap_or(headline),
    }
}

/// What stands before the headline of a run without an engine, after how fast it was.
const NO_PROOF: &str = ", not a proof: ";
/// What stands before the headline of a run whose service has a stand-in for its image.
const STAND_IN: &str = "settings only, with a stand-in for the program: ";
/// What the headline of an inconclusive run begins with.
const INCONCLUSIVE: &str = "inconclusive: ";

/// The headline of a run, from its verdict, its scenarios and the reasons for the verdict.
pub(super) fn headline(
    verdict: Verdict,
    scenarios: &[ScenarioJudgement],
    because: &[String],
    limits: &UserLimits,
) -> String {
    let users = UserRequests::of(scenarios);
    let time = scenarios
        .iter()
        .fold(Offset::ZERO, |sum, scenario| sum + (scenario.ended_at - scenario.started_at));
    match verdict {
        Verdict::Pass if scenarios.iter().any(|one| one.must.is_some()) => {
            let what = scenarios.iter().map(|one| as_declared(one, limits)).collect::<Vec<_>>();
            format!("as declared: {} ({})", what.join("; "), length(time))
        }
        Verdict::Pass => {
            let which = match scenarios {
                [one] => format!("in the {}", one.name.replace('-', " ")),
                all => format!("in {}", counted(all.len() as u64, "scenario")),
            };
            let sent = counted(users.sent, "request");
            let sent = if users.failed > 0 { String::new() } else { format!("{sent}, ") };
            format!("{} ({sent}{})", lost_or_not(&users, limits, &which), length(time))
        }
        Verdict::Fail => {
            let lost = |one| failed(one, "no-failed-requests") || failed(one, "longest-gap");
            if scenarios.iter().any(lost) {
                return format!("{} ({})", users.lost(limits), length(time));
            }
            scenarios.iter().find_map(first_failure).unwrap_or_default()
        }
        Verdict::Inconclusive => {
            let reason = because.first().map_or("", String::as_str);
            // The first part is a check's or scenario's name, which says nothing to a reader.
            let reason = match reason.split_once(": ") {
                Some((name, reason)) if !name.contains(' ') => reason,
                _ => reason,
            };
            format!("{INCONCLUSIVE}{reason}")
        }
    }
}

/// What happened in a scenario that went as it declares, with what users lost.
fn as_declared(scenario: &ScenarioJudgement, limits: &UserLimits) -> String {
    let because = |name| {
        let check = scenario.checks.iter().find(|check| check.name == name);
        check.map_or("", |check| check.because.as_str())
    };
    match scenario.failed {
        _ if scenario.must.is_none() => {
            let users = UserRequests::of([scenario]);
            lost_or_not(&users, limits, "").trim_end().to_owned()
        }
        0 => format!("{}, no request lost", because("outcome")),
        lost => match because("losses") {
            "" => format!("{}, {} lost", because("outcome"), counted(lost, "request")),
            losses => format!("{}, {losses}", because("outcome")),
        },
    }
}

fn failed(scenario: &ScenarioJudgement, name: &str) -> bool {
    scenario.checks.iter().any(|check| check.name == name && check.verdict == Verdict::Fail)
}

fn first_failure(scenario: &ScenarioJudgement) -> Option<String> {
    let check = scenario.checks.iter().find(|check| check.verdict == Verdict::Fail)?;
    Some(match check.name {
        ROLLBACK_HAPPENED => format!("no rollback: {}", check.because),
        _ => check.because.clone(),
    })
}

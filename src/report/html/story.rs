//! The words at the top of the page: what happened in each scenario, why, and what to change.

use crate::judge::{Judgement, ScenarioJudgement, Verdict};
use crate::report::missing::Missing;
use crate::report::settings::proof;
use crate::report::summary::{cause, is_unexpected, lost, name, what_swarm_did};
use crate::wording::{counted, length};

/// One scenario in a few sentences.
pub(super) struct ScenarioView {
    pub name: String,
    pub verdict: &'static str,
    pub change: String,
    pub did: String,
    /// What users noticed of it.
    pub noticed: String,
    /// Why Swarm rolled back, where that was meant to happen.
    pub cause: Option<String>,
}

/// A cause and what to change.
pub(super) struct FixView {
    /// Which scenario.
    pub of: String,
    pub because: String,
    /// Where to change something.
    pub place: String,
    /// Lines to paste; else `text` says what to do.
    pub lines: Vec<String>,
    /// Whether the lines belong into the `deploy` block, or else into the service itself.
    pub in_deploy: bool,
    pub text: String,
    /// The command that shows the page of the rule behind it; empty if there is none.
    pub page: String,
}

pub(super) fn scenarios(judgement: &Judgement) -> Vec<ScenarioView> {
    let of = |scenario: &ScenarioJudgement| ScenarioView {
        name: name(scenario),
        verdict: scenario.verdict.as_str(),
        change: scenario.change.clone(),
        did: what_swarm_did(scenario),
        noticed: noticed(scenario),
        cause: scenario.rollback.as_ref().filter(|_| !is_unexpected(scenario)).map(cause),
    };
    judgement.scenarios.iter().map(of).collect()
}

fn noticed(scenario: &ScenarioJudgement) -> String {
    if scenario.failed == 0 {
        return "nothing: every request got a good response in time".to_owned();
    }
    let when = lost(scenario).map(|when| format!(", {when}")).unwrap_or_default();
    let full = scenario.outage.longest_full_s;
    let outage = if full.as_nanos() > 0 {
        format!("; for {} nothing was answered at all", length(full))
    } else {
        String::new()
    };
    format!("{} failed{when}{outage}", counted(scenario.failed, "request"))
}

/// Each cause of a failed run with its fix; two scenarios that share them have one.
pub(super) fn fixes(judgement: &Judgement) -> Vec<FixView> {
    let mut fixes: Vec<FixView> = Vec::new();
    let all = judgement.scenarios.iter();
    for (scenario, advice) in all.flat_map(|one| one.all_advice().map(move |advice| (one, advice)))
    {
        let fix = FixView {
            of: name(scenario),
            because: advice.because.clone(),
            place: advice.place.clone().unwrap_or_default(),
            lines: advice.lines.clone(),
            in_deploy: advice.block != Some("service"),
            page: advice.page().unwrap_or_default(),
            text: advice.text.clone().unwrap_or_default(),
        };
        let same = |known: &FixView| known.because == fix.because && known.lines == fix.lines;
        if !fixes.iter().any(same) {
            fixes.push(fix);
        }
    }
    fixes
}

/// Why, where no scenario has a fix of its own: what proves a pass, or what an inconclusive run misses.
pub(super) fn reasons(judgement: &Judgement) -> Vec<String> {
    match judgement.verdict {
        Verdict::Pass => {
            let met = "every expectation was met, and the measurement can be trusted".to_owned();
            let proof = proof(judgement);
            let parts = proof.split("; ").filter(|part| !part.is_empty()).map(str::to_owned);
            std::iter::once(met).chain(parts).collect()
        }
        Verdict::Fail => Vec::new(),
        Verdict::Inconclusive => {
            Missing::of(judgement).reasons.into_iter().map(str::to_owned).collect()
        }
    }
}

/// What to do about an inconclusive run.
pub(super) fn todo(judgement: &Judgement) -> Vec<String> {
    match judgement.verdict {
        Verdict::Inconclusive => {
            Missing::of(judgement).todo.into_iter().map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

//! One kind of scenario over several runs.

use serde::Serialize;

use super::{Claim, Judgement, ScenarioJudgement, Verdict};
use crate::record::Expects;
use crate::stats::error_rate_upper_95;

/// One kind of scenario over several runs: each time it was performed is one trial.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PooledScenario {
    /// Its name.
    pub name: String,
    /// What it expects.
    pub expects: Expects,
    /// How many updates count: it is known whether they lost a request.
    pub updates: u64,
    /// Updates that lost at least one users' request.
    pub lost: u64,
    /// Updates of which that is not known; they count for nothing.
    pub left_out: u64,
    /// 95 % upper bound of the share of updates that lose a request (Clopper–Pearson).
    pub loss_rate_upper_95: f64,
    /// What that supports, and what it takes for more.
    pub claims: Vec<Claim>,
}

impl PooledScenario {
    /// One for each name, in the order in which they first come.
    pub(super) fn all(judgements: &[Judgement]) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for judgement in judgements {
            for scenario in &judgement.scenarios {
                let place = all.iter().position(|known| known.name == scenario.name);
                let place = place.unwrap_or_else(|| {
                    all.push(Self::new(scenario));
                    all.len() - 1
                });
                all[place].take(judgement, scenario);
            }
        }
        for scenario in &mut all {
            scenario.loss_rate_upper_95 = error_rate_upper_95(scenario.lost, scenario.updates);
            scenario.claims = Claim::all(scenario.lost, scenario.updates);
        }
        all
    }

    fn new(scenario: &ScenarioJudgement) -> Self {
        Self {
            name: scenario.name.clone(),
            expects: scenario.expects,
            updates: 0,
            lost: 0,
            left_out: 0,
            loss_rate_upper_95: 1.0,
            claims: Vec::new(),
        }
    }

    fn take(&mut self, judgement: &Judgement, scenario: &ScenarioJudgement) {
        match lost(judgement, scenario) {
            Some(lost) => {
                self.updates += 1;
                self.lost += u64::from(lost);
            }
            None => self.left_out += 1,
        }
    }
}

/// Whether an update lost a request; absent if that is not known. A loss that is proven stays
/// one, whatever else the measurement misses; that there was none needs all of it.
fn lost(judgement: &Judgement, scenario: &ScenarioJudgement) -> Option<bool> {
    let requests = scenario.checks.iter().find(|check| check.name == "no-failed-requests")?;
    let trusted = judgement.whole
        && judgement
            .checks
            .iter()
            .chain(&scenario.checks)
            .all(|check| check.verdict != Verdict::Inconclusive);
    match requests.verdict {
        Verdict::Fail => Some(true),
        Verdict::Pass if trusted => Some(false),
        _ => None,
    }
}

//! Several runs together, in few lines.

use super::page::Page;
use super::requests::{of_users, table};
use super::style::Style;
use crate::judge::{Claim, Pooled, PooledScenario, Verdict};
use crate::wording::{count, counted, list, percent};

/// The most runs that are named.
const NAMED: usize = 3;

/// The verdict first, then what the runs prove together.
pub(super) fn pooled_summary(pooled: &Pooled, style: Style) -> String {
    let mut page = Page::new(style);
    page.head(pooled.verdict, &pooled.service, &pooled.headline);
    page.blank();
    for scenario in &pooled.scenarios {
        scenario_lines(&mut page, scenario, 1);
    }
    page.blank();
    let rows = of_users(pooled.streams.clone());
    if !rows.is_empty() {
        table(&mut page, &rows);
        page.blank();
    }
    let runs: Vec<String> = [Verdict::Fail, Verdict::Inconclusive, Verdict::Pass]
        .into_iter()
        .filter_map(|verdict| runs(pooled, verdict))
        .collect();
    if !runs.is_empty() {
        page.row("runs", &runs.join("; "));
    }
    if !pooled.per_run.is_empty() {
        page.row("details", "rollproof report -v RUN");
    }
    page.text()
}

/// What one kind of scenario proves, with at most `claims` claims that are not proven.
pub(super) fn scenario_lines(page: &mut Page, scenario: &PooledScenario, claims: usize) {
    let lost = match (scenario.updates, scenario.lost) {
        (0, _) => "no run of it can be trusted".to_owned(),
        (all, lost) => format!("{} of {} lost requests", count(lost), count(all)),
    };
    let name = page.style.title(&scenario.name.replace('-', " "));
    page.hanging(&format!("  {name}"), 4, &lost);
    let mut more = |text: String| page.column("    ", 4, &text);
    if scenario.updates > 0 {
        more(format!(
            "at most {} of such updates lose requests (95 % confidence)",
            percent(scenario.loss_rate_upper_95)
        ));
    }
    if let Some(proven) = scenario.claims.iter().rfind(|claim| claim.proven) {
        more(format!("fewer than 1 in {}: proven", proven.one_in));
    }
    for open in scenario.claims.iter().filter(|claim| !claim.proven).take(claims) {
        more(claim(open));
    }
    if scenario.left_out > 0 {
        let updates = counted(scenario.left_out, "more update");
        more(format!("{updates} left out: the measurement cannot be trusted"));
    }
}

/// What a claim that is not proven takes.
fn claim(claim: &Claim) -> String {
    let what = format!("fewer than 1 in {}", claim.one_in);
    match (claim.needed, claim.missing) {
        (Some(needed), Some(missing)) => format!(
            "{what}: needs {} more without a loss ({} in all)",
            count(missing),
            count(needed)
        ),
        _ => format!("{what}: no number of updates can prove it"),
    }
}

/// How many runs have this verdict, and which, unless they passed: `1 fail (run-2)`.
fn runs(pooled: &Pooled, verdict: Verdict) -> Option<String> {
    let runs = pooled.per_run.iter().filter(|run| run.verdict == verdict);
    let ids: Vec<&str> = runs.map(|run| run.run_id.as_str()).collect();
    let number = format!("{} {verdict}", count(ids.len() as u64));
    match (ids.len(), verdict) {
        (0, _) => None,
        (_, Verdict::Pass) => Some(number),
        (..=NAMED, _) => Some(format!("{number} ({})", list(&ids))),
        (all, _) => {
            Some(format!("{number} ({} and {} more)", ids[..NAMED].join(", "), all - NAMED))
        }
    }
}

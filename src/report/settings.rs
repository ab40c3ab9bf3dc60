//! The settings that the stack has, and what the run proves.

use super::page::{INDENT, Page};
use crate::judge::{Judgement, ScenarioJudgement, Verdict};
use crate::record::{NegativeControl, Purpose, StackFacts};
use crate::swarm::UpdatePolicy;
use crate::wording::{count, counted, length, percent, setting};

/// The update settings in a few words each; the engine's defaults are marked.
pub(super) fn settings(page: &mut Page, stack: &StackFacts) {
    let items = policy(stack, "update_config", &stack.update_config);
    items_row(page, "settings", &items);
}

/// What users allow and require, and how this run is beside the one that it is measured against.
pub(super) fn wanted(page: &mut Page, judgement: &Judgement) {
    let limits = judgement.limits.words();
    let beside = beside(judgement);
    if !limits.is_empty() || beside.is_some() {
        page.blank();
    }
    if !limits.is_empty() {
        page.row("limits", &limits.join("; "));
    }
    if let Some(text) = beside {
        page.row("against", &text);
    }
}

/// How a run is beside the one that it is measured against: `run 20261121-011409-4f2a: no worse`.
pub(super) fn beside(judgement: &Judgement) -> Option<String> {
    let against = judgement.against.as_ref()?;
    let checks = judgement.scenarios.iter().flat_map(|scenario| {
        let checks = scenario.checks.iter().filter(|check| check.name.starts_with("against-"));
        checks.map(|check| (scenario.name.as_str(), check))
    });
    let (mut known, mut worse) = (true, Vec::new());
    for (scenario, check) in checks.filter(|(_, check)| check.verdict != Verdict::Pass) {
        known &= check.verdict == Verdict::Fail;
        worse.push(format!("{}: {}", scenario.replace('-', " "), check.because));
    }
    let how = match (worse.is_empty(), known) {
        (true, _) if judgement.scenarios.is_empty() => "not compared, no scenario began".to_owned(),
        (true, _) => "no worse".to_owned(),
        (false, true) => format!("worse; {}", worse.join("; ")),
        (false, false) => format!("not sure; {}", worse.join("; ")),
    };
    Some(format!("run {} ({}): {how}", against.run_id, against.verdict))
}

/// The rollback settings the same way.
pub(super) fn rollback_settings(page: &mut Page, stack: &StackFacts) {
    let items = policy(stack, "rollback_config", &stack.rollback_config);
    items_row(page, "rollback", &items);
}

fn policy(stack: &StackFacts, block: &str, policy: &UpdatePolicy) -> Vec<String> {
    let mut items = vec![
        ("parallelism", format!("parallelism {}", policy.parallelism)),
        ("order", policy.order.to_string()),
        ("delay", format!("delay {}", setting(policy.delay))),
        ("monitor", format!("monitor {}", setting(policy.monitor))),
        ("failure_action", format!("on failure {}", policy.failure_action)),
    ];
    if policy.max_failure_ratio > 0.0 {
        items.push((
            "max_failure_ratio",
            format!("up to {} may fail", percent(policy.max_failure_ratio)),
        ));
    }
    let mut items: Vec<String> = items
        .into_iter()
        .map(|(key, text)| match stack.is_default(&format!("{block}.{key}")) {
            Some(true) => format!("{text} (default)"),
            _ => text,
        })
        .collect();
    if stack.healthcheck.is_none() {
        items.push("no health check".to_owned());
    }
    items
}

/// A row of items with dots between them, broken only between items.
fn items_row(page: &mut Page, label: &str, items: &[String]) {
    let width = page.style.columns() - INDENT;
    let mut lines: Vec<String> = Vec::new();
    for item in items {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 3 + item.chars().count() <= width => {
                line.push_str(" · ");
                line.push_str(item);
            }
            _ => lines.push(item.clone()),
        }
    }
    for (index, line) in lines.iter().enumerate() {
        if index == 0 { page.row(label, line) } else { page.more(line) }
    }
}

/// What the row of [`proof`] is called: what a model shows is none.
pub(super) fn proof_label(judgement: &Judgement) -> &'static str {
    if judgement.engine.is_simulated() { "measured" } else { "proof" }
}

/// What shows that the run would have noticed a lost request.
pub(super) fn proof(judgement: &Judgement) -> String {
    let mut parts = Vec::new();
    if let Some(story) = &judgement.self_test {
        let noticed = judgement
            .checks
            .iter()
            .any(|check| check.name == "negative-control" && check.verdict == Verdict::Pass);
        let lost = format!("{} of {} lost", count(story.failed), counted(story.sent, "request"));
        parts.push(if noticed {
            format!("self-test: {lost}, as intended")
        } else {
            "self-test: proves nothing".to_owned()
        });
    } else if judgement.self_test_plan == NegativeControl::Off {
        parts.push("self-test: skipped".to_owned());
    }
    parts.extend(control(&judgement.scenarios));
    // Nothing is claimed of a measurement that cannot be trusted.
    if judgement.verdict != Verdict::Inconclusive {
        parts.extend(bound(&judgement.scenarios));
    }
    parts.join("; ")
}

fn control(scenarios: &[ScenarioJudgement]) -> Option<String> {
    let streams = scenarios.iter().flat_map(|scenario| &scenario.streams);
    let control = streams.filter(|stream| stream.purpose == Purpose::Control);
    let (sent, failed) =
        control.fold((0, 0), |sum, stream| (sum.0 + stream.sent, sum.1 + stream.failed));
    (sent > 0).then(|| format!("control target: {} of {} lost", count(failed), count(sent)))
}

/// The error bound around the changes of tasks, where failures cluster, and the shortest outage
/// that shows.
fn bound(scenarios: &[ScenarioJudgement]) -> Option<String> {
    let of_scenario = |scenario: &ScenarioJudgement| {
        let users = scenario.streams.iter().filter(|stream| stream.purpose == Purpose::Users);
        let densest = users.max_by_key(|stream| stream.sent).filter(|stream| stream.sent > 0)?;
        let window =
            scenario.transition_windows.iter().find(|window| window.stream == densest.name);
        let bound = match window {
            Some(window) if window.sent > 0 => window.error_rate_upper_95,
            _ => densest.error_rate_upper_95,
        };
        Some((bound, densest.resolution_s))
    };
    let all: Vec<_> = scenarios.iter().filter_map(of_scenario).collect();
    let worst = all.iter().map(|one| one.0).reduce(f64::max)?;
    let resolution = all.iter().map(|one| one.1).max()?;
    Some(format!(
        "at most {} lost while tasks change (95 % confidence); gaps from {} on are seen",
        percent(worst),
        length(resolution)
    ))
}

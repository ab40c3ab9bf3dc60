//! One scenario as a block of text.

use std::fmt::Write as _;

use super::block::{more, row};
use super::style::Style;
use crate::judge::{ScenarioJudgement, StreamStats, Verdict};
use crate::record::{Expects, Offset};

/// Appends the block of one scenario.
pub(super) fn scenario_summary(out: &mut String, scenario: &ScenarioJudgement, style: Style) {
    let expects = match scenario.expects {
        Expects::Update => "an update",
        Expects::Rollback => "a rollback",
        Expects::NoChange => "no change",
    };
    let _ = writeln!(
        out,
        "{}  {}  {}",
        style.title(&scenario.name),
        style.verdict(scenario.verdict, scenario.verdict.as_str()),
        style.faint(&format!(
            "expects {expects}; {:.1} s",
            (scenario.ended_at - scenario.started_at).as_secs_f64()
        ))
    );
    let mut row = |label: &str, text: &str| row(out, label, label, text);
    row("change", &scenario.change);
    row("states", &states(scenario));
    row("converged", &converged(scenario));
    if let Some(text) = rollback(scenario) {
        row("rollback", &text);
    }
    if let Some(capacity) = &scenario.capacity {
        row(
            "replicas",
            &format!(
                "{} wanted; at the lowest point {} running, {} serving; {} with fewer than {}",
                capacity.desired,
                capacity.min_running,
                capacity.min_serving,
                secs(capacity.below_desired_s),
                capacity.desired
            ),
        );
    }
    for stream in &scenario.streams {
        row(&stream.name, &stream_line(stream));
    }
    checks(out, scenario, style);
    causes(out, scenario, style);
}

fn secs(offset: Offset) -> String {
    format!("{:.2} s", offset.as_secs_f64())
}

fn millis(offset: Offset) -> String {
    let millis = offset.as_secs_f64() * 1e3;
    if millis < 10.0 { format!("{millis:.1} ms") } else { format!("{millis:.0} ms") }
}

/// Seconds since the change.
fn after(scenario: &ScenarioJudgement, at: Offset) -> String {
    secs(at - scenario.update.submitted_at.unwrap_or(scenario.started_at))
}

fn states(scenario: &ScenarioJudgement) -> String {
    let states: Vec<String> = scenario
        .update
        .states
        .iter()
        .map(|seen| format!("{} {}", seen.state, after(scenario, seen.at)))
        .collect();
    if states.is_empty() {
        return format!("none was seen; {}", scenario.end);
    }
    format!("{} (since the change); {}", states.join(" ─► "), scenario.end)
}

fn converged(scenario: &ScenarioJudgement) -> String {
    let after = &scenario.update.converged_after_s;
    let show = |instant: Option<Offset>| instant.map_or_else(|| "never".to_owned(), secs);
    let (wanted, replaced) = if scenario.update.rolled_back {
        ("previous version", "new")
    } else {
        ("new version", "old")
    };
    format!(
        "every replica on the {wanted} {}, state final {}, last {replaced} container gone {}",
        show(after.new_tasks_running),
        show(after.status_terminal),
        show(after.last_old_gone)
    )
}

fn rollback(scenario: &ScenarioJudgement) -> Option<String> {
    let story = scenario.rollback.as_ref()?;
    let mut text = match (story.trigger_slot, &story.trigger_task) {
        (Some(slot), Some(task)) => format!("slot {slot}'s task {task} failed"),
        (None, Some(task)) => format!("task {task} failed"),
        _ => "the reason was not seen".to_owned(),
    };
    if let Some(at) = story.failure_at {
        let _ = write!(text, " at {}", after(scenario, at));
    }
    if let Some(error) = &story.trigger_error {
        let _ = write!(text, " ({error})");
    }
    let _ = write!(text, "; rollback began {}", after(scenario, story.started_at));
    let mut tell = |what: &str, at: Option<Offset>| {
        let at = at.map_or_else(|| "never".to_owned(), |at| after(scenario, at));
        let _ = write!(text, ", {what} {at}");
    };
    tell("completed", story.completed_at);
    tell("all replicas back", story.capacity_restored_at);
    Some(text)
}

fn stream_line(stream: &StreamStats) -> String {
    let mut text =
        format!("{} requests at {}/s, {} failed", stream.sent, stream.rate_hz, stream.failed);
    if stream.failed > 0 {
        let classes: Vec<String> = stream
            .failed_by_class
            .iter()
            .map(|(class, count)| format!("{class} {count}"))
            .collect();
        let _ = write!(
            text,
            " ({}); longest gap {}, {} bad in all",
            classes.join(", "),
            secs(stream.longest_gap_s),
            secs(stream.total_bad_s)
        );
    }
    if stream.unsent + stream.missing > 0 {
        let _ = write!(text, "; {} not sent, {} not recorded", stream.unsent, stream.missing);
    }
    let _ = write!(
        text,
        "; resolution {}, error rate below {:.3} % (95 %)",
        millis(stream.resolution_s),
        stream.error_rate_upper_95 * 100.0
    );
    if let Some(latency) = stream.latency_s {
        let _ = write!(
            text,
            "; latency p50 {}, p99 {}, max {}",
            millis(latency.p50),
            millis(latency.p99),
            millis(latency.max)
        );
    }
    if let Some(lag) = stream.lag_s {
        let _ = write!(text, "; sent late p99 {}", millis(lag.p99));
    }
    if stream.replicas_seen > 0 {
        let _ = write!(text, "; {} replicas seen", stream.replicas_seen);
    }
    text
}

fn checks(out: &mut String, scenario: &ScenarioJudgement, style: Style) {
    let passed: Vec<&str> = scenario
        .checks
        .iter()
        .filter(|check| check.verdict == Verdict::Pass)
        .map(|check| check.name)
        .collect();
    if !passed.is_empty() {
        row(out, "passed", "passed", &passed.join(", "));
    }
    for verdict in [Verdict::Fail, Verdict::Inconclusive] {
        let label = if verdict == Verdict::Fail { "failed" } else { "unproven" };
        for check in scenario.checks.iter().filter(|check| check.verdict == verdict) {
            row(
                out,
                &style.verdict(verdict, label),
                label,
                &format!(
                    "{}: {} (found {}; wanted {})",
                    check.name, check.because, check.measured, check.limit
                ),
            );
            if let Some(remedy) = &check.remedy {
                more(out, &format!("─► {remedy}"));
            }
        }
    }
}

fn causes(out: &mut String, scenario: &ScenarioJudgement, style: Style) {
    if scenario.causes.is_empty() {
        return;
    }
    for (index, group) in scenario.causes.iter().enumerate() {
        let label = if index == 0 { "why" } else { "" };
        let text = format!(
            "{} request{}, {} to {} ({}): {}",
            group.failed,
            if group.failed == 1 { "" } else { "s" },
            after(scenario, group.first_at),
            after(scenario, group.last_at),
            group.streams.join(", "),
            group.text
        );
        row(out, &style.title(label), label, &text);
        // The first group's remedy stands at its check already.
        if let Some(remedy) = group.remedy.filter(|_| index > 0) {
            more(out, &format!("─► {remedy}"));
        }
    }
}

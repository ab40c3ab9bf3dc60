//! One scenario as a block of text.

use std::fmt::Write as _;

use super::block::{more, row};
use super::style::Style;
use crate::Offset;
use crate::judge::{Check, ReplicaStory, ScenarioJudgement, StreamStats, Verdict};
use crate::record::{Expects, Purpose};

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
    let mut fact = |label: &str, text: &str| row(out, label, label, text);
    fact("change", &scenario.change);
    fact("states", &states(scenario));
    fact("converged", &converged(scenario));
    if let Some(text) = rollback(scenario) {
        fact("rollback", &text);
    }
    if let Some(capacity) = &scenario.capacity {
        fact(
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
        stream_rows(out, stream);
    }
    if !scenario.replicas.is_empty() {
        row(out, "by itself", "by itself", &each_replica(&scenario.replicas));
    }
    for masked in &scenario.masked {
        let text = format!("{}: {}", masked.stream, masked.because);
        row(out, "hidden", "hidden", &text);
    }
    broken_checks(out, &scenario.checks, style);
    causes(out, scenario, style);
    passed_checks(out, scenario);
}

pub(super) fn secs(offset: Offset) -> String {
    format!("{:.2} s", offset.as_secs_f64())
}

pub(super) fn millis(offset: Offset) -> String {
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
    let show = |what: String, instant: Option<Offset>| match instant {
        Some(instant) => format!("{what} after {}", secs(instant)),
        None => format!("{what} never"),
    };
    let (wanted, replaced) =
        if scenario.update.rolled_back { ("previous", "new") } else { ("new", "old") };
    [
        show(format!("{wanted} version on every replica"), after.new_tasks_running),
        show("state final".to_owned(), after.status_terminal),
        show(format!("last {replaced} container gone"), after.last_old_gone),
    ]
    .join(", ")
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

fn stream_rows(out: &mut String, stream: &StreamStats) {
    let to = match stream.purpose {
        Purpose::Users => "",
        Purpose::EachReplica => " to each replica by itself",
        Purpose::Control => " to a target that no update touches",
        Purpose::NegativeControl => " to a target that loses requests on purpose",
    };
    let mut text =
        format!("{} requests at {}/s{to}, {} failed", stream.sent, stream.rate_hz, stream.failed);
    if stream.failed > 0 {
        let classes: Vec<String> = stream
            .failed_by_class
            .iter()
            .map(|(class, count)| format!("{class} {count}"))
            .collect();
        let _ = write!(text, " ({})", classes.join(", "));
        if stream.purpose != Purpose::EachReplica {
            let _ = write!(
                text,
                "; longest gap {}, {} bad in all",
                secs(stream.longest_gap_s),
                secs(stream.total_bad_s)
            );
        }
    }
    if stream.unsent + stream.missing > 0 {
        let _ = write!(text, "; {} not sent, {} not recorded", stream.unsent, stream.missing);
    }
    row(out, &stream.name, &stream.name, &text);

    let mut parts = Vec::new();
    if let Some(latency) = stream.latency_s {
        parts.push(format!(
            "latency p50 {}, p99 {}, max {}",
            millis(latency.p50),
            millis(latency.p99),
            millis(latency.max)
        ));
    }
    if let Some(lag) = stream.lag_s {
        parts.push(format!("sent late p99 {}", millis(lag.p99)));
    }
    if stream.replicas_seen > 0 {
        parts.push(format!("{} replicas seen", stream.replicas_seen));
    }
    if stream.purpose != Purpose::EachReplica {
        parts.push(format!(
            "resolution {}, error rate below {:.3} % (95 %)",
            millis(stream.resolution_s),
            stream.error_rate_upper_95 * 100.0
        ));
    }
    more(out, &parts.join("; "));
}

/// What the replicas answered when they were asked by themselves.
fn each_replica(replicas: &[ReplicaStory]) -> String {
    let range = |times: Vec<Offset>, what: &str| {
        let (least, most) = (times.iter().min()?, times.iter().max()?);
        let times = if least == most {
            secs(*least)
        } else {
            format!("{} to {}", secs(*least), secs(*most))
        };
        Some(format!("{what} {times}"))
    };
    let first = replicas.iter().filter_map(|replica| replica.answers_after_running_s).collect();
    let last = replicas.iter().filter_map(|replica| replica.answers_after_told_to_stop_s).collect();
    let failed: u64 = replicas.iter().map(|replica| replica.failed_while_serving).sum();
    let mut parts = vec![format!("{} tasks were asked", replicas.len())];
    parts.extend(range(first, "first good answer after RUNNING:"));
    parts.extend(range(last, "last good answer after being told to stop:"));
    parts.push(format!("{failed} requests failed while serving"));
    parts.join("; ")
}

fn passed_checks(out: &mut String, scenario: &ScenarioJudgement) {
    let passed: Vec<&str> = scenario
        .checks
        .iter()
        .filter(|check| check.verdict == Verdict::Pass)
        .map(|check| check.name)
        .collect();
    if !passed.is_empty() {
        row(out, "passed", "passed", &passed.join(", "));
    }
}

/// Appends the checks that do not hold.
pub(super) fn broken_checks(out: &mut String, checks: &[Check], style: Style) {
    for verdict in [Verdict::Fail, Verdict::Inconclusive] {
        let label = if verdict == Verdict::Fail { "failed" } else { "unproven" };
        let mut left: Vec<&Check> =
            checks.iter().filter(|check| check.verdict == verdict).collect();
        while let Some(first) = left.first().copied() {
            // Checks with the same reason stand together, so that it is read once.
            let (same, others): (Vec<&Check>, Vec<&Check>) = left.into_iter().partition(|check| {
                (&check.because, &check.remedy) == (&first.because, &first.remedy)
            });
            left = others;
            let names: Vec<&str> = same.iter().map(|check| check.name).collect();
            let mut text = format!("{}: {}", names.join(", "), first.because);
            if same.len() == 1 {
                let _ = write!(text, " (found {}; wanted {})", first.measured, first.limit);
            }
            row(out, &style.verdict(verdict, label), label, &text);
            if let Some(remedy) = &first.remedy {
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
        if let Some(remedy) = group.remedy.as_ref().filter(|_| index > 0) {
            more(out, &format!("─► {remedy}"));
        }
    }
}

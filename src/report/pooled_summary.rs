//! Several runs together as text for a terminal.

use std::fmt::Write as _;

use super::block::{more, reasons, row};
use super::scenario_summary::{millis, secs};
use super::style::Style;
use crate::judge::{Claim, Pooled, PooledRun, PooledScenario, PooledStream, Verdict};
use crate::record::Purpose;

/// Several runs together as text for people: the verdict first, then each run in a line, then
/// what they prove together. No line is wider than 100 characters.
#[must_use]
pub fn pooled_summary(pooled: &Pooled, style: Style) -> String {
    let mut out = String::new();
    let sum = |part: fn(&PooledRun) -> u64| pooled.per_run.iter().map(part).sum::<u64>();
    let headline = format!(
        "{}: {} run{}; {} of {} requests failed",
        pooled.service,
        pooled.runs,
        plural(pooled.runs),
        sum(|run| run.failed),
        sum(|run| run.sent)
    );
    let _ = writeln!(out, "{}  {}", style.head(pooled.verdict), style.title(&headline));
    reasons(&mut out, &pooled.because);
    out.push('\n');
    for run in &pooled.per_run {
        run_line(&mut out, run, style);
    }
    for scenario in &pooled.scenarios {
        out.push('\n');
        scenario_block(&mut out, scenario, style);
    }
    out.push('\n');
    for stream in &pooled.streams {
        stream_row(&mut out, stream);
    }
    if let Some(record) = style.record {
        // Not wrapped: a path that is cut cannot be copied.
        let _ = writeln!(out, "  {:12}{}", "record", record.display());
    }
    out
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn run_line(out: &mut String, run: &PooledRun, style: Style) {
    let mut text =
        format!("{} of {} failed, longest gap {}", run.failed, run.sent, secs(run.longest_gap_s));
    if let Some(rollback) = run.rollback_s {
        let _ = write!(text, ", rollback {}", secs(rollback));
    }
    let word = run.verdict.as_str();
    let label = style.verdict(run.verdict, word);
    row(out, &label, word, &format!("{}: {text}", run.run_id));
}

fn scenario_block(out: &mut String, scenario: &PooledScenario, style: Style) {
    let verdict = if scenario.lost > 0 {
        Verdict::Fail
    } else if scenario.updates == 0 {
        Verdict::Inconclusive
    } else {
        Verdict::Pass
    };
    let lost = format!("{} lost a request", scenario.lost);
    let _ = writeln!(
        out,
        "{}  {} update{}, {}",
        style.title(&scenario.name),
        scenario.updates,
        plural(scenario.updates),
        style.verdict(verdict, &lost)
    );
    if scenario.left_out > 0 {
        let text = format!(
            "{} more prove nothing either way: their measurement cannot be trusted",
            scenario.left_out
        );
        row(out, "left out", "left out", &text);
    }
    let bound = format!(
        "at most {:.1} % of updates lose a request (95 % confidence)",
        scenario.loss_rate_upper_95 * 100.0
    );
    row(out, "proves", "proves", &bound);
    for claim in &scenario.claims {
        more(out, &claim_text(claim, scenario.lost));
    }
}

fn claim_text(claim: &Claim, lost: u64) -> String {
    let what = format!("fewer than 1 in {}", claim.one_in);
    let missing = match (claim.proven, claim.needed, claim.missing) {
        (true, _, _) => return format!("{what}: proven"),
        (false, Some(needed), Some(missing)) => format!(
            "needs {missing} more without a loss ({needed} in all{})",
            if lost > 0 { ", as some have lost one" } else { "" }
        ),
        _ => "no number of updates can prove it".to_owned(),
    };
    format!("{what}: {missing}")
}

fn stream_row(out: &mut String, stream: &PooledStream) {
    let mut text = format!("{} requests, {} failed", stream.sent, stream.failed);
    if stream.purpose != Purpose::EachReplica {
        let _ = write!(
            text,
            ", error rate below {:.3} % (95 %); longest gap {}",
            stream.error_rate_upper_95 * 100.0,
            secs(stream.longest_gap_s)
        );
    }
    if let (Some(p99), Some(p999)) = (stream.worst_p99_s, stream.worst_p999_s) {
        let _ = write!(text, "; worst p99 {}, p99.9 {}", millis(p99), millis(p999));
    }
    row(out, &stream.name, &stream.name, &text);
}

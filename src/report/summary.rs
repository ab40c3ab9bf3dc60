//! The judgement as text for a terminal.

use std::fmt::Write as _;

use super::block::{reasons, row};
use super::scenario_summary::{broken_checks, scenario_summary};
use super::style::Style;
use crate::judge::{Judgement, SelfTestStory};
use crate::record::Purpose;

/// The judgement as text for people: the verdict first, then what happened, what users
/// noticed, why, and what to change. No line is wider than 100 characters.
#[must_use]
pub fn summary(judgement: &Judgement, style: Style) -> String {
    let mut out = String::new();
    let _ =
        writeln!(out, "{}  {}", style.head(judgement.verdict), style.title(&headline(judgement)));
    reasons(&mut out, &judgement.because);
    for scenario in &judgement.scenarios {
        out.push('\n');
        scenario_summary(&mut out, scenario, style);
    }
    out.push('\n');
    if let Some(story) = &judgement.self_test {
        row(&mut out, "neg. control", "neg. control", &negative_control(story));
    }
    broken_checks(&mut out, &judgement.checks, style);
    let engine = &judgement.engine;
    row(
        &mut out,
        "engine",
        "engine",
        &format!(
            "{} (API {}), {} node{}, {}, kernel {}{}",
            engine.version,
            engine.api,
            engine.nodes,
            if engine.nodes == 1 { "" } else { "s" },
            engine.kind,
            engine.kernel,
            if engine.ipvs { "" } else { " without IPVS" }
        ),
    );
    for caveat in &judgement.caveats {
        row(&mut out, "note", "note", caveat);
    }
    if let Some(record) = style.record {
        // Not wrapped: a path that is cut cannot be copied.
        let _ = writeln!(out, "  {:12}{}", "record", record.display());
    }
    out
}

fn negative_control(story: &SelfTestStory) -> String {
    let mut text = format!(
        "an update that is known to lose requests: {} of {} failed, longest gap {:.2} s",
        story.failed,
        story.sent,
        story.longest_gap_s.as_secs_f64()
    );
    if let Some(time) = story.without_container_s {
        let _ = write!(text, "; no container for {:.2} s", time.as_secs_f64());
    }
    text
}

/// Everything in one line.
fn headline(judgement: &Judgement) -> String {
    let names: Vec<&str> =
        judgement.scenarios.iter().map(|scenario| scenario.name.as_str()).collect();
    let streams = judgement.scenarios.iter().flat_map(|scenario| &scenario.streams);
    let users = streams.filter(|stream| stream.purpose == Purpose::Users);
    let sent: u64 = users.map(|stream| stream.sent).sum();
    let failed: u64 = judgement.scenarios.iter().map(|scenario| scenario.failed).sum();
    let what = if names.is_empty() { "no scenario".to_owned() } else { names.join(", ") };
    format!("{}: {what}; {failed} of {sent} requests failed", judgement.stack.service)
}

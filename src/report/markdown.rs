//! Markdown, as CI systems show it beside a job: GitHub's step summary.

use std::fmt::Write as _;

use super::findings::Finding;
use super::format::{JudgementFormat, Material};
use super::requests::{held, labels, of_users, or_none};
use super::services::in_one_line;
use super::settings::{beside, proof};
use super::style::Style;
use super::summary::{name, what_swarm_did};
use crate::judge::{Judgement, Pooled, PooledStream, Verdict};
use crate::wording::{clean, count};

/// The verdict, the scenarios, causes and fixes, and the users' requests, in Markdown.
pub const MARKDOWN: JudgementFormat = JudgementFormat {
    name: "markdown",
    about: "Markdown for a CI job's summary: verdict, causes, fixes, requests",
    write,
};

/// The most findings and notes.
const MOST: usize = 50;
/// The longest text in a cell, in characters: GitHub refuses summaries of more than 1 MiB.
const LONGEST: usize = 1_000;

fn write(material: Material, _: Style) -> String {
    match material {
        Material::One(judgement) => one(judgement),
        Material::Several(pooled) => several(pooled),
    }
}

fn one(judgement: &Judgement) -> String {
    let mut text = head(judgement.verdict, &judgement.stack.service, &judgement.headline);
    if !judgement.scenarios.is_empty() {
        text.push_str("\n| scenario | verdict | Swarm |\n|---|---|---|\n");
    }
    for scenario in &judgement.scenarios {
        let did = what_swarm_did(scenario);
        let _ = writeln!(
            text,
            "| {} | {} {} | {} |",
            plain(&name(scenario)),
            sign(scenario.verdict),
            scenario.verdict,
            plain(&did)
        );
        for service in &scenario.services {
            let verdict = service.verdict;
            let did = plain(&in_one_line(service));
            let _ = writeln!(text, "| | {} {verdict} | {did} |", sign(verdict));
        }
    }
    let findings = Finding::all(judgement);
    for verdict in [Verdict::Fail, Verdict::Inconclusive] {
        let same = findings.iter().filter(|finding| finding.verdict == verdict);
        for finding in same.take(MOST) {
            block(&mut text, judgement, finding);
        }
    }
    let streams = judgement.scenarios.iter().flat_map(|scenario| &scenario.streams);
    requests(&mut text, &of_users(PooledStream::all(streams)));
    let limits = judgement.limits.words();
    if !limits.is_empty() {
        let _ = writeln!(text, "\n**Limits:** {}", plain(&limits.join("; ")));
    }
    if let Some(beside) = beside(judgement) {
        let _ = writeln!(text, "\n**Against** {}", plain(&beside));
    }
    let proof = proof(judgement);
    if !proof.is_empty() {
        let _ = writeln!(text, "\n**Proof:** {}", plain(&proof));
    }
    for caveat in judgement.caveats.iter().take(MOST) {
        let _ = writeln!(text, "\n> {}", plain(caveat));
    }
    let _ = writeln!(
        text,
        "\nrun {}, rollproof {}, engine {}",
        plain(&judgement.run_id),
        plain(&judgement.tool_version),
        plain(&judgement.engine.version)
    );
    text
}

fn head(verdict: Verdict, service: &str, headline: &str) -> String {
    let headline = headline.strip_prefix("inconclusive: ").unwrap_or(headline);
    let word = verdict.as_str().to_uppercase();
    format!("### {} {word} {}\n\n{}\n", sign(verdict), plain(service), plain(headline))
}

/// A finding, with the lines to paste as code.
fn block(text: &mut String, judgement: &Judgement, finding: &Finding) {
    let place = finding.place.as_ref().map(|(file, line)| format!(" ({file}:{line})"));
    let _ = writeln!(
        text,
        "\n{} **{}:** {}{}",
        sign(finding.verdict),
        plain(&finding.of.replace('-', " ")),
        plain(&finding.because),
        plain(&place.unwrap_or_default())
    );
    let advice = judgement.scenarios.iter().find(|one| one.name == finding.of);
    let advice =
        advice.and_then(|one| one.all_advice().find(|advice| advice.because == finding.because));
    let advice =
        advice.filter(|advice| finding.verdict == Verdict::Fail && !advice.lines.is_empty());
    if let Some(advice) = advice {
        // A fence of this length cannot be closed by what stands in it.
        let _ = writeln!(text, "\n``````yaml\n{}\n``````", clean_code(&advice.lines));
        if let Some(command) = advice.page() {
            let _ = writeln!(text, "\nMore: `{command}`");
        }
    } else if !finding.fix.is_empty() {
        let _ = writeln!(text, "\nFix: {}", plain(&finding.fix));
    }
}

fn clean_code(lines: &[String]) -> String {
    lines.iter().map(|line| clean(line).replace("``````", "")).collect::<Vec<_>>().join("\n")
}

fn requests(text: &mut String, rows: &[PooledStream]) {
    if rows.is_empty() {
        return;
    }
    text.push_str("\n| requests | sent | failed | longest gap | p99 | max |\n");
    text.push_str("|---|--:|--:|--:|--:|--:|\n");
    let labels = labels(rows);
    for (row, label) in rows.iter().zip(labels) {
        let gap = or_none(Some(row.longest_gap_s).filter(|gap| gap.as_nanos() > 0));
        let (sent, failed) = (count(row.sent), count(row.failed));
        let (p99, max) = (or_none(row.worst_p99_s), or_none(row.worst_max_s));
        let _ = writeln!(text, "| {} | {sent} | {failed} | {gap} | {p99} | {max} |", plain(&label));
    }
    for (label, sentence) in held(rows) {
        let _ = writeln!(text, "\n{}: {}", plain(&label), plain(&sentence));
    }
}

fn several(pooled: &Pooled) -> String {
    let mut text = head(pooled.verdict, &pooled.service, &pooled.headline);
    text.push_str("\n| run | verdict | sent | failed |\n|---|---|--:|--:|\n");
    for run in &pooled.per_run {
        let (sent, failed) = (count(run.sent), count(run.failed));
        let _ = writeln!(text, "| {} | {} | {sent} | {failed} |", plain(&run.run_id), run.verdict);
    }
    requests(&mut text, &of_users(pooled.streams.clone()));
    text
}

fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✅",
        Verdict::Fail => "❌",
        Verdict::Inconclusive => "⚠️",
    }
}

/// A text that stays text: no markup, no links, no mentions, on one line. Any ASCII punctuation may
/// be escaped (`CommonMark`, backslash escapes).
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in clean(text).chars().take(LONGEST) {
        if c.is_ascii_punctuation() && !matches!(c, ',' | ';' | '\'' | '"' | '%' | '/' | '-') {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}

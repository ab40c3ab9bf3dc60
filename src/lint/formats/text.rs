//! Findings for people, in the manner of rustc.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::{Format, Look};
use crate::lint::{Finding, Findings, Severity};
use crate::wording::{clean, counted, excerpt, wrap};

pub(super) const FORMAT: Format = Format { name: "text", about: "for people", write };

fn write(findings: &Findings, look: Look) -> String {
    let mut text = String::new();
    let mut explained: Vec<&str> = Vec::new();
    for finding in &findings.list {
        if finding.severity == Severity::Hint && !look.verbose {
            continue;
        }
        let first = !explained.contains(&finding.rule.number);
        explained.push(finding.rule.number);
        text += &entry(finding, first, look);
        text.push('\n');
    }
    if look.verbose {
        for known in &findings.ignored {
            let Finding { rule, place, message, .. } = &known.finding;
            let line = format!("ignored[{}] {place}: {message} ({})", rule.number, known.reason);
            text += &paragraph("", &clean(&line), look.width);
        }
    }
    text + &summary(findings, explained.last().copied(), look)
}

fn entry(finding: &Finding, with_why: bool, look: Look) -> String {
    let colour = match finding.severity {
        Severity::Error => AnsiColor::Red,
        Severity::Warning => AnsiColor::Yellow,
        Severity::Hint => AnsiColor::Cyan,
    };
    let paint = |style: Style, text: &str| {
        if look.colour { format!("{style}{text}{style:#}") } else { text.to_owned() }
    };
    let label = format!("{}[{}]", finding.severity, finding.rule.number);
    let head = clean(&format!("{label} {}", finding.sentence())).into_owned();
    let head = wrap(&head, look.width, usize::MAX).join("\n  ");
    let mut text = head.replacen(&label, &paint(colour.on_default().bold(), &label), 1);
    text.push('\n');
    text += &excerpt(&finding.place, &|text| paint(AnsiColor::Blue.on_default(), text), &|text| {
        paint(colour.on_default().bold(), text)
    });
    if with_why {
        text += &paragraph("  why  ", finding.rule.why, look.width);
    }
    let fix = &finding.fix;
    if let Some(block) = fix.block {
        let block = if block == "deploy" { "`deploy` block" } else { "block" };
        _ = writeln!(text, "  fix  in the service's {block}:");
        for line in &fix.lines {
            _ = writeln!(text, "         {}", clean(line));
        }
    }
    if let Some(because) = fix.because {
        text += &paragraph("       ", because, look.width);
    }
    if let Some(words) = &fix.text {
        let label = if fix.block.is_some() { "       " } else { "  fix  " };
        text += &paragraph(label, &clean(words), look.width);
    }
    text
}

/// A paragraph behind a label, with its later lines below its first one.
fn paragraph(label: &str, words: &str, width: usize) -> String {
    let indent = label.chars().count();
    let lines = wrap(words, width.saturating_sub(indent).max(20), usize::MAX);
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        if index == 0 {
            _ = writeln!(text, "{label}{line}");
        } else {
            _ = writeln!(text, "{:indent$}{line}", "");
        }
    }
    text
}

fn summary(findings: &Findings, example: Option<&str>, look: Look) -> String {
    let number = |severity: Severity| findings.count(severity) as u64;
    let (errors, warnings) = (number(Severity::Error), number(Severity::Warning));
    let hints = number(Severity::Hint);
    let mut parts = vec![counted(errors, "error"), counted(warnings, "warning")];
    if hints > 0 {
        let shown = if look.verbose { "" } else { " (-v shows them)" };
        parts.push(format!("{}{shown}", counted(hints, "hint")));
    }
    if !findings.ignored.is_empty() {
        parts.push(format!("{} ignored", findings.ignored.len()));
    }
    let services = counted(findings.services as u64, "service");
    let mut text = format!("{services}: {}\n", parts.join(", "));
    if let Some(rule) = example {
        _ = writeln!(text, "more about a rule: rollproof lint --explain {rule}");
    }
    text
}

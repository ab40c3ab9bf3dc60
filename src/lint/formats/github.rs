//! Findings as workflow commands of GitHub Actions, which become annotations of the changed lines.

use std::fmt::Write as _;

use super::{Format, Look};
use crate::lint::{Findings, Severity};

pub(super) const FORMAT: Format =
    Format { name: "github", about: "annotations of a GitHub workflow", write };

fn write(findings: &Findings, _: Look) -> String {
    let mut text = String::new();
    for finding in &findings.list {
        let command = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "notice",
        };
        let place = &finding.place;
        let file = place.file.to_string_lossy();
        let file = file.strip_prefix("./").unwrap_or(&file);
        let mut message = finding.sentence();
        for line in &finding.fix.lines {
            message += "\n";
            message += line;
        }
        if let Some(words) = &finding.fix.text {
            message += "\n";
            message += words;
        }
        _ = writeln!(
            text,
            "::{command} file={},line={},col={},title={}::{}",
            property(file),
            place.line,
            place.column,
            property(&format!("{} {}", finding.rule.number, finding.rule.title)),
            data(&message)
        );
    }
    text
}

/// Escapes a message as the runner's toolkit does.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The same for a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

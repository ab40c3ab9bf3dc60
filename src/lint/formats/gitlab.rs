//! Findings as a code-quality report of GitLab.

use serde_json::{Value, json};

use super::fingerprint::fingerprints;
use super::{Format, Look};
use crate::lint::{Finding, Findings, Severity};

pub(super) const FORMAT: Format =
    Format { name: "gitlab", about: "code quality report of GitLab", write };

fn write(findings: &Findings, _: Look) -> String {
    let list: Vec<&Finding> = findings.list.iter().collect();
    let entries: Vec<Value> = list
        .iter()
        .zip(fingerprints(&list))
        .map(|(finding, fingerprint)| {
            let severity = match finding.severity {
                Severity::Error => "critical",
                Severity::Warning => "major",
                Severity::Hint => "info",
            };
            let file = finding.place.file.to_string_lossy();
            json!({
                "description": finding.sentence(),
                "check_name": finding.rule.number,
                "fingerprint": fingerprint,
                "severity": severity,
                "location": {
                    "path": file.strip_prefix("./").unwrap_or(&file),
                    "lines": {"begin": finding.place.line},
                },
            })
        })
        .collect();
    serde_json::to_string_pretty(&entries).unwrap_or_default() + "\n"
}

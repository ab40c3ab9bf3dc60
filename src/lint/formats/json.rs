//! Findings for programs.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Format, Look};
use crate::lint::{Finding, Findings, Fix, Rule, Severity};

pub(super) const FORMAT: Format = Format { name: "json", about: "everything, for programs", write };

/// The version of the format.
const SCHEMA_VERSION: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    services: usize,
    errors: usize,
    warnings: usize,
    hints: usize,
    findings: Vec<Entry<'a>>,
    ignored: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    rule: &'a Rule,
    name: &'a str,
    severity: Severity,
    service: Option<&'a str>,
    file: String,
    line: usize,
    column: usize,
    message: &'a str,
    why: &'a str,
    /// Times end in `_s` and are in seconds.
    figures: Map<String, Value>,
    fix: &'a Fix,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl<'a> Entry<'a> {
    fn of(finding: &'a Finding, reason: Option<&'a str>) -> Self {
        let rule = finding.rule;
        let figures = finding.figures.iter();
        Self {
            rule,
            name: rule.name,
            severity: finding.severity,
            service: finding.service.as_deref(),
            file: finding.place.file.display().to_string(),
            line: finding.place.line,
            column: finding.place.column,
            message: &finding.message,
            why: rule.why,
            figures: figures.map(|figure| (figure.name.to_owned(), json!(figure.value))).collect(),
            fix: &finding.fix,
            reason,
        }
    }
}

fn write(findings: &Findings, _: Look) -> String {
    let ignored = findings.ignored.iter();
    let document = Document {
        schema_version: SCHEMA_VERSION,
        services: findings.services,
        errors: findings.count(Severity::Error),
        warnings: findings.count(Severity::Warning),
        hints: findings.count(Severity::Hint),
        findings: findings.list.iter().map(|finding| Entry::of(finding, None)).collect(),
        ignored: ignored.map(|known| Entry::of(&known.finding, Some(&known.reason))).collect(),
    };
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

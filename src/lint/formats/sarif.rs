//! Findings as SARIF 2.1.0 (OASIS), which code-scanning services take.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::fingerprint::fingerprints;
use super::{Format, Look};
use crate::lint::{Finding, Findings, RULES, Severity};

pub(super) const FORMAT: Format =
    Format { name: "sarif", about: "SARIF 2.1.0, for code scanning", write };

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "note",
    }
}

fn write(findings: &Findings, _: Look) -> String {
    let rules: Vec<Value> = RULES
        .iter()
        .map(|rule| {
            json!({
                "id": rule.number,
                "name": rule.name,
                "shortDescription": {"text": rule.title},
                "fullDescription": {"text": rule.why},
                "help": {"text": rule.explain(100)},
                "defaultConfiguration": {"level": level(rule.severity)},
            })
        })
        .collect();
    let ignored = findings.ignored.iter().map(|known| (&known.finding, Some(&known.reason)));
    let all: Vec<(&Finding, Option<&String>)> =
        findings.list.iter().map(|finding| (finding, None)).chain(ignored).collect();
    let list: Vec<&Finding> = all.iter().map(|(finding, _)| *finding).collect();
    let results: Vec<Value> = all
        .iter()
        .zip(fingerprints(&list))
        .map(|((finding, reason), fingerprint)| result(finding, *reason, &fingerprint))
        .collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "rollproof",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    serde_json::to_string_pretty(&log).unwrap_or_default() + "\n"
}

fn result(finding: &Finding, reason: Option<&String>, fingerprint: &str) -> Value {
    let place = &finding.place;
    let index = RULES.iter().position(|rule| rule.number == finding.rule.number);
    let service = finding.service.as_ref().map(|name| {
        json!([{"name": name, "fullyQualifiedName": format!("services.{name}"), "kind": "object"}])
    });
    let mut result = json!({
        "ruleId": finding.rule.number,
        "ruleIndex": index,
        "level": level(finding.severity),
        "message": {"text": message(finding)},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": {"uri": uri(&place.file.to_string_lossy())},
                "region": {"startLine": place.line, "startColumn": place.column},
            },
        }],
        "partialFingerprints": {"rollproof/v1": fingerprint},
    });
    if let Some(service) = service {
        result["locations"][0]["logicalLocations"] = service;
    }
    if let Some(reason) = reason {
        result["suppressions"] = json!([{"kind": "inSource", "justification": reason}]);
    }
    result
}

/// The message, and what helps.
fn message(finding: &Finding) -> String {
    let mut text = finding.sentence();
    let fix = &finding.fix;
    if let Some(block) = fix.block {
        let block = if block == "deploy" { "`deploy` block" } else { "block" };
        _ = write!(text, "\n\nIn the service's {block}:\n\n{}", fix.lines.join("\n"));
    }
    if let Some(words) = &fix.text {
        _ = write!(text, "\n\n{words}");
    }
    text
}

/// A file's name as a relative or absolute URI reference (RFC 3986).
fn uri(file: &str) -> String {
    let file = file.strip_prefix("./").unwrap_or(file);
    let mut text = if file.starts_with('/') { "file://".to_owned() } else { String::new() };
    for byte in file.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn names_of_files_as_uris() {
        for (file, expected) in [
            ("./stacks/a.yml", "stacks/a.yml"),
            ("/srv/a b.yml", "file:///srv/a%20b.yml"),
            ("a:ü.yml", "a%3A%C3%BC.yml"),
        ] {
            assert_eq!(uri(file), expected);
        }
    }
}

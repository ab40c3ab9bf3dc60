//! The result of one check, and all results as text or JSON.

use std::fmt;

use serde::Serialize;

use super::examine::can_run;

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Present and usable.
    Ok,
    /// Something does not work, or works less well.
    Warning,
    /// Missing.
    Missing,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was checked.
    pub name: &'static str,
    /// The result.
    pub status: Status,
    /// What was found.
    pub found: String,
    /// The effect of the problem; empty if there is none. The JSON field keeps its old name.
    #[serde(rename = "costs")]
    pub effect: String,
    /// How to fix the problem; empty if there is none. The JSON field keeps its old name.
    #[serde(rename = "remedy")]
    pub fix: String,
}

impl Finding {
    pub(super) fn ok(name: &'static str, found: impl Into<String>) -> Self {
        let (effect, fix) = (String::new(), String::new());
        Self { name, status: Status::Ok, found: found.into(), effect, fix }
    }

    pub(super) fn warning(name: &'static str, found: impl Into<String>) -> Self {
        Self { status: Status::Warning, ..Self::ok(name, found) }
    }

    pub(super) fn missing(name: &'static str, found: impl Into<String>) -> Self {
        Self { status: Status::Missing, ..Self::ok(name, found) }
    }

    pub(super) fn effect(self, effect: impl Into<String>) -> Self {
        Self { effect: effect.into(), ..self }
    }

    pub(super) fn fix(self, fix: impl Into<String>) -> Self {
        Self { fix: fix.into(), ..self }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Missing => "missing",
        })
    }
}

/// The findings as aligned plain text. Below each problem are its effect and the fix.
#[must_use]
pub fn table(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.name.len()).max().unwrap_or(0);
    let indent = " ".repeat("warning".len() + 2 + width + 2);
    let lines = findings.iter().map(|finding| {
        let Finding { name, status, found, effect, fix } = finding;
        let line = format!("{status:<7}  {name:<width$}  {found}\n");
        if *status == Status::Ok {
            line
        } else {
            format!("{line}{indent}effect: {effect}\n{indent}fix: {fix}\n")
        }
    });
    lines.collect()
}

/// The findings as JSON.
#[must_use]
pub fn json(findings: &[Finding]) -> serde_json::Value {
    serde_json::json!({ "can_run": can_run(findings), "findings": findings })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_aligned_and_explains_only_problems() {
        let findings = [
            Finding::ok("IPVS", "yes"),
            Finding::missing("root rights", "no").effect("no lab").fix("use `sudo`"),
        ];
        assert_eq!(
            table(&findings),
            "ok       IPVS         yes\n\
             missing  root rights  no\n                      effect: no lab\n                      fix: use `sudo`\n"
        );
        let json = json(&findings);
        assert_eq!(json["findings"][1]["status"], "missing");
        assert_eq!(json["findings"][1]["costs"], "no lab");
        assert_eq!(json["findings"][1]["remedy"], "use `sudo`");
        assert_eq!(json["can_run"], false);
    }
}

//! The findings as text.

use super::examine::can_run;
use super::finding::{Finding, Status};

/// The findings as aligned plain text. Below what is lacking stands what that costs and what
/// to do about it.
#[must_use]
pub fn table(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.name.len()).max().unwrap_or(0);
    let indent = " ".repeat("warning".len() + 2 + width + 2);
    let lines = findings.iter().map(|finding| {
        let Finding { name, status, found, costs, remedy } = finding;
        let line = format!("{status:<7}  {name:<width$}  {found}\n");
        if *status == Status::Ok {
            line
        } else {
            format!("{line}{indent}costs: {costs}\n{indent}do: {remedy}\n")
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
    fn the_table_is_aligned_and_explains_only_what_is_lacking() {
        let findings = [
            Finding::ok("IPVS", "yes"),
            Finding::missing("root rights", "no").costs("no lab").remedy("use `sudo`"),
        ];
        assert_eq!(
            table(&findings),
            "ok       IPVS         yes\n\
             missing  root rights  no\n                      costs: no lab\n                      do: use `sudo`\n"
        );
        assert_eq!(json(&findings)["findings"][1]["status"], "missing");
        assert_eq!(json(&findings)["can_run"], false);
    }
}

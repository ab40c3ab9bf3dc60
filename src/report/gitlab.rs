//! GitLab's code quality report: findings at lines of the stack files, shown in merge requests.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::findings::Finding;
use super::format::{JudgementFormat, Material};
use super::style::Style;
use crate::judge::{Judgement, Verdict};
use crate::wording::clean;

/// Findings as GitLab's code quality report.
pub const GITLAB: JudgementFormat = JudgementFormat {
    name: "gitlab",
    about: "GitLab's code quality report: findings at lines of the stack files",
    write,
};

/// The fields that GitLab reads.
#[derive(Serialize)]
struct Issue {
    description: String,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
}

fn write(material: Material, _: Style) -> String {
    let issues = match material {
        Material::One(judgement) => one(judgement),
        // What several runs found stands in the report of each.
        Material::Several(_) => Vec::new(),
    };
    // Plain values into memory.
    serde_json::to_string_pretty(&issues).unwrap_or_default() + "\n"
}

fn one(judgement: &Judgement) -> Vec<Issue> {
    let stack = &judgement.stack;
    let issue = |finding: Finding| {
        let of = format!("{}/{}/{}", stack.service, finding.of, finding.name);
        let text = finding.text();
        let fallback = || (stack.files.first().cloned().unwrap_or_else(|| "stack.yml".into()), 1);
        let (path, begin) = finding.place.unwrap_or_else(fallback);
        Issue {
            description: format!("{}: {}", clean(&finding.of), clean(&text)),
            check_name: finding.name,
            // The same finding in the next run has the same one, whatever its numbers are.
            fingerprint: hex::encode(Sha256::digest(format!("{of}/{path}"))),
            severity: match finding.verdict {
                Verdict::Fail => "critical",
                Verdict::Inconclusive => "minor",
                Verdict::Pass => "info",
            },
            location: Location { path: clean(&path).into_owned(), lines: Lines { begin } },
        }
    };
    Finding::all(judgement).into_iter().map(issue).collect()
}

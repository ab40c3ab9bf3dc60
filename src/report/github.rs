//! Workflow commands of GitHub Actions: annotations at lines of the stack files.

use super::findings::Finding;
use super::format::{JudgementFormat, Material};
use super::style::Style;
use crate::Error;
use crate::judge::{Judgement, Verdict};
use crate::wording::clean_lines;

/// Annotations as workflow commands, the worst first.
pub const GITHUB: JudgementFormat = JudgementFormat {
    name: "github",
    about: "annotations for GitHub Actions, at lines of the stack files",
    write,
};

/// GitHub shows at most this many annotations of a kind of one step.
const MOST: usize = 10;

fn write(material: Material, _: Style) -> String {
    let mut lines = Vec::new();
    match material {
        Material::One(judgement) => one(&mut lines, judgement),
        Material::Several(pooled) => {
            let kind = kind(pooled.verdict);
            lines.push(command(kind, &[("title", &pooled.service)], &pooled.headline));
        }
    }
    lines.join("\n") + "\n"
}

fn one(lines: &mut Vec<String>, judgement: &Judgement) {
    let title = format!("{}: {}", judgement.stack.service, judgement.verdict);
    let findings = Finding::all(judgement);
    if judgement.verdict == Verdict::Pass {
        lines.push(command("notice", &[("title", &title)], &judgement.headline));
    }
    for verdict in [Verdict::Fail, Verdict::Inconclusive] {
        let mut left = MOST;
        if judgement.verdict == verdict {
            lines.push(command(kind(verdict), &[("title", &title)], &judgement.headline));
            left -= 1;
        }
        let same = findings.iter().filter(|finding| finding.verdict == verdict);
        for finding in same.take(left) {
            let title = format!("{}: {}", finding.of, finding.name);
            let line = finding.place.as_ref().map(|place| place.1.to_string());
            let mut properties = Vec::new();
            if let (Some((file, _)), Some(line)) = (&finding.place, &line) {
                properties.extend([("file", file.as_str()), ("line", line.as_str())]);
            }
            properties.push(("title", &title));
            lines.push(command(kind(verdict), &properties, &finding.text()));
        }
    }
}

/// The annotations of an error and those found with it, at the lines of the files that they are
/// about; empty if they are about none.
#[must_use]
pub fn annotations(error: &Error) -> Vec<String> {
    error.all().filter_map(annotation).take(MOST).collect()
}

fn annotation(error: &Error) -> Option<String> {
    let place = error.place()?;
    let (file, line) = (place.file.to_string_lossy(), place.line.to_string());
    let column = place.column.to_string();
    let hints = error.hints().iter().map(|hint| format!("\nhint: {hint}"));
    let text = error.with_cause() + &hints.collect::<String>();
    let at = [("file", &*file), ("line", &line), ("col", &column), ("title", "rollproof")];
    Some(command("error", &at, &text))
}

fn kind(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "notice",
        Verdict::Fail => "error",
        Verdict::Inconclusive => "warning",
    }
}

/// A workflow command, escaped as actions/toolkit does (`packages/core/src/command.ts`).
fn command(name: &str, properties: &[(&str, &str)], message: &str) -> String {
    let data = |text: &str| {
        clean_lines(text).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
    };
    let properties: Vec<String> = properties
        .iter()
        .map(|(key, value)| {
            format!("{key}={}", data(value).replace(':', "%3A").replace(',', "%2C"))
        })
        .collect();
    format!("::{name} {}::{}", properties.join(","), data(message))
}

//! What a run found, at lines of the stack files: what CI systems show beside the code.

use crate::judge::{Advice, Check, Judgement, Verdict};

/// Something that does not hold.
pub(super) struct Finding {
    /// A failure, or a measurement that cannot be trusted.
    pub verdict: Verdict,
    /// The scenario, or `run`.
    pub of: String,
    /// The check.
    pub name: &'static str,
    /// Why, in one sentence without a full stop.
    pub because: String,
    /// What to change; empty if that is not known.
    pub fix: String,
    /// The stack file as it was given, and the line; absent if they are not known.
    pub place: Option<(String, u32)>,
}

impl Finding {
    /// All findings of a run, the worst first. What one fix repairs is one finding.
    pub(super) fn all(judgement: &Judgement) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for scenario in &judgement.scenarios {
            for advice in scenario.all_advice() {
                let lost = scenario.loss_advice.as_ref() == Some(advice);
                let mut broken =
                    scenario.checks.iter().filter(|check| check.verdict == scenario.verdict);
                let check = broken.find(|check| !lost || check.is_of_losses());
                all.push(Self {
                    verdict: scenario.verdict,
                    of: scenario.name.clone(),
                    name: check.map_or("scenario", |check| check.name),
                    because: advice.because.clone(),
                    fix: fix(advice),
                    place: place(judgement, advice.place.as_deref()),
                });
            }
            // The other checks of a scenario with advice failed because of the same.
            let told = |check: &&Check| check.verdict == Verdict::Fail && scenario.advice.is_some();
            let rest = scenario.checks.iter().filter(|check| !told(check));
            all.extend(rest.filter_map(|check| Self::of_check(judgement, &scenario.name, check)));
        }
        all.extend(
            judgement.checks.iter().filter_map(|check| Self::of_check(judgement, "run", check)),
        );
        if !judgement.whole {
            let because = judgement.because.first().cloned().unwrap_or_default();
            let fix = judgement.what_to_do.join("; ");
            all.push(Self {
                verdict: Verdict::Inconclusive,
                of: "run".to_owned(),
                name: "whole-run",
                because,
                fix,
                place: place(judgement, None),
            });
        }
        let mut seen = std::collections::HashSet::new();
        all.retain(|finding| seen.insert((finding.because.clone(), finding.place.clone())));
        all.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
        all
    }

    fn of_check(judgement: &Judgement, of: &str, check: &Check) -> Option<Self> {
        (check.verdict != Verdict::Pass).then(|| Self {
            verdict: check.verdict,
            of: of.to_owned(),
            name: check.name,
            because: check.because.clone(),
            fix: check.remedy.clone().unwrap_or_default(),
            place: place(judgement, None),
        })
    }

    /// The sentence with what to change.
    pub(super) fn text(&self) -> String {
        if self.fix.is_empty() {
            self.because.clone()
        } else {
            format!("{}\nfix: {}", self.because, self.fix)
        }
    }
}

fn fix(advice: &Advice) -> String {
    let fix = match &advice.text {
        Some(text) => text.clone(),
        None => format!("in {}:\n{}", advice.target(), advice.lines.join("\n")),
    };
    match advice.page() {
        Some(command) => format!("{fix}\nmore: {command}"),
        None => fix,
    }
}

/// A place such as `stack.yml:21`, else where the service begins, with the file as it was given.
fn place(judgement: &Judgement, place: Option<&str>) -> Option<(String, u32)> {
    let stack = &judgement.stack;
    let place = place.or_else(|| stack.places.get("service").map(String::as_str))?;
    let (name, line) = place.rsplit_once(':')?;
    let line = line.parse().ok()?;
    let same = |file: &&String| file.as_str() == name || file.ends_with(&format!("/{name}"));
    let file = stack.files.iter().find(same)?;
    Some((file.strip_prefix("./").unwrap_or(file).to_owned(), line))
}

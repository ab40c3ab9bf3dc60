//! What `rollproof try` says of the scenarios that it ran.

use std::time::Duration;

use serde_json::json;

use super::console::Console;
use crate::error::Result;
use crate::judge::{ScenarioJudgement, Verdict};
use crate::wording::{count, length};

/// What became of one scenario.
pub(super) struct Tried {
    pub(super) name: String,
    pub(super) took: Duration,
    /// Its judgement, or why there is none.
    pub(super) judged: std::result::Result<Box<ScenarioJudgement>, String>,
    /// Whether its report is in the run's folder.
    pub(super) saved: Result<()>,
}

impl Tried {
    pub(super) fn verdict(&self) -> Option<Verdict> {
        self.judged.as_ref().ok().map(|judged| judged.verdict)
    }

    pub(super) fn word(&self) -> &'static str {
        self.verdict().map_or("no verdict", Verdict::as_str)
    }

    /// What happened; with what was expected, where that did not happen.
    pub(super) fn story(&self) -> String {
        let judged = match &self.judged {
            Ok(judged) => judged,
            Err(why) => return why.clone(),
        };
        let because = |name: &str| {
            judged.checks.iter().find(|check| check.name == name).map(|check| check.because.clone())
        };
        let bad = judged.checks.iter().find(|check| check.verdict == judged.verdict);
        match judged.verdict {
            Verdict::Pass => {
                let lost = because("losses").unwrap_or_else(|| match judged.failed {
                    0 => "no request lost".to_owned(),
                    lost => format!("{} requests lost", count(lost)),
                });
                match because("outcome") {
                    Some(outcome) => format!("{outcome}; {lost}"),
                    None => lost,
                }
            }
            _ => bad.map_or_else(String::new, |check| {
                format!("{}: {} (wanted: {})", check.name, check.because, check.limit)
            }),
        }
    }

    pub(super) fn line(&self) -> String {
        format!("{}: {}: {} ({})", self.name, self.word(), self.story(), length(self.took.into()))
    }
}

/// The table at the end.
pub(super) fn show(tried: &[Tried], wanted: usize, console: &Console) -> Result<()> {
    if console.global.json {
        let list: Vec<_> = tried
            .iter()
            .map(|one| {
                json!({
                    "name": one.name,
                    "verdict": one.word(),
                    "because": one.story(),
                    "took": one.took.as_secs_f64(),
                    "scenario": one.judged.as_ref().ok(),
                })
            })
            .collect();
        return console.put_result(serde_json::Value::from(list));
    }
    if wanted == 1 {
        return Ok(());
    }
    let names = tried.iter().map(|one| one.name.len()).max().unwrap_or(0).max(8);
    console.put_result("")?;
    console.put_result(format!(
        "{:names$}  {:12}  {:16}  {:>7}  {:>7}  {:>7}",
        "scenario", "verdict", "outcome", "lowest", "lost", "time"
    ))?;
    for one in tried {
        let judged = one.judged.as_ref().ok();
        let outcome = judged.and_then(|judged| {
            judged.checks.iter().find(|check| check.name == "outcome").map(|check| &check.measured)
        });
        let lowest = judged.and_then(|judged| judged.capacity.as_ref());
        console.put_result(format!(
            "{:names$}  {:12}  {:16}  {:>7}  {:>7}  {:>7}",
            one.name,
            one.word(),
            outcome.map_or("-", String::as_str),
            lowest.map_or_else(
                || "-".to_owned(),
                |capacity| format!("{} of {}", capacity.min_running, capacity.desired)
            ),
            judged.map_or_else(|| "-".to_owned(), |judged| count(judged.failed)),
            length(one.took.into()),
        ))?;
    }
    let good = tried.iter().filter(|one| one.verdict() == Some(Verdict::Pass)).count();
    console.put_result("")?;
    console.put_result(format!("{good} of {wanted} went as declared"))
}

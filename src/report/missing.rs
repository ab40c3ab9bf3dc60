//! What an inconclusive run misses.

use crate::judge::{Check, Judgement, Verdict};

/// What an inconclusive run misses beside its headline, and what to do.
pub(super) struct Missing<'a> {
    pub reasons: Vec<&'a str>,
    pub todo: Vec<&'a str>,
}

impl<'a> Missing<'a> {
    pub(super) fn of(judgement: &'a Judgement) -> Self {
        let of_scenarios = judgement.scenarios.iter().flat_map(|scenario| &scenario.checks);
        let mut open: Vec<&Check> = Vec::new();
        for check in judgement.checks.iter().chain(of_scenarios) {
            let known = open.iter().any(|known| known.because == check.because);
            if check.verdict == Verdict::Inconclusive && !known {
                open.push(check);
            }
        }
        // Where the machine was too busy for the tasks, the other reasons follow from that.
        if open.iter().any(|check| check.name == "tasks-had-time") {
            open.retain(|check| check.name == "tasks-had-time");
        }
        // The headline has the first reason.
        let in_headline = |text: &str| judgement.headline.ends_with(text);
        let names = judgement.scenarios.iter().map(|scenario| scenario.name.as_str());
        let names: Vec<&str> =
            names.chain(judgement.checks.iter().map(|check| check.name)).collect();
        let of_a_check =
            |text: &str| text.split_once(": ").is_some_and(|(name, _)| names.contains(&name));
        // What is wrong with the run as a whole, then the checks that do not hold.
        let reasons: Vec<&str> = judgement
            .because
            .iter()
            .map(String::as_str)
            .filter(|text| !of_a_check(text))
            .chain(open.iter().map(|check| check.because.as_str()))
            .filter(|text| !in_headline(text))
            .collect();
        let mut todo: Vec<&str> = judgement.what_to_do.iter().map(String::as_str).collect();
        for remedy in open.iter().filter_map(|check| check.remedy.as_deref()) {
            if !todo.contains(&remedy) {
                todo.push(remedy);
            }
        }
        if todo.is_empty() {
            todo.push("run it again, and let it finish");
        }
        Self { reasons, todo }
    }
}

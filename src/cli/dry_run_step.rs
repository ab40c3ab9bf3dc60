//! One scenario of a dry run: what it would do, how long it takes and how it ends.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::dry_run::Page;
use crate::Offset;
use crate::plan::{ending, forecast};
use crate::record::{Ending, Expects};
use crate::run::{NextForeseen, cuts_off};
use crate::scenario::{Act, Declaration};
use crate::site::ImageChecks;
use crate::stack::ServiceBody;
use crate::swarm::SpecChange;
use crate::wording::length;

/// One scenario that is not performed.
pub(super) struct Step {
    pub(super) name: String,
    pub(super) change: String,
    expects: Value,
    /// How it ends, in a few words.
    pub(super) ending: String,
    /// What it does in detail, a line each.
    pub(super) details: Vec<String>,
    /// How long it takes; absent if it has no end of its own.
    pub(super) lasts: Option<Offset>,
}

impl Step {
    /// What a scenario would do, and the service's body after it.
    /// `next` is what a deployment of the next version would do.
    pub(super) fn of(
        one: &Declaration,
        fresh: bool,
        body: &ServiceBody,
        checks: &ImageChecks,
        next: Option<&NextForeseen>,
        speed: f64,
    ) -> (Self, ServiceBody) {
        let scenario = one.scenario(fresh, body).at_speed(speed);
        let mut after = scenario.changed(body);
        let mut details = Vec::new();
        let outcome = one.must.as_ref().map(|must| must.outcome);
        let succeeds = match outcome {
            Some(outcome) => matches!(outcome, Ending::Completed | Ending::NothingReplaced),
            None => one.expects == Expects::Update,
        };
        let (lasts, predicted) = match &scenario.act {
            Act::Watch(wait) => (None, format!("waits at most {}", length((*wait).into()))),
            Act::Ask(ask) => (Some(Offset::from(ask.every * ask.times)), String::new()),
            Act::Deploy => {
                let Some(next) = next else { return Self::unknown(one, body) };
                let own = next.bodies.iter().find(|(old, _)| old.name() == body.name());
                if let Some((_, new)) = own {
                    after = new.clone();
                }
                let (lasts, lines) = deployment(next, body.name(), !succeeds, checks, speed);
                details = lines;
                (lasts, String::new())
            }
            Act::Roll(_) | Act::Renew => predicted(body, &after, !succeeds, checks, speed),
        };
        let again = scenario.again_after.map_or(Offset::ZERO, Offset::from);
        let lasts = scenario.watch.map(Offset::from).or(lasts.map(|lasts| lasts + again));
        let ending = match outcome {
            Some(outcome) => format!("must end as {}", word(&outcome)),
            None => predicted,
        };
        let step = Self {
            name: one.name.clone(),
            change: scenario.describe(),
            expects: json!(one.expects),
            ending,
            details,
            lasts,
        };
        (step, if succeeds { after } else { body.clone() })
    }

    /// A scenario of which nothing can be foreseen.
    fn unknown(one: &Declaration, body: &ServiceBody) -> (Self, ServiceBody) {
        let step = Self {
            name: one.name.clone(),
            change: one.about.clone(),
            expects: json!(one.expects),
            ending: String::new(),
            details: Vec::new(),
            lasts: None,
        };
        (step, body.clone())
    }

    /// Adds it to a page, with the time that a run of it alone takes.
    pub(super) fn put(&self, page: &mut Page, time: Offset) {
        page.entry("change", &format!("{}: {} ({})", self.name, self.change, length(time)));
        page.entry("", &format!("  {}", self.ending));
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "scenario": self.name, "change": self.change, "expects": self.expects,
            "ending": self.ending, "lasts_s": self.lasts,
        })
    }
}

/// How long deploying the next version takes, and what it does, a line each. `fails` says that the
/// service under test gets a broken version.
fn deployment(
    next: &NextForeseen,
    subject: &str,
    fails: bool,
    checks: &ImageChecks,
    speed: f64,
) -> (Option<Offset>, Vec<String>) {
    let NextForeseen { changes, creates, withdrawn, bodies } = next;
    let mut lines: Vec<String> =
        withdrawn.iter().map(|port| format!("warning: {}", cuts_off(port))).collect();
    lines.extend(creates.iter().map(|object| format!("creates {object}")));
    let mut all = Some(Offset::ZERO);
    for (name, how) in &changes.changed {
        let mut line = format!("{name}: {}", how.join("; "));
        if let Some((old, new)) = bodies.iter().find(|(old, _)| old.name() == name) {
            let (lasts, said) = predicted(old, new, fails && name == subject, checks, speed);
            all = all.zip(lasts).map(|(all, one)| all.max(one));
            let _ = write!(line, " ({said})");
        }
        lines.push(line);
    }
    lines.extend(changes.created.iter().map(|name| format!("{name}: new")));
    lines.extend(changes.removed.iter().map(|name| format!("{name}: removed (--prune)")));
    (all, lines)
}

/// How long a change takes until everything is at rest, and how it ends.
fn predicted(
    before: &ServiceBody,
    after: &ServiceBody,
    fails: bool,
    checks: &ImageChecks,
    speed: f64,
) -> (Option<Offset>, String) {
    let check_of = |image: &str| checks.get(image).cloned();
    let change = SpecChange::between(before, after, &check_of);
    match forecast(after.name(), change, fails, speed) {
        Ok(course) => (course.at_rest(), format!("predicted: {}", ending(&course))),
        Err(error) => (None, format!("not predicted: {}", error.message())),
    }
}

/// The word that a record has for a value.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|word| word.as_str().map(str::to_owned))
        .unwrap_or_default()
}

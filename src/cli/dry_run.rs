//! `--dry-run`: what a command would deploy, change and ask, and how long that would take.

use std::fmt::Write as _;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::console::Console;
use super::output::{put, put_line};
use crate::Offset;
use crate::error::Result;
use crate::plan::{ending, forecast};
use crate::record::{Ending, Expects, Route};
use crate::run::{Load, NextForeseen, Target, cuts_off};
use crate::scenario::{Act, Declaration};
use crate::site::{Foreseen, ImageChecks};
use crate::stack::ServiceBody;
use crate::swarm::SpecChange;
use crate::wording::{clean, counted, length, list, setting, wrap};

/// What the self-test takes: a small service is updated once, 4.6 to 5.4 s in recorded runs.
const SELF_TEST: Offset = Offset::from_millis(5_000);
/// The width of the text.
const WIDTH: usize = 80;

/// Whether a command only says what it would do.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct DryRunArgs {
    /// Only say what would be done; nothing is started or changed
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// A run that is not made.
pub(super) struct DryRun<'a> {
    /// The engine.
    pub(super) engine: &'a Foreseen,
    /// The stack and its services, if they are deployed.
    pub(super) deploys: Option<(&'a str, &'a [ServiceBody])>,
    /// The service under test, and where it is asked.
    pub(super) target: &'a Target,
    pub(super) load: &'a Load,
    pub(super) self_test: bool,
    /// The service under test.
    pub(super) body: &'a ServiceBody,
    /// What deploying the next version would do, if that is the change.
    pub(super) next: Option<&'a NextForeseen>,
    pub(super) scenarios: &'a [Declaration],
    pub(super) repeat: u32,
    /// What is done at the end, if anything.
    pub(super) afterwards: &'a str,
}

/// One scenario that is not performed.
pub(super) struct Step {
    name: String,
    change: String,
    expects: Value,
    ending: String,
    /// What it does in detail, a line each.
    details: Vec<String>,
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

    /// How it ends, in a few words.
    pub(super) fn ending(&self) -> &str {
        &self.ending
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

/// How long one run measures: the scenarios, the times of rest after them, and the baselines
/// before, between and after. The flag says that it is only the shortest time.
pub(super) fn lasts(steps: &[Step], load: &Load, self_test: bool) -> (Offset, bool) {
    let (baseline, settle) = (Offset::from(load.baseline), Offset::from(load.settle));
    let of_steps = steps.iter().map(|step| step.lasts.unwrap_or_default() + settle + baseline);
    let all = of_steps.fold(baseline, |all, one| all + one);
    let open = steps.iter().any(|step| step.lasts.is_none());
    (if self_test { all + SELF_TEST } else { all }, open)
}

impl DryRun<'_> {
    /// Prints it.
    pub(super) async fn show(&self, console: &Console) -> Result<u8> {
        let mut body = self.body.clone();
        let fresh = self.deploys.is_some();
        let changed: Vec<ServiceBody> =
            self.scenarios.iter().map(|one| one.scenario(fresh, &body).changed(&body)).collect();
        let next = self.next.iter().flat_map(|next| &next.bodies).map(|(_, new)| new);
        let images = changed.iter().chain(next).chain([&body]).map(ServiceBody::image);
        let checks = self.engine.health_checks(images).await?;
        let speed = self.engine.speed();
        let load = self.load.clone().at_speed(speed);
        let mut steps = Vec::new();
        for (index, one) in self.scenarios.iter().enumerate() {
            let (mut step, after) = Step::of(one, fresh, &body, &checks, self.next, speed);
            let left = &self.scenarios[index + 1..];
            let cut_off = self.next.is_some_and(|next| !next.withdrawn.is_empty());
            if one.act == Act::Deploy && cut_off && !left.is_empty() {
                let names: Vec<&str> = left.iter().map(|one| one.name.as_str()).collect();
                step.details.push(format!("not performed after it: {}", list(&names)));
                steps.push(step);
                break;
            }
            steps.push(step);
            body = after;
        }
        let (one, open) = lasts(&steps, &load, self.self_test);
        let all = (0..self.repeat).fold(Offset::ZERO, |all, _| all + one);
        let mut streams = Vec::new();
        let outside = !self.target.inside;
        for kind in
            self.load.streams.iter().filter(|kind| outside || kind.route != Route::Published)
        {
            streams.push((kind.name, kind.plan("http://127.0.0.1/", &self.load.asking)?.rate_hz));
        }
        if console.global.json {
            put_line(self.json(&steps, &streams, all, open))?;
        } else {
            put(&self.text(&steps, &streams, &load, (all, open)))?;
        }
        nothing_done(console);
        Ok(0)
    }

    fn text(
        &self,
        steps: &[Step],
        streams: &[(&str, f64)],
        load: &Load,
        (all, open): (Offset, bool),
    ) -> String {
        let mut page = Page::default();
        page.entry("engine", &self.engine.to_string());
        if let Some((stack, services)) = self.deploys {
            page.entry("deploy", &format!("stack {stack}"));
            for body in services {
                page.entry("", &format!("  {}", service(body)));
            }
        }
        let names: Vec<&str> = streams.iter().map(|(name, _)| *name).collect();
        let rate: f64 = streams.iter().map(|(_, rate)| rate).sum();
        page.entry(
            "ask",
            &format!(
                "{}, {} requests a second, deadline {}: {}{}",
                self.target.url,
                rate.round(),
                seconds(self.load.asking.deadline),
                names.join(", "),
                if self.load.insist { "" } else { "; those that the service can answer" },
            ),
        );
        if self.self_test {
            page.entry("self-test", "an update of a service of its own that loses requests");
        }
        page.entry("change", self.body.name());
        for step in steps {
            page.entry("", &format!("  {}: {}", step.name, step.change));
            if !step.ending.is_empty() {
                page.entry("", &format!("    {}", step.ending));
            }
            for line in &step.details {
                page.entry("", &format!("    {line}"));
            }
        }
        let times =
            if self.repeat > 1 { format!(" in {} runs", self.repeat) } else { String::new() };
        let what = match (open, self.deploys) {
            (true, _) => "at least ",
            (false, _) => "about ",
        };
        let more = if self.deploys.is_some() { ", and the time that deploying takes" } else { "" };
        page.entry(
            "time",
            &format!(
                "{what}{}{times}: {} before, between and after the changes, {} of rest after each{more}",
                length(all),
                seconds(load.baseline),
                seconds(load.settle),
            ),
        );
        if !self.afterwards.is_empty() {
            page.entry("then", self.afterwards);
        }
        page.0
    }

    fn json(&self, steps: &[Step], streams: &[(&str, f64)], all: Offset, open: bool) -> Value {
        let services = |services: &[ServiceBody]| -> Vec<Value> {
            services
                .iter()
                .map(|body| {
                    json!({"name": body.name(), "image": body.image(), "replicas": body.replicas()})
                })
                .collect()
        };
        json!({
            "dry_run": true,
            "engine": self.engine.to_string(),
            "deploys": self.deploys.map(|(stack, bodies)| {
                json!({"stack": stack, "services": services(bodies)})
            }),
            "asks": {
                "url": self.target.url,
                "deadline_s": self.load.asking.deadline.as_secs_f64(),
                "streams": streams.iter().map(|(name, rate)| {
                    json!({"name": name, "rate_hz": rate})
                }).collect::<Vec<_>>(),
            },
            "self_test": self.self_test,
            "service": self.body.name(),
            "next": self.next.map(|next| json!({
                "creates": next.creates,
                "changed": next.changes.changed.iter().map(|(service, changes)| {
                    json!({"service": service, "changes": changes})
                }).collect::<Vec<_>>(),
                "created": next.changes.created,
                "removed": next.changes.removed,
                "withdraws": next.withdrawn,
            })),
            "changes": steps.iter().map(Step::json).collect::<Vec<_>>(),
            "runs": self.repeat,
            "lasts_s": all,
            "lasts_longer": open,
        })
    }
}

/// The last words of every dry run.
pub(super) fn nothing_done(console: &Console) {
    console.tell("nothing was started or changed");
}

/// `app: 6 × rollproof/app:v1, publishes 8080`.
fn service(body: &ServiceBody) -> String {
    let replicas = body.replicas().map_or("on each node".to_owned(), |n| counted(n, "replica"));
    let ports: Vec<String> = body
        .published_ports()
        .iter()
        .filter_map(|port| port.published)
        .map(|port| port.to_string())
        .collect();
    let ports =
        if ports.is_empty() { String::new() } else { format!(", publishes {}", ports.join(", ")) };
    format!("{}: {replicas} of {}{ports}", body.name(), body.image())
}

fn seconds(time: Duration) -> String {
    setting(time.as_secs_f64())
}

/// The word that a record has for a value.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value)
        .ok()
        .and_then(|word| word.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// Lines with a label at their left.
#[derive(Default)]
pub(super) struct Page(pub(super) String);

impl Page {
    /// Adds a text; leading spaces indent all its lines.
    pub(super) fn entry(&mut self, label: &str, text: &str) {
        const LABEL: usize = 11;
        let text = clean(text);
        let indent = text.len() - text.trim_start().len();
        for (number, line) in
            wrap(text.trim_start(), WIDTH - LABEL - indent, usize::MAX).iter().enumerate()
        {
            let label = if number == 0 { label } else { "" };
            let line = format!("{label:LABEL$}{:indent$}{line}", "");
            self.0.push_str(line.trim_end());
            self.0.push('\n');
        }
    }
}

//! `--dry-run`: what a command would deploy, change and ask, and how long that would take.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::console::Console;
use super::dry_run_step::Step;
use super::output::{put, put_line};
use crate::Offset;
use crate::error::Result;
use crate::record::Route;
use crate::run::{Also, Load, NextForeseen, Target};
use crate::scenario::{Act, Declaration};
use crate::site::Foreseen;
use crate::stack::ServiceBody;
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
    /// The services that get the same change.
    pub(super) also: &'a Also,
    /// What deploying the next version would do, if that is the change.
    pub(super) next: Option<&'a NextForeseen>,
    pub(super) scenarios: &'a [Declaration],
    pub(super) repeat: u32,
    /// What is done at the end, if anything.
    pub(super) afterwards: &'a str,
}

/// How long one run measures: the scenarios, the times of rest after them, and the baselines
/// before, between and after. The flag says that it is only the shortest time.
pub(super) fn lasts(steps: &[Step], load: &Load, self_test: bool) -> (Offset, bool) {
    let (baseline, settle) = (Offset::from(load.baseline), Offset::from(load.settle()));
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
        if !self.also.services.is_empty() {
            let how =
                if self.also.sequential { "after it, one by one" } else { "at the same time" };
            page.entry("", &format!("the same update of {}, {how}", list(&self.also.services)));
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
                seconds(load.settle()),
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
            "also": self.also.services,
            "sequential": self.also.sequential,
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

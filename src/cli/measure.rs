//! `rollproof sweep --measure N`: the most interesting rows on a real engine, next to what the model
//! says of them.

use std::time::Duration;

use super::args::StackArgs;
use super::console::Console;
use super::deploy::deployment;
use super::dry_run::lasts;
use super::dry_run_step::Step;
use super::output_files;
use super::result::judge_finished;
use super::target_args::AddressArgs;
use super::try_scenarios::load;
use crate::Offset;
use crate::deploy::{Prepared, StackFiles};
use crate::error::{Error, Result};
use crate::judge::ScenarioJudgement;
use crate::plan::{Course, Measured, Pair, Row, Setting, Sweep, course_of_change};
use crate::record::{NegativeControl, UserLimits};
use crate::run::{Also, Load, RunSpec, Subject, TargetWish, find_target};
use crate::scenario::{Declaration, broken_update, update};
use crate::site::{Foreseen, LabUse, Ledger, Site, health_checks};
use crate::stack::ServiceBody;
use crate::swarm::{EngineVersion, SpecChange, UpdateState};
use crate::swarm_model::Node;
use crate::wording::{counted, length, list};

/// The stack's name.
const STACK: &str = "rollproof-sweep";
/// Requests a second: the load is no subject here.
const RATE: f64 = 20.0;
/// How long a deployment may make no progress.
const PROGRESS_DEADLINE: Duration = Duration::from_secs(120);

/// What is run for each row.
pub(super) struct Measuring<'a> {
    pub(super) sweep: &'a Sweep,
    pub(super) setting: &'a Setting,
    pub(super) files: &'a [String],
    pub(super) address: &'a AddressArgs,
    pub(super) console: &'a Console,
}

/// The rows that were measured, and how that ended.
pub(super) struct Ended {
    pub(super) measured: Vec<Measured>,
    pub(super) outcome: Result<()>,
}

impl Measuring<'_> {
    /// Runs so many rows, one after the other, each on a fresh stack. Everything that was made is
    /// removed at the end, however it ends.
    pub(super) async fn run(&self, count: usize) -> Result<Ended> {
        let numbers = self.sweep.most_interesting(count);
        let rows: Vec<&Row> = numbers.iter().filter_map(|number| self.sweep.row(*number)).collect();
        let load = Load { insist: false, ..load(RATE, true, &[])? };
        load.check(&self.address.example())?;
        let engine = self.console.foresee_site(LabUse::ForOneRun).await?;
        let time = self.time(&rows, &load, &engine).await?;
        let names: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        self.console.tell(&format!(
            "measuring {} ({}) on {engine}: about {}, and the time that deploying takes; Ctrl-C stops \
             and cleans up",
            counted(rows.len() as u64, "row"),
            list(&names),
            length(time)
        ));
        let _lock = self.console.state.lock()?;
        let site = self.console.open_site(LabUse::ForOneRun).await?;
        let mut measured = Vec::new();
        let outcome = self.each(&rows, &load, &site, &mut measured).await;
        let detail = |text: &str| self.console.detail(text);
        let cleaned = site.after_run(&self.console.state, STACK, &detail).await;
        Ok(Ended { measured, outcome: outcome.and(cleaned) })
    }

    async fn each(
        &self,
        rows: &[&Row],
        load: &Load,
        site: &Site,
        measured: &mut Vec<Measured>,
    ) -> Result<()> {
        self.make_room(site).await?;
        let mut saved = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            if self.console.interrupt.is_cancelled() {
                return Err(Error::interrupted("interrupted"));
            }
            let settings = self.in_words(row);
            self.console.tell(&format!("row {}: {settings}", row.number));
            measured.push(self.one(row, load, site, &mut saved).await?);
            if index + 1 < rows.len() {
                let detail = |text: &str| self.console.detail(text);
                site.remove_stack(&self.console.state, STACK, &detail).await?;
            }
        }
        output_files::all(saved)
    }

    /// What an earlier run left behind is removed; a stack of that name that is somebody else's stays.
    async fn make_room(&self, site: &Site) -> Result<()> {
        if site.manager.stack_services(STACK).await?.is_empty() {
            return Ok(());
        }
        let ledger = Ledger::read(&self.console.state)?;
        let ours = ledger
            .stacks
            .iter()
            .any(|known| known.engine == site.address() && known.stack == STACK && known.for_run);
        if !ours {
            return Err(Error::usage(format!("a stack {STACK} is there already"))
                .hint("`sweep --measure` deploys one of this name"));
        }
        self.console.tell(&format!("removing stack {STACK}, which an earlier run left behind"));
        let detail = |text: &str| self.console.detail(text);
        site.remove_stack(&self.console.state, STACK, &detail).await
    }

    /// One row: its settings are put into what is deployed, not into the file. `saved` takes whether its
    /// report is in the run's folder.
    async fn one(
        &self,
        row: &Row,
        load: &Load,
        site: &Site,
        saved: &mut Vec<Result<()>>,
    ) -> Result<Measured> {
        let console = self.console;
        let files = StackFiles::read(self.files)?;
        let stack_args = StackArgs::built_in(PROGRESS_DEADLINE);
        let mut deployment = deployment(console, site, STACK, files, &stack_args, false)?;
        for body in &mut deployment.prepared.requests.services {
            self.put(row, body);
        }
        let subject = Subject::to_deploy(site, deployment, &self.wish())?;
        let body = subject.body.clone();
        let scenarios = scenarios();
        let changed = scenarios.iter().map(|one| one.scenario(true, &body).changed(&body));
        let changed: Vec<ServiceBody> = changed.collect();
        let images: Vec<&str> = changed.iter().map(ServiceBody::image).collect();
        let detail = |text: &str| console.detail(text);
        site.ensure_images(&console.state, &subject.services, &images, &detail).await?;
        let images = images.into_iter().chain([body.image()]);
        let checks = health_checks(Some(site), images).await?;
        let spec = RunSpec {
            command: "sweep",
            subject,
            load: load.clone(),
            also: Also::default(),
            next: None,
            scenarios,
            leave_as_found: false,
            self_test: NegativeControl::Off,
            limits: UserLimits::default(),
            against: None,
        };
        let finished = Box::pin(spec.run(&console.run_env(site))).await?;
        let (judged, kept) = judge_finished(console, &finished)?;
        saved.push(kept);
        finished.outcome?;
        let [good, bad] = &judged.scenarios[..] else {
            return Err(Error::environment("the run ended before its updates"));
        };
        let check_of = |image: &str| checks.get(image).cloned();
        // The broken update comes after the good one, which stays.
        let (first, second) = (&changed[0], broken_update(None).scenario(true, &changed[0]));
        let to_good = SpecChange::between(&body, first, &check_of);
        let to_bad = SpecChange::between(first, &second.changed(first), &check_of);
        let predicted = [(to_good, false), (to_bad, true)]
            .map(|(change, fails)| course_of_change(&self.on(site, change), fails));
        Ok(compared(row, judged.run_id.clone(), &predicted, site.speed(), [good, bad]))
    }

    /// The row's settings in the service that they are about.
    fn put(&self, row: &Row, body: &mut ServiceBody) {
        let name = format!("{STACK}_{}", self.setting.service);
        if body.name() == name {
            row.tweaks().iter().for_each(|tweak| tweak.option().apply(body));
        }
    }

    fn wish(&self) -> TargetWish {
        self.address.wish(Some(&self.setting.service))
    }

    /// The same setting for a change on this very engine.
    fn on(&self, site: &Site, change: SpecChange) -> Setting {
        let mut setting = self.setting.clone().of_change(change);
        setting.engine = EngineVersion::parse(&site.info.version).unwrap_or(setting.engine);
        let nodes = usize::try_from(site.info.nodes.clamp(1, 1_000)).unwrap_or(1);
        setting.nodes = vec![Node::default(); nodes];
        setting
    }

    fn in_words(&self, row: &Row) -> String {
        let pairs = self.sweep.varied.iter().zip(&row.values);
        pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }

    /// How long the runs of these rows measure.
    async fn time(&self, rows: &[&Row], load: &Load, engine: &Foreseen) -> Result<Offset> {
        let files = StackFiles::read(self.files)?;
        let folder = self.console.state.path();
        let prepared = Prepared::new(folder, files, STACK, engine.kernel(), None, &|_| ())?;
        let services = prepared.requests.services;
        let host = engine.published_host().unwrap_or("ENGINE");
        let target = find_target(&services, STACK, &self.wish(), host)?;
        let body = crate::run::own_body(&services, &target)?;
        let checks = engine.health_checks([body.image()]).await?;
        let speed = engine.speed();
        let load = load.clone().at_speed(speed);
        let mut all = Offset::ZERO;
        for row in rows {
            let mut body = body.clone();
            self.put(row, &mut body);
            let mut steps = Vec::new();
            for one in scenarios() {
                let (step, after) = Step::of(&one, true, &body, &checks, None, speed);
                steps.push(step);
                body = after;
            }
            all = all + lasts(&steps, &load, false).0;
        }
        Ok(all)
    }
}

/// A good update and a broken one, as `verify` makes them.
fn scenarios() -> Vec<Declaration> {
    vec![update(Vec::new()), broken_update(None)]
}

fn compared(
    row: &Row,
    run_id: String,
    predicted: &[Course; 2],
    speed: f64,
    [good, bad]: [&ScenarioJudgement; 2],
) -> Measured {
    // What was measured has the time of those who look on.
    let shown = |at: Offset| at.at_speed(speed);
    let completed = |state: UpdateState| state == UpdateState::Completed;
    let took = good.update.took_s.filter(|_| completed(good.update.final_state));
    let ends = predicted[0].finished_s.filter(|_| completed(predicted[0].final_state));
    let foreseen = predicted[1].rollback.as_ref().and_then(|rollback| rollback.restored_s);
    let restored = || {
        let at = bad.rollback.as_ref()?.capacity_restored_at?;
        Some(at - bad.update.submitted_at?)
    };
    let served = [good, bad].map(|one| one.capacity.as_ref().map(|capacity| capacity.min_serving));
    let differences = [good, bad].into_iter().filter_map(|one| {
        let difference = one.prediction.as_ref()?.difference.as_ref()?;
        let setting = difference.setting.map(|name| format!(" [{name}]")).unwrap_or_default();
        Some(format!("{}: {}: {}{setting}", one.name, difference.what, difference.rule))
    });
    Measured {
        row: row.number,
        run_id,
        good_s: Pair { predicted: ends.map(shown), measured: took },
        recovers_s: Pair { predicted: foreseen.map(shown), measured: restored() },
        lowest: Pair {
            predicted: predicted.iter().map(Course::lowest).min(),
            measured: served.into_iter().flatten().min(),
        },
        replicas: row.replicas,
        differences: differences.collect(),
    }
}

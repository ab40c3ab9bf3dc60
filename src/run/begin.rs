//! The beginning of a run: its record exists and the services are watched.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until};

use super::also::AlsoPlanned;
use super::companions::Beside;
use super::deployment::check_all;
use super::finish::Finished;
use super::next::Deployed;
use super::patience::Patience;
use super::probing::Probers;
use super::recorder::Recorder;
use super::spec::{RunEnv, RunSpec, new_run_id};
use super::withdrawn::cuts_off;
use crate::Clock;
use crate::deploy::{labels_for, missing};
use crate::error::{Error, Result};
use crate::observe::{Observer, ServiceSnapshot, Snapshot, Watch};
use crate::record::{EventKind, Meta, RecordWriter, RunFolder, SCHEMA_VERSION};
use crate::site::Site;
use crate::stack::ServiceBody;
use crate::wording::list;

/// An engine that does not answer for this long is lost.
pub(super) const LOST_AFTER: Duration = Duration::from_secs(20);

/// A run that has begun.
pub struct Run<'a> {
    pub(super) spec: RunSpec,
    pub(super) env: &'a RunEnv<'a>,
    pub(super) clock: Clock,
    pub(super) id: String,
    pub(super) folder: PathBuf,
    pub(super) recorder: Recorder,
    pub(super) observer: Observer,
    pub(super) snapshots: Receiver<Snapshot>,
    pub(super) probers: Probers,
    pub(super) beside: Beside,
    pub(super) patience: Patience,
    /// The further services that the next scenario changes.
    pub(super) planned: Vec<AlsoPlanned>,
    /// What the deployment of the next version did.
    pub(super) deployed: Deployed,
    /// What the service under test is now, as far as this run changed it.
    pub(super) body: ServiceBody,
    /// Whether a scenario that was meant to be rolled back, or one that was interrupted, may have
    /// left its change on the service.
    pub(super) left_broken: bool,
}

impl RunSpec {
    /// Performs the whole run. Whatever happens after its beginning, the record is closed.
    ///
    /// # Errors
    /// When the run cannot begin. What goes wrong later is in [`Finished::outcome`].
    pub async fn run(self, env: &RunEnv<'_>) -> Result<Finished> {
        let mut run = self.begin(env).await?;
        let performed = run.perform().await;
        Ok(run.finish(performed).await)
    }

    /// Finds out what can be measured, makes the record and starts to watch. Nothing is made on
    /// the engine yet but an image, and nothing is asked.
    ///
    /// # Errors
    /// When the engine does not answer, a stream is insisted on that cannot be had, or the record
    /// cannot be made.
    pub async fn begin<'a>(mut self, env: &'a RunEnv<'a>) -> Result<Run<'a>> {
        let site = env.site;
        self.load = self.load.at_speed(site.speed());
        self.limits.check_replicas(self.subject.target.replicas)?;
        check_all(site, &self.deployments()).await?;
        let published = !self.subject.target.inside;
        let way_in = self.find_way_in(site).await?;
        let clock = Clock::start();
        let run_id = new_run_id(&clock);
        let engine = site.facts(&clock).await?;
        let mut beside =
            Beside::choose(&mut self, env, &run_id, clock, engine.clock_offset).await?;
        if self.subject.target.inside {
            self.load.keep_inside(published, &mut beside.notes)?;
        }
        let facts = self.subject.facts(site, &self.subject.body).await?;
        let patience = Patience::of(&facts, &self.subject.body, site.speed());
        let mut caveats = self.subject.caveats.clone();
        caveats.extend(simulated(site));
        caveats.extend(way_in);
        caveats.extend(self.load.outlast_polling(&facts));
        caveats.extend(self.stand_ins(site).await?);
        caveats.extend(self.withdrawn().iter().map(cuts_off));
        if engine.nodes > site.engines.len() as u64 {
            caveats.push(format!(
                "the swarm has {} nodes and this run reaches {} of their engines: containers on the other nodes are seen through task states only",
                engine.nodes,
                site.engines.len()
            ));
        }
        let watch = Watch {
            manager: site.manager.clone(),
            engines: site.engines.clone(),
            checked: self.subject.service_names(),
            logged: vec![self.subject.target.service.clone()],
            services: self.watched_services(beside.services()),
            clock,
            clock_offset: engine.clock_offset,
        };
        let meta = Meta {
            schema_version: SCHEMA_VERSION,
            run_id: run_id.clone(),
            started_at: clock.started_at().to_string(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            command: self.command.to_owned(),
            engine,
            stack: facts,
            streams: Vec::new(),
            caveats,
            negative_control: self.self_test,
            limits: self.limits,
            against: self.against.clone(),
        };
        env.state.create()?;
        let folder = RunFolder::create(env.state.path(), &run_id)?;
        let writer = RecordWriter::create(&folder, &meta)?;
        let mut sinks = (env.sinks)();
        sinks.iter_mut().try_for_each(|sink| sink.begin(&meta))?;
        sinks.insert(0, Box::new(writer));
        let recorder = Recorder::start(clock, sinks)?;
        let observer = Observer::start(watch, recorder.event_sink());
        Ok(Run {
            body: self.subject.body.clone(),
            spec: self,
            env,
            clock,
            id: run_id,
            folder: folder.path().to_owned(),
            snapshots: observer.snapshots(),
            recorder,
            observer,
            probers: Probers::default(),
            beside,
            patience,
            left_broken: false,
            planned: Vec::new(),
            deployed: Deployed::default(),
        })
    }

    /// What a reader of the verdict must know of stand-ins.
    async fn stand_ins(&self, site: &Site) -> Result<Option<String>> {
        let mut names = BTreeSet::new();
        for deployment in self.deployments() {
            if deployment.options.stand_ins.is_some() {
                let lacking = missing(&site.manager, &deployment.prepared.requests).await?;
                names.extend(lacking.iter().map(ToString::to_string));
                let labels = labels_for(
                    &site.manager.nodes().await?,
                    &deployment.prepared.requests.services,
                );
                let labels = labels.values().flatten();
                names.extend(labels.map(|(key, value)| format!("node label {key}={value}")));
            }
        }
        let names = Vec::from_iter(names);
        let verb = if names.len() == 1 { "is a stand-in" } else { "are stand-ins" };
        Ok((!names.is_empty()).then(|| format!("{} {verb} (--stand-ins)", list(&names))))
    }

    /// The services of the stack, now and in its next version, and those beside it.
    fn watched_services(&self, beside: Vec<String>) -> Vec<String> {
        let mut names = self.subject.service_names();
        if let Some(next) = &self.next {
            names.extend(next.prepared.requests.services.iter().map(|body| body.name().to_owned()));
        }
        names.extend(beside);
        names.sort();
        names.dedup();
        names
    }
}

/// What a reader of the verdict must know if no engine was there.
fn simulated(site: &Site) -> Option<String> {
    let speed = site.info.simulated.as_ref()?.speed;
    let shorter = if (speed - 1.0).abs() < f64::EPSILON {
        String::new()
    } else {
        format!(
            "; its time passed {speed} times faster, so that settings and waits are as much shorter here"
        )
    };
    Some(format!("no engine was there: a model of Swarm played one{shorter}"))
}

impl Run<'_> {
    /// Lets time pass while nothing is changed.
    ///
    /// # Errors
    /// When the user stops the run or the record breaks.
    pub(super) async fn steady(&self, duration: Duration) -> Result<()> {
        tokio::select! {
            error = self.stopped() => Err(error),
            () = tokio::time::sleep(duration) => Ok(()),
        }
    }

    /// Waits for the next snapshot, a point in time, or the end of the run.
    pub(super) async fn until(&mut self, deadline: Instant) -> Result<()> {
        let broken = self.recorder.broken();
        tokio::select! {
            () = self.env.interrupt.cancelled() => Err(Error::interrupted("interrupted")),
            () = broken.cancelled() => Err(Error::environment("the record cannot be written")),
            () = sleep_until(deadline) => Ok(()),
            changed = self.snapshots.changed() => {
                changed.map_err(|_| Error::environment("the observer ended"))
            }
        }
    }

    /// Waits until the user stops the run or the record breaks.
    pub(super) async fn stopped(&self) -> Error {
        let broken = self.recorder.broken();
        tokio::select! {
            () = self.env.interrupt.cancelled() => {
                self.recorder.tell(EventKind::Interrupted);
                Error::interrupted("interrupted")
            }
            () = broken.cancelled() => Error::environment("the record cannot be written"),
        }
    }

    /// The service under test as the engine has it now.
    ///
    /// # Errors
    /// When the engine does not show it in time.
    pub(super) async fn service(&mut self) -> Result<ServiceSnapshot> {
        let service = self.spec.subject.target.service.clone();
        let asked = self.clock.now();
        let deadline = Instant::now() + LOST_AFTER;
        loop {
            let found = {
                let snapshot = self.snapshots.borrow_and_update();
                let fresh = snapshot.asked_at >= asked && snapshot.lost.is_none();
                snapshot.services.get(&service).filter(|_| fresh).cloned()
            };
            if let Some(found) = found {
                return Ok(found);
            }
            if Instant::now() >= deadline {
                return Err(Error::environment(format!(
                    "cannot inspect service {service}: no answer within {} s",
                    LOST_AFTER.as_secs()
                )));
            }
            self.until(deadline).await?;
        }
    }
}

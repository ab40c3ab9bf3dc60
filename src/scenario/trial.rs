//! One run: a service is watched and probed while scenarios are performed on it.

mod rest;
mod watch;

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{try_join, try_join_all};
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::{Patience, Recorder, Scenario, Target};
use crate::Clock;
use crate::Offset;
use crate::companion::{Companions, RemoteProber};
use crate::deploy::{ConvergeOptions, converge};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::observe::{Observer, ServiceSnapshot, Snapshot, Watch};
use crate::probe::{ProbeOrder, Prober, StreamPlan};
use crate::record::{EndReason, Event, EventKind, SpecMatch};
use crate::stack::ServiceBody;

/// An engine that does not answer for this long is lost.
const LOST_AFTER: Duration = Duration::from_secs(20);

/// What a run consists of.
#[derive(Debug)]
pub struct TrialOptions {
    /// A manager.
    pub manager: Engine,
    /// Every engine that can be reached.
    pub engines: Vec<Engine>,
    /// The run's clock.
    pub clock: Clock,
    /// Engine clock minus ours.
    pub clock_offset: Offset,
    /// Every service of the stack.
    pub services: Vec<String>,
    /// The program's own services beside it: they are watched, and converge by themselves.
    pub beside: Vec<String>,
    /// The service under test.
    pub target: Target,
    /// How long a service must be at rest before a scenario is over.
    pub settle: Duration,
    /// How long to wait at most.
    pub patience: Patience,
    /// Fires when the user wants the run to stop.
    pub interrupt: CancellationToken,
}

/// One run.
#[derive(Debug)]
pub struct Trial {
    options: TrialOptions,
    recorder: Recorder,
    observer: Observer,
    snapshots: Receiver<Snapshot>,
    probers: Vec<Group>,
    /// How many streams have begun.
    streams: usize,
}

/// Streams that are stopped together.
#[derive(Debug)]
struct Group {
    sender: Sender,
    /// How long before the end they send their last requests.
    takes: Duration,
}

/// Who sends requests.
#[derive(Debug)]
enum Sender {
    /// A thread of this program.
    Here(Prober),
    /// A task inside the network, which is given so long to tell its last requests.
    Inside(Box<RemoteProber>, Duration),
}

impl Sender {
    async fn stop(self) -> Result<()> {
        match self {
            Self::Here(prober) => prober.stop().await.map(drop),
            Self::Inside(prober, within) => prober.stop(within).await.map(drop),
        }
    }
}

/// The time that it takes to ask a task inside the network to stop, and to hear its last words.
const LAST_WORDS: Duration = Duration::from_millis(700);
/// The time it may take at most, beside that of the requests in flight.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(20);
/// A prober inside the network stops by itself after this: a run that was killed must not leave
/// it behind for ever.
const INSIDE_AT_MOST: Duration = Duration::from_secs(6 * 3600);

/// How a scenario ended, for what follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Performed {
    /// Which spec the service has now.
    pub spec: SpecMatch,
    /// Whether another scenario can follow.
    pub go_on: bool,
}

impl Trial {
    /// Starts to watch.
    #[must_use]
    pub fn begin(options: TrialOptions, recorder: Recorder) -> Self {
        let watch = Watch {
            manager: options.manager.clone(),
            engines: options.engines.clone(),
            services: [&options.services[..], &options.beside[..]].concat(),
            clock: options.clock,
            clock_offset: options.clock_offset,
        };
        let observer = Observer::start(watch, recorder.event_sink());
        let snapshots = observer.snapshots();
        Self { options, recorder, observer, snapshots, probers: Vec::new(), streams: 0 }
    }

    /// The record, for events of other rooms.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Says which part of the run begins.
    pub fn phase(&self, name: &str, text: impl Into<String>) {
        self.recorder.tell(EventKind::Phase { name: name.into(), text: text.into() });
    }

    /// Waits until the stack has converged.
    ///
    /// # Errors
    /// When it does not, see [`converge`].
    pub async fn converge(&self, progress_deadline: Duration) -> Result<()> {
        let options =
            ConvergeOptions { services: self.options.services.clone(), progress_deadline };
        converge(self.snapshots.clone(), &options, &self.options.interrupt).await
    }

    /// Starts to probe. Streams whose answers take long have a prober of their own, so that they
    /// can be stopped before the others.
    ///
    /// # Errors
    /// When the prober cannot be started.
    pub fn probe(&mut self, mut plans: Vec<StreamPlan>) -> Result<()> {
        plans.sort_by_key(|plan| plan.takes);
        self.recorder.add_streams(plans.iter().map(StreamPlan::facts).collect());
        for group in plans.chunk_by(|one, other| one.takes == other.takes) {
            let sink = self.recorder.shot_sink();
            let first = self.streams;
            let sink = move |index, shot| sink(first + index, shot);
            let prober = Prober::start(group.to_vec(), self.options.clock, sink)?;
            self.streams += group.len();
            self.probers.push(Group { sender: Sender::Here(prober), takes: group[0].takes });
        }
        Ok(())
    }

    /// Starts to probe from inside the network.
    ///
    /// # Errors
    /// When the prober there does not start, or the user stops the run meanwhile.
    pub async fn probe_inside(
        &mut self,
        companions: &Companions,
        plans: &[StreamPlan],
    ) -> Result<()> {
        let order = ProbeOrder::new(plans, INSIDE_AT_MOST)?;
        self.recorder.add_streams(plans.iter().map(StreamPlan::facts).collect());
        let first = self.streams;
        self.streams += plans.len();
        let sink = self.recorder.shot_sink();
        let started = tokio::select! {
            error = self.stopped() => Err(error),
            started = companions.start_prober(&order, first, sink) => started,
        }?;
        let in_flight = plans.iter().map(|plan| plan.timeout).max().unwrap_or_default();
        let sender = Sender::Inside(Box::new(started), LAST_WORDS_WITHIN + in_flight);
        self.probers.push(Group { sender, takes: LAST_WORDS });
        Ok(())
    }

    /// Performs the update that is known to lose requests.
    ///
    /// # Errors
    /// When the engine refuses it or the user stops the run. That it takes too long is recorded.
    pub async fn negative_control(&self, companions: &Companions) -> Result<()> {
        let service = companions.negative_control();
        self.recorder.tell(EventKind::NegativeControlStarted { service });
        let done = tokio::select! {
            error = self.stopped() => return Err(error),
            done = companions.lose_requests() => done,
        };
        let gave_up = done.err().map(|error| full_text(&error));
        self.recorder.tell(EventKind::NegativeControlEnded { gave_up });
        Ok(())
    }

    /// Lets time pass while nothing is changed.
    ///
    /// # Errors
    /// When the user stops the run or the record breaks.
    pub async fn steady(&self, duration: Duration) -> Result<()> {
        tokio::select! {
            error = self.stopped() => Err(error),
            () = tokio::time::sleep(duration) => Ok(()),
        }
    }

    /// Lets time pass while nothing is changed, and stops probing at its end.
    ///
    /// # Errors
    /// When the user stops the run, the record breaks or a prober failed.
    pub async fn wind_down(&mut self, duration: Duration) -> Result<()> {
        let end = Instant::now() + duration;
        let stop = async |group: Group| {
            sleep_until(end.checked_sub(group.takes).unwrap_or(end)).await;
            group.sender.stop().await
        };
        let stops: Vec<_> = self.probers.drain(..).map(stop).collect();
        tokio::select! {
            error = self.stopped() => Err(error),
            stopped = try_join(sleep_until(end).map(Ok), try_join_all(stops)) => stopped.map(drop),
        }
    }

    /// Performs a scenario: submits `body`, watches until Swarm is done with it, and settles.
    /// `previous` is the spec that runs now.
    ///
    /// # Errors
    /// When the engine refuses the change, the user stops the run or the record breaks; the
    /// scenario's end is recorded in any case.
    pub async fn perform(&mut self, scenario: &Scenario, body: &ServiceBody) -> Result<Performed> {
        let name = scenario.name.to_owned();
        let before = self.service().await?;
        let change = scenario.describe();
        self.phase(scenario.name, format!("rolling a change: {change}"));
        self.recorder.tell(EventKind::ScenarioStarted {
            name: name.clone(),
            expects: scenario.expects,
            service: self.options.target.service.clone(),
            replicas: self.options.target.replicas,
            generation: before.generation,
            change,
        });
        let outcome = self.submit_and_wait(body, &before).await;
        self.ended(name, outcome)
    }

    /// Records a scenario's end.
    fn ended(&self, name: String, outcome: Result<(SpecMatch, EndReason)>) -> Result<Performed> {
        let (spec, reason) = match &outcome {
            Ok(done) => done.clone(),
            Err(error) => {
                if error.kind() == crate::ErrorKind::Interrupted {
                    self.recorder.tell(EventKind::Interrupted);
                    (SpecMatch::Unknown, EndReason::Interrupted)
                } else {
                    (SpecMatch::Unknown, EndReason::EngineLost { text: full_text(error) })
                }
            }
        };
        let go_on = reason == EndReason::Settled;
        self.recorder.tell(EventKind::ScenarioEnded { name, spec, reason });
        outcome.map(|_| Performed { spec, go_on })
    }

    async fn submit_and_wait(
        &mut self,
        body: &ServiceBody,
        before: &ServiceSnapshot,
    ) -> Result<(SpecMatch, EndReason)> {
        let at = self.options.clock.now();
        for warning in self.options.manager.update_service(body, None).await? {
            self.recorder.tell(EventKind::Caveat { text: format!("the engine warns: {warning}") });
        }
        // What the engine made of the body is what its later specs are compared with.
        let service = &self.options.target.service;
        let accepted = self.options.manager.service(service).await?.ok_or_else(|| {
            Error::environment(format!("service {service} vanished while it was updated"))
        })?;
        // A rollback that began at once has put the previous spec in its place already.
        let rolled_back = accepted.update.state.is_rollback();
        let submitted = if rolled_back { body.clone() } else { accepted.spec };
        let template = &submitted.as_value()["TaskTemplate"];
        let generation = self.observer.generation(service, template);
        let kind = EventKind::Submitted { service: service.clone(), generation };
        self.recorder.event(Event { at, seen: self.options.clock.now(), kind });
        let replaced = generation != before.generation;
        let reason = self.wait_for_rest(replaced, at).await?;
        let spec = self.spec_now(&before.view.spec, &submitted).await;
        Ok((spec, reason))
    }

    /// Waits for the next snapshot, a point in time, or the end of the run.
    async fn until(&mut self, deadline: Instant) -> Result<()> {
        let broken = self.recorder.broken();
        tokio::select! {
            () = self.options.interrupt.cancelled() => Err(Error::interrupted("interrupted")),
            () = broken.cancelled() => Err(Error::environment("the record cannot be written")),
            () = sleep_until(deadline) => Ok(()),
            changed = self.snapshots.changed() => {
                changed.map_err(|_| Error::environment("the observer ended"))
            }
        }
    }

    async fn stopped(&self) -> Error {
        let broken = self.recorder.broken();
        tokio::select! {
            () = self.options.interrupt.cancelled() => {
                self.recorder.tell(EventKind::Interrupted);
                Error::interrupted("interrupted")
            }
            () = broken.cancelled() => Error::environment("the record cannot be written"),
        }
    }

    async fn service(&mut self) -> Result<ServiceSnapshot> {
        let service = self.options.target.service.clone();
        let asked = self.options.clock.now();
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
                    "service {service} could not be inspected"
                )));
            }
            self.until(deadline).await?;
        }
    }

    async fn spec_now(&self, previous: &ServiceBody, submitted: &ServiceBody) -> SpecMatch {
        match self.options.manager.service(&self.options.target.service).await {
            Ok(Some(view)) if view.spec == *submitted => SpecMatch::Submitted,
            Ok(Some(view)) if view.spec == *previous => SpecMatch::Previous,
            Ok(Some(_)) => SpecMatch::Other,
            Ok(None) | Err(_) => SpecMatch::Unknown,
        }
    }

    /// Stops probing and watching and closes the record.
    ///
    /// # Errors
    /// When the record could not be written whole.
    pub async fn finish(mut self) -> Result<()> {
        let mut probed = Ok(());
        for group in self.probers.drain(..) {
            probed = group.sender.stop().await.and(probed);
        }
        self.observer.stop().await;
        self.recorder.finish().and(probed)
    }
}

fn full_text(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

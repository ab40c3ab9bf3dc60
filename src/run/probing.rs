//! Starting and stopping the streams of a run.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{try_join, try_join_all};
use tokio::time::{Instant, sleep_until};

use super::admit::admit;
use super::begin::Run;
use super::first_answers::{Start, first_answers};
use super::load::long_enough;
use super::subject::Arrival;
use crate::companion::{CompanionKind, Companions, RemoteProber};
use crate::engine::published_url;
use crate::error::{Error, Result};
use crate::probe::{ProbeOrder, Prober, StreamPlan};
use crate::record::{BASELINE_REQUESTS, EventKind, NegativeControl, Purpose, Route};
use crate::streams::{PLAIN, SELF_TEST, StreamKind};
use crate::wording::setting;

/// The time it takes to ask a prober inside the network to stop, and to hear its last shots.
const LAST_SHOTS: Duration = Duration::from_millis(700);
/// The time it may take at most, on top of that of the requests in flight.
const LAST_SHOTS_WITHIN: Duration = Duration::from_secs(20);
/// A prober inside the network ends after this whatever happens: a run that was killed must not
/// leave it behind for ever.
const INSIDE_AT_MOST: Duration = Duration::from_secs(6 * 3600);
/// The self-test's target must answer for this long before its update, so that its failures are
/// the update's.
const BEFORE_SELF_TEST: Duration = Duration::from_secs(1);

/// Everything that sends requests.
#[derive(Debug, Default)]
pub(super) struct Probers {
    groups: Vec<Group>,
    /// How many streams have begun.
    streams: usize,
    /// The rate of the densest one that is a user's.
    densest_hz: f64,
}

/// Streams that are stopped together.
#[derive(Debug)]
struct Group {
    sender: Sender,
    /// How long before the end they send their last requests.
    takes: Duration,
}

/// What sends requests.
#[derive(Debug)]
enum Sender {
    /// A thread of this program.
    Here(Prober),
    /// A task inside the network, and how long it may take to hand over its last shots.
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

impl Probers {
    fn note_rates(&mut self, plans: &[StreamPlan]) {
        let users = plans.iter().filter(|plan| plan.purpose == Purpose::Users);
        self.densest_hz = users.map(|plan| plan.rate_hz).fold(self.densest_hz, f64::max);
    }

    /// Stops everything that still sends.
    ///
    /// # Errors
    /// When a prober had failed or does not hand over its last shots.
    pub async fn stop(&mut self) -> Result<()> {
        let mut stopped = Ok(());
        for group in self.groups.drain(..) {
            stopped = group.sender.stop().await.and(stopped);
        }
        stopped
    }
}

impl Run<'_> {
    /// Waits until the service answers, finds out which streams it can answer, starts them, runs
    /// the self-test, and measures the time before the first change.
    ///
    /// # Errors
    /// When the service does not answer, a stream is insisted on that it cannot answer, a prober
    /// does not start, too many requests fail before anything is changed, or the user stops the
    /// run.
    pub(super) async fn start_probing(&mut self) -> Result<()> {
        let url = self.spec.subject.target.url.clone();
        let mut plans = Vec::new();
        for (name, url) in self.addresses().await? {
            self.recorder.phase("warm-up", format!("waiting until {url} answers"));
            let asking = &self.spec.load.asking;
            let users = PLAIN.plan(&url, asking)?;
            let tell = |text: String| self.recorder.line(text);
            first_answers(&users, self.start(), &tell, self.env.interrupt).await?;
            let suits =
                |kind: &&StreamKind| kind.route == Route::Published && kind.suits(&url, asking);
            for kind in self.spec.load.streams.iter().copied().filter(suits) {
                plans.push((kind, kind.plan_at(name.as_deref(), &url, asking)?));
            }
        }
        let (speed, load) = (self.env.site.speed(), &self.spec.load);
        let (mut plans, left_out) =
            admit(plans, load.insist, &load.named, speed, self.env.interrupt).await?;
        for text in left_out.into_iter().chain(self.beside.notes.iter().cloned()) {
            self.recorder.caveat(text);
        }
        if let Some(companions) = &self.beside.companions {
            plans.extend(self.companion_plans(companions)?);
        }
        self.probe(plans)?;
        let inside = self.inside_plans()?;
        if !inside.is_empty() {
            self.probe_inside(&inside).await?;
        }
        if self.spec.self_test == NegativeControl::Planned {
            self.self_test().await?;
        }
        let baseline = self.baseline();
        let why = if baseline > self.spec.load.baseline {
            let time = setting(baseline.as_secs_f64());
            format!(" for {time}, because {BASELINE_REQUESTS} requests take so long at this rate")
        } else {
            String::new()
        };
        self.recorder.phase("baseline", format!("measuring {url} before anything changes{why}"));
        self.recorder.take_users();
        self.steady(baseline).await?;
        // Nothing after this could tell what a change costs.
        self.recorder.take_users().verdict().map_or(Ok(()), Err)
    }

    /// How long users are measured before each change.
    pub(super) fn baseline(&self) -> Duration {
        long_enough(self.spec.load.baseline, self.probers.densest_hz)
    }

    /// What may still have to start once the stack has converged.
    fn start(&self) -> Start {
        let subject = &self.spec.subject;
        match subject.arrival {
            Arrival::Deploy(_) if !subject.is_asked_itself() => Start::ProxyLearns,
            _ => Start::Over,
        }
    }

    /// The streams to services beside the stack.
    fn companion_plans(&self, companions: &Companions) -> Result<Vec<StreamPlan>> {
        let asking = &self.spec.load.asking;
        let control = companions.url(CompanionKind::Control);
        let kinds = self.spec.load.streams.iter().filter(|kind| kind.route == Route::Companion);
        let control =
            control.iter().flat_map(|url| kinds.clone().map(|kind| kind.plan(url, asking)));
        let self_test = companions.url(CompanionKind::SelfTest);
        let self_test = self_test.iter().map(|url| SELF_TEST.plan(url, asking));
        control.chain(self_test).collect()
    }

    /// The streams from inside the network, with the path that users ask.
    fn inside_plans(&self) -> Result<Vec<StreamPlan>> {
        let Some((name, port)) = &self.beside.inside else { return Ok(Vec::new()) };
        let target = &self.spec.subject.target;
        let users = StreamPlan::new("users", &target.url, 1.0)?;
        let path = target.inside_path.clone().unwrap_or_else(|| users.path());
        let itself = self.spec.subject.is_asked_itself();
        let mut asking = self.spec.load.asking.clone();
        // A proxy speaks plain HTTP to what is behind it.
        asking.asked.http2 &= itself;
        asking.asked.resolve.clear();
        let kinds = self.spec.load.streams.iter().filter(|kind| kind.is_inside());
        kinds
            .map(|kind| {
                let name = match kind.route {
                    // This name has an address for each task, whatever the endpoint mode.
                    Route::Task => format!("tasks.{}", target.service),
                    _ => name.clone(),
                };
                if itself && users.scheme() == "https" {
                    // The certificate is for the name that users ask.
                    let host = users.host_name();
                    let url = published_url("https", &host, *port, &path);
                    let mut plan = kind.plan(&url, &asking)?;
                    plan.connect_to = Some(name.into());
                    return Ok(plan);
                }
                let scheme = if users.scheme() == "tcp" { "tcp" } else { "http" };
                kind.plan(&published_url(scheme, &name, *port, &path), &asking)
            })
            .collect()
    }

    /// Starts streams from this program. Those whose responses take long have a prober of their
    /// own, so that they can be stopped before the others.
    fn probe(&mut self, mut plans: Vec<StreamPlan>) -> Result<()> {
        plans.sort_by_key(|plan| plan.takes);
        self.probers.note_rates(&plans);
        self.recorder.add_streams(plans.iter().map(StreamPlan::facts).collect());
        for group in plans.chunk_by(|one, other| one.takes == other.takes) {
            let sink = self.recorder.shot_sink();
            let first = self.probers.streams;
            let sink = move |index, shot| sink(first + index, shot);
            let prober = Prober::start(group.to_vec(), self.clock, sink)?;
            self.probers.streams += group.len();
            let group = Group { sender: Sender::Here(prober), takes: group[0].takes };
            self.probers.groups.push(group);
        }
        Ok(())
    }

    /// Starts streams from inside the network.
    async fn probe_inside(&mut self, plans: &[StreamPlan]) -> Result<()> {
        let Some(companions) = &self.beside.companions else { return Ok(()) };
        let order = ProbeOrder::new(plans, INSIDE_AT_MOST)?;
        self.recorder.add_streams(plans.iter().map(StreamPlan::facts).collect());
        self.probers.note_rates(plans);
        let first = self.probers.streams;
        self.probers.streams += plans.len();
        let sink = self.recorder.shot_sink();
        let started = tokio::select! {
            error = self.stopped() => Err(error),
            started = companions.start_prober(&order, first, sink) => started,
        }?;
        let in_flight = plans.iter().map(|plan| plan.timeout).max().unwrap_or_default();
        let sender = Sender::Inside(Box::new(started), LAST_SHOTS_WITHIN + in_flight);
        self.probers.groups.push(Group { sender, takes: LAST_SHOTS });
        Ok(())
    }

    /// Performs an update that is built to lose requests: it shows that losses are detected. That
    /// it takes too long is recorded.
    async fn self_test(&self) -> Result<()> {
        let Some(companions) = &self.beside.companions else { return Ok(()) };
        self.recorder.phase("self-test", "an update that is built to lose requests");
        self.steady(BEFORE_SELF_TEST).await?;
        let service = CompanionKind::SelfTest.service(&self.spec.subject.stack);
        self.recorder.tell(EventKind::NegativeControlStarted { service });
        let done = tokio::select! {
            error = self.stopped() => return Err(error),
            done = companions.lose_requests() => done,
        };
        let gave_up = done.err().map(|error: Error| error.with_cause());
        self.recorder.tell(EventKind::NegativeControlEnded { gave_up });
        Ok(())
    }

    /// Lets time pass while nothing is changed, and stops all streams at its end.
    ///
    /// # Errors
    /// When the user stops the run, the record breaks or a prober failed.
    pub(super) async fn wind_down(&mut self, duration: Duration) -> Result<()> {
        let end = Instant::now() + duration;
        let stop = async |group: Group| {
            sleep_until(end.checked_sub(group.takes).unwrap_or(end)).await;
            group.sender.stop().await
        };
        let stops: Vec<_> = self.probers.groups.drain(..).map(stop).collect();
        tokio::select! {
            error = self.stopped() => Err(error),
            stopped = try_join(sleep_until(end).map(Ok), try_join_all(stops)) => stopped.map(drop),
        }
    }
}

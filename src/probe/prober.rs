//! The prober: a separate thread that sends requests.

use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use thread_priority::{
    RealtimeThreadSchedulePolicy, ScheduleParams, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};
use tokio::sync::oneshot;

use super::replicas::{self, Lookup, system_lookup};
use super::schedule::Stalls;
use super::stream::{Sink, Stream};
use super::tls::Secure;
use super::{ProbeTotals, StreamPlan, ahead, holder, pacer, slots};
use crate::record::Shot;
use crate::{Clock, Error, Result};

/// Tasks polled between two checks for kernel events, including the timer of the schedule. A
/// task's turn takes about 10 microseconds.
const EVENT_INTERVAL: u32 = 16;
/// How often the event loop wakes for no other reason; well below the time limits of requests.
const EARLY: Duration = Duration::from_millis(50);
/// Threads for name lookups; each blocks one.
const LOOKUP_THREADS: usize = 32;

/// The prober's nice value where it may not run in real time: well ahead of ordinary programs, but
/// not of the system itself.
const PRIORITY: i32 = -15;

/// Running streams. They have a separate thread and event loop, so that neither the caller's tasks
/// nor drawing disturb the schedule. Dropping it stops the streams without waiting for the requests
/// in flight.
#[derive(Debug)]
pub struct Prober {
    stop: Option<oneshot::Sender<()>>,
    ended: oneshot::Receiver<Result<Vec<ProbeTotals>>>,
    totals: Option<Result<Vec<ProbeTotals>>>,
}

impl Prober {
    /// Starts the streams. `sink` gets each shot with the index of its stream, in the order in
    /// which they end, on the prober's thread: it must not block.
    ///
    /// # Errors
    /// A usage error for a plan that contradicts itself; an environment error if there is no
    /// thread or timer, or if the limit of open files is too low.
    pub fn start(
        plans: Vec<StreamPlan>,
        clock: Clock,
        sink: impl Fn(usize, Shot) + Send + Sync + 'static,
    ) -> Result<Self> {
        Self::start_with(plans, clock, sink, None)
    }

    /// [`Prober::start`] with another way to look names up than the system's, if there is one.
    pub(super) fn start_with(
        plans: Vec<StreamPlan>,
        clock: Clock,
        sink: impl Fn(usize, Shot) + Send + Sync + 'static,
        lookup: Option<Arc<Lookup>>,
    ) -> Result<Self> {
        plans.iter().try_for_each(StreamPlan::check)?;
        let secure =
            plans.iter().map(StreamPlan::tls_client).collect::<Result<Vec<Option<Secure>>>>()?;
        let slots = slots::share(&plans, slots::raise_descriptor_limit()?)?;
        check_sources(&plans)?;
        let (stop, stopped) = oneshot::channel();
        let (report, ended) = oneshot::channel();
        let (ready, is_ready) = mpsc::sync_channel(1);
        let work = move || {
            go_first();
            let runtime = match runtime() {
                Ok(runtime) => runtime,
                Err(error) => return drop(ready.send(Err(no_thread(error)))),
            };
            drop(ready.send(Ok(())));
            let sink: Rc<Sink> = Rc::new(sink);
            let stalls = Stalls::default();
            let streams: Vec<Rc<Stream>> = plans
                .into_iter()
                .zip(secure)
                .zip(slots)
                .enumerate()
                .map(|(index, ((plan, secure), slots))| {
                    let (stalls, sink) = (stalls.clone(), Rc::clone(&sink));
                    let mut stream = Stream::new(index, plan, secure, slots, clock, stalls, sink);
                    stream.lookup.clone_from(&lookup);
                    Rc::new(stream)
                })
                .collect();
            let lookup = lookup.unwrap_or_else(|| Arc::new(system_lookup));
            let totals = runtime.block_on(run(&streams, &lookup, clock, &stalls, stopped));
            // A hanging name lookup cannot be stopped; it must not block the thread.
            runtime.shutdown_background();
            drop(report.send(totals));
        };
        thread::Builder::new().name("prober".into()).spawn(work).map_err(no_thread)?;
        is_ready.recv().map_err(no_thread)??;
        Ok(Self { stop: Some(stop), ended, totals: None })
    }

    /// Waits until every stream has sent all its shots and they have ended. Never returns if a
    /// stream has no limit. Safe to cancel and to call again.
    pub async fn finished(&mut self) {
        if self.totals.is_none() {
            let totals = (&mut self.ended).await;
            self.totals = Some(totals.unwrap_or_else(|error| {
                Err(Error::environment("the prober's thread ended early").caused_by(error))
            }));
        }
    }

    /// Stops sending, waits for the requests in flight (at most their timeouts) and returns what
    /// each stream did, in the order of the plans.
    ///
    /// # Errors
    /// An environment error if the timer failed or shots were lost.
    pub async fn stop(mut self) -> Result<Vec<ProbeTotals>> {
        drop(self.stop.take());
        self.finished().await;
        self.totals.unwrap_or_else(|| Ok(Vec::new()))
    }
}

/// Gives this thread priority over others where that is allowed: an update starts containers, which
/// take all available processor time, and requests sent late prove nothing. A nice value is not
/// enough: with autogroups and control groups it only counts within its own group (sched(7)). On
/// Linux, `setpriority(2)` applies to the calling thread alone. Without the right to do either,
/// nothing changes, and the measured lag shows whether that mattered.
fn go_first() {
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
    let first = ThreadPriority::from_posix(ScheduleParams { sched_priority: 1 });
    let Err(error) = set_thread_priority_and_policy(thread_native_id(), first, policy) else {
        return;
    };
    tracing::debug!(?error, "the prober does not run with real-time priority");
    if let Err(error) = rustix::process::setpriority_process(None, PRIORITY) {
        tracing::debug!(%error, "the prober runs with normal priority");
    }
}

/// One thread: at a few thousand requests a second it is mostly idle, and passing work to another
/// thread would cost more than the work itself.
pub(super) fn runtime() -> std::io::Result<LocalRuntime> {
    Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .event_interval(EVENT_INTERVAL)
        .max_blocking_threads(LOOKUP_THREADS)
        .thread_name("prober-lookup")
        .thread_keep_alive(Duration::from_secs(60))
        .build_local(LocalOptions::default())
}

fn no_thread(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::environment("cannot start the prober's thread").caused_by(cause)
}

/// With a source address that this machine does not have, every shot would be unsent.
fn check_sources(plans: &[StreamPlan]) -> Result<()> {
    for plan in plans {
        if let Some(source) = plan.source {
            std::net::UdpSocket::bind((source, 0)).map_err(|error| {
                Error::environment(format!("cannot send from the address {source}"))
                    .caused_by(error)
            })?;
        }
    }
    Ok(())
}

async fn run(
    streams: &[Rc<Stream>],
    lookup: &Arc<Lookup>,
    clock: Clock,
    stalls: &Stalls,
    stopped: oneshot::Receiver<()>,
) -> Result<Vec<ProbeTotals>> {
    tokio::task::spawn_local(keep_timers_early());
    for stream in streams {
        if let Some(replicas) = &stream.replicas {
            let (host, port) = (stream.plan.host().clone(), stream.plan.target().port);
            let following =
                replicas::follow(Rc::clone(replicas), host, port, clock, Arc::clone(lookup));
            tokio::task::spawn_local(following);
        }
    }
    let users =
        streams.iter().flat_map(|stream| stream.holders.iter().map(move |one| (stream, one)));
    let users: Vec<_> = users
        .map(|(stream, one)| {
            tokio::task::spawn_local(holder::keep(Rc::clone(stream), Rc::clone(one)))
        })
        .collect();
    let paced = tokio::select! {
        biased;
        paced = async {
            ahead::open(streams).await;
            pacer::pace(streams, clock, stalls).await
        } => paced,
        _ = stopped => Ok(()),
    };
    let no_timer = |error| Error::environment("the prober's timer failed").caused_by(error);
    for stream in streams {
        stream.end();
    }
    paced.map_err(no_timer)?;
    tokio::select! {
        biased;
        failed = pacer::watch(clock, stalls) => failed.map_err(no_timer)?,
        landed = all_landed(streams) => landed?,
    }
    for stream in streams {
        stream.leave();
    }
    for user in users {
        // They give the server a moment each, all at the same time.
        let _ = user.await;
    }
    Ok(streams.iter().map(|stream| stream.totals.borrow().clone()).collect())
}

/// Keeps a tokio timer that is due before any time limit of a request. Setting a timer that is due
/// before all others wakes the event loop through its descriptor, even from within: two system
/// calls for each time limit, and almost none of them is ever reached.
async fn keep_timers_early() {
    loop {
        tokio::time::sleep(EARLY).await;
    }
}

async fn all_landed(streams: &[Rc<Stream>]) -> Result<()> {
    for stream in streams {
        // A flight ends by its own time limits; this one only keeps a bug from hanging.
        let limit = stream.plan.timeout + Duration::from_secs(1);
        let landed = tokio::time::timeout(limit, stream.all_landed()).await;
        if landed.is_err() || stream.lost() > 0 {
            return Err(Error::environment(format!(
                "the prober lost {} requests of stream `{}`",
                stream.lost(),
                stream.plan.name
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener};
    use std::sync::Mutex;

    use super::*;
    use crate::record::{Outcome, Purpose};

    /// A server on `127.0.0.<last>` that names itself.
    fn replica(last: u8, port: u16) -> SocketAddr {
        let listener = TcpListener::bind((format!("127.0.0.{last}"), port)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 1024]);
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Rollproof-Instance: r{last}\r\n\r\n"
                );
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        address
    }

    #[tokio::test]
    async fn each_replica_is_asked_at_each_tick_even_after_it_left_its_name() {
        let first = replica(2, 0);
        let port = first.port();
        let mut known: Vec<SocketAddr> = (3..=7).map(|last| replica(last, port)).collect();
        known.push(first);
        let name = Arc::new(Mutex::new(known.clone()));
        let lookup = {
            let name = Arc::clone(&name);
            move |asked: &str, at: u16| {
                assert_eq!((asked, at), ("tasks.web", port));
                Ok(name.lock().unwrap().clone())
            }
        };
        let mut plan =
            StreamPlan::new("each", &format!("http://tasks.web:{port}/"), 100.0).unwrap();
        plan.purpose = Purpose::EachReplica;
        let (sender, shots) = mpsc::channel();
        let sink = move |_, shot: Shot| drop(sender.send(shot));
        let prober =
            Prober::start_with(vec![plan], Clock::start(), sink, Some(Arc::new(lookup))).unwrap();
        let count = |shots: &mpsc::Receiver<Shot>, until: &dyn Fn(&[Shot]) -> bool| {
            let mut seen = Vec::new();
            while !until(&seen) {
                seen.push(shots.recv_timeout(Duration::from_secs(20)).unwrap());
            }
            seen
        };
        let mut all = count(&shots, &|seen| seen.len() >= 60);
        // One leaves the name, and a new one appears that does not listen.
        {
            let mut name = name.lock().unwrap();
            name.pop();
            name.push(SocketAddr::from(([127, 0, 0, 8], port)));
        }
        let of = |seen: &[Shot], to: &str| {
            seen.iter().filter(|shot| shot.to.as_deref() == Some(to)).count()
        };
        all.extend(count(&shots, &|seen| of(seen, "127.0.0.8") >= 20));
        let totals = prober.stop().await.unwrap();
        all.extend(shots);
        assert_eq!(totals[0].sent + totals[0].unsent.total(), all.len() as u64);

        let mut ticks = std::collections::BTreeMap::<_, Vec<&Shot>>::new();
        for shot in &all {
            ticks.entry(shot.intended).or_default().push(shot);
        }
        for (tick, shots) in ticks {
            let mut to: Vec<_> = shots.iter().map(|shot| shot.to.clone().unwrap()).collect();
            to.sort();
            to.dedup();
            assert_eq!(to.len(), shots.len(), "an address was asked twice at {tick}");
            assert!(matches!(to.len(), 6 | 7), "{to:?} at {tick}");
        }
        for shot in all.iter().filter(|shot| shot.sent.is_some()) {
            let to = shot.to.as_deref().unwrap();
            if to == "127.0.0.8" {
                assert_eq!(shot.outcome, Outcome::Refused);
            } else if shot.outcome == Outcome::Ok {
                let last = to.rsplit('.').next().unwrap();
                assert_eq!(shot.replica.as_deref(), Some(format!("r{last}").as_str()));
            }
        }
        // It was still asked after it had left the name.
        let left = known.last().unwrap().ip().to_string();
        let new = all.iter().filter(|shot| shot.to.as_deref() == Some("127.0.0.8"));
        let since = new.map(|shot| shot.intended).min().unwrap();
        assert!(all.iter().any(|shot| shot.to.as_deref() == Some(&left) && shot.intended > since));
    }
}

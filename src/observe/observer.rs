//! The observer: one task that polls, listens, and tells.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::event_streams::{self, Told};
use super::machine;
use super::poll::Changes;
use super::translate::{EngineTime, container_event};
use super::{Generations, Snapshot};
use crate::Clock;
use crate::Offset;
use crate::engine::{Engine, EngineEvent};
use crate::error::Result;
use crate::record::{Event, EventKind};
use crate::swarm::UpdateState;

/// How often services and tasks are polled. The docker CLI polls every 200 ms.
const POLL_EVERY: Duration = Duration::from_millis(100);

/// Takes events; must not block.
pub type EventSink = Arc<dyn Fn(Event) + Send + Sync>;

/// What to watch.
#[derive(Debug, Clone)]
pub struct Watch {
    /// A manager.
    pub manager: Engine,
    /// Every engine whose containers can be seen, the manager included.
    pub engines: Vec<Engine>,
    /// The services, by name.
    pub services: Vec<String>,
    /// The run's clock.
    pub clock: Clock,
    /// Engine clock minus ours.
    pub clock_offset: Offset,
}

/// Watches services until it is stopped.
#[derive(Debug)]
pub struct Observer {
    generations: Arc<Mutex<Generations>>,
    snapshots: watch::Receiver<Snapshot>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Observer {
    /// Starts to watch. Events go to `sink` in the order in which they are seen.
    #[must_use]
    pub fn start(watch: Watch, sink: EventSink) -> Self {
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let time = EngineTime { clock: watch.clock, offset: watch.clock_offset };
        let since = engine_now(time);
        let told = event_streams::listen(&watch.engines, since, time, &stop, &tasks);
        let generations = Arc::new(Mutex::new(Generations::default()));
        let (publish, snapshots) = tokio::sync::watch::channel(Snapshot::default());
        machine::watch(watch.clock, sink.clone(), stop.clone(), &tasks);
        let eye = Eye {
            watch,
            time,
            changes: Changes::new(time, generations.clone()),
            sink,
            publish,
            lost: None,
        };
        tasks.spawn(eye.run(told, stop.clone()));
        tasks.close();
        Self { generations, snapshots, stop, tasks }
    }

    /// The newest state, and every newer one.
    #[must_use]
    pub fn snapshots(&self) -> watch::Receiver<Snapshot> {
        self.snapshots.clone()
    }

    /// The number of a task template of a service, as events give it.
    #[must_use]
    pub fn generation(&self, service: &str, template: &serde_json::Value) -> u32 {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.number(service, template)
    }

    /// Stops watching; everything seen so far has been told when this returns.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

/// The engine's time now, by our clock.
fn engine_now(time: EngineTime) -> Timestamp {
    let nanos = time.clock.started_at().as_nanosecond()
        + i128::from((time.clock.now() + time.offset).as_nanos());
    Timestamp::from_nanosecond(nanos).unwrap_or(Timestamp::UNIX_EPOCH)
}

struct Eye {
    watch: Watch,
    time: EngineTime,
    changes: Changes,
    sink: EventSink,
    publish: watch::Sender<Snapshot>,
    lost: Option<(Offset, String)>,
}

impl Eye {
    async fn run(mut self, mut told: mpsc::UnboundedReceiver<Told>, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(POLL_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(told) = told.recv() => {
                    self.hear(told);
                    if self.changes.has_heard() {
                        self.look(&stop).await;
                    }
                }
                _ = ticks.tick() => self.look(&stop).await,
            }
        }
        while let Ok(told) = told.try_recv() {
            self.hear(told);
        }
    }

    fn hear(&mut self, told: Told) {
        match told {
            Told::Event { event, seen } => {
                let at = self.time.map(event.time).min(seen);
                if event.kind == "service" {
                    self.hear_service(&event, at, seen);
                } else if let Some(kind) = container_event(&event)
                    && self.is_watched(&kind)
                {
                    (self.sink)(Event { at, seen, kind });
                }
            }
            Told::Broke(error) => self.tell(EventKind::Caveat {
                text: format!("an engine's event stream broke and was opened again: {error}"),
            }),
        }
    }

    fn is_watched(&self, kind: &EventKind) -> bool {
        match kind {
            EventKind::Container { service, .. } => self.watch.services.contains(service),
            _ => false,
        }
    }

    fn hear_service(&mut self, event: &EngineEvent, at: Offset, seen: Offset) {
        let (Some(service), Some(state)) =
            (event.attribute("name"), event.attribute("updatestate.new"))
        else {
            return;
        };
        if self.watch.services.iter().any(|watched| watched == service) {
            self.changes.heard(service, UpdateState::parse(state), at, seen);
        }
    }

    async fn look(&mut self, stop: &CancellationToken) {
        let asked_at = self.time.clock.now();
        let looked = tokio::select! {
            () = stop.cancelled() => return,
            looked = self.poll(asked_at) => looked,
        };
        match looked {
            Ok(snapshot) => {
                if self.lost.take().is_some() {
                    self.tell(EventKind::ObserverResumed);
                }
                self.publish.send_replace(snapshot);
            }
            Err(error) => {
                let text = match std::error::Error::source(&error) {
                    Some(cause) => format!("{error}: {cause}"),
                    None => error.to_string(),
                };
                if self.lost.is_none() {
                    self.lost = Some((asked_at, text.clone()));
                    self.tell(EventKind::ObserverLost { text });
                }
                let lost = self.lost.clone();
                self.publish.send_modify(|snapshot| snapshot.lost = lost);
            }
        }
    }

    async fn poll(&mut self, asked_at: Offset) -> Result<Snapshot> {
        let mut snapshot = Snapshot { asked_at, ..Snapshot::default() };
        for name in &self.watch.services {
            let Some(view) = self.watch.manager.service(name).await? else { continue };
            let tasks = self.watch.manager.tasks(&view.id).await?;
            let mut events = Vec::new();
            let service = self.changes.polled(view, &tasks, &mut events);
            snapshot.services.insert(name.clone(), service);
            for event in events {
                (self.sink)(event);
            }
        }
        Ok(snapshot)
    }

    fn tell(&self, kind: EventKind) {
        let now = self.time.clock.now();
        (self.sink)(Event { at: now, seen: now, kind });
    }
}

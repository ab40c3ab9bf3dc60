//! The observer: polls services and tasks, follows event streams, and emits events.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::event_streams::{self, EngineTime, StreamItem, container_event, whose_process};
use super::health_checks::{HealthChecks, Whose};
use super::poll::Changes;
use super::service_logs::ServiceLogs;
use super::{Generations, Snapshot, machine, nodes};
use crate::Clock;
use crate::Offset;
use crate::engine::{Engine, EngineEvent};
use crate::error::Result;
use crate::record::{ContainerAction, Event, EventKind};
use crate::swarm::UpdateState;

/// How often services and tasks are polled. The docker CLI polls every 200 ms.
const POLL_EVERY: Duration = Duration::from_millis(100);

/// Takes events; must not block.
pub type EventSink = Arc<dyn Fn(Event) + Send + Sync>;

/// What to watch.
#[derive(Debug, Clone)]
pub struct Watch {
    /// A manager of the swarm.
    pub manager: Engine,
    /// Every engine whose containers can be seen, including the manager.
    pub engines: Vec<Engine>,
    /// The names of the services.
    pub services: Vec<String>,
    /// Those of them whose health checks are read, each result of each container.
    pub checked: Vec<String>,
    /// Those of them of which it is kept what their containers print.
    pub logged: Vec<String>,
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
    /// Starts to watch. Events reach `sink` in the order in which they are seen.
    #[must_use]
    pub fn start(watch: Watch, sink: EventSink) -> Self {
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let time = EngineTime { clock: watch.clock, offset: watch.clock_offset };
        let stream = event_streams::follow(&watch.engines, time, &stop, &tasks);
        let generations = Arc::new(Mutex::new(Generations::default()));
        let (publish, snapshots) = tokio::sync::watch::channel(Snapshot::default());
        machine::watch(watch.clock, sink.clone(), stop.clone(), &tasks);
        nodes::watch(watch.manager.clone(), time, sink.clone(), stop.clone(), &tasks);
        let checks = HealthChecks::new(
            watch.checked.clone(),
            time,
            sink.clone(),
            stop.clone(),
            tasks.clone(),
        );
        let logs =
            ServiceLogs::new(watch.logged.clone(), time, sink.clone(), stop.clone(), tasks.clone());
        let watcher = Watcher {
            watch,
            checks,
            logs,
            time,
            changes: Changes::new(time, generations.clone()),
            sink,
            publish,
            lost: None,
        };
        tasks.spawn(watcher.run(stream, stop.clone()));
        tasks.close();
        Self { generations, snapshots, stop, tasks }
    }

    /// The newest state, updated after every poll.
    #[must_use]
    pub fn snapshots(&self) -> watch::Receiver<Snapshot> {
        self.snapshots.clone()
    }

    /// The number of a task template of a service, as used in events.
    #[must_use]
    pub fn generation(&self, service: &str, template: &serde_json::Value) -> u32 {
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        generations.number(service, template)
    }

    /// Stops watching. When this returns, every event seen so far has reached the sink.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

/// The task that polls and listens.
struct Watcher {
    watch: Watch,
    checks: HealthChecks,
    logs: ServiceLogs,
    time: EngineTime,
    changes: Changes,
    sink: EventSink,
    publish: watch::Sender<Snapshot>,
    lost: Option<(Offset, String)>,
}

impl Watcher {
    async fn run(
        mut self,
        mut stream: mpsc::UnboundedReceiver<StreamItem>,
        stop: CancellationToken,
    ) {
        let (logged, engines) = (self.watch.logged.clone(), self.watch.engines.clone());
        let mut before = pin!(ServiceLogs::already_running(&logged, &engines));
        let mut found = false;
        let mut ticks = tokio::time::interval(POLL_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                Some(item) = stream.recv() => {
                    self.handle(item);
                    if self.changes.is_poll_due() {
                        self.look(&stop).await;
                    }
                }
                running = &mut before, if !found => {
                    found = true;
                    for (container, task, service, engine) in running {
                        self.logs.running(&container, &task, &service, &engine);
                    }
                }
                _ = ticks.tick() => self.look(&stop).await,
            }
        }
        while let Ok(item) = stream.try_recv() {
            self.handle(item);
        }
    }

    fn handle(&mut self, item: StreamItem) {
        match item {
            StreamItem::Event { event, engine, seen } => {
                let at = self.time.map(event.time).min(seen);
                if event.kind == "service" {
                    self.handle_service(&event, at, seen);
                } else if let Some(whose) = whose_process(&event) {
                    self.checks.process(whose, &engine);
                } else if let Some(kind) = container_event(&event) {
                    self.handle_container(&kind, at, seen, &engine);
                }
            }
            StreamItem::Broke(error) => self.emit(EventKind::Caveat {
                text: format!("the event stream of an engine broke and was reopened: {error}"),
            }),
        }
    }

    fn handle_container(
        &mut self,
        kind: &EventKind,
        at: Offset,
        seen: Offset,
        engine: &Arc<Engine>,
    ) {
        let EventKind::Container { container, task, service, action, .. } = kind else { return };
        if !self.watch.services.contains(service) {
            return;
        }
        (self.sink)(Event { at, seen, kind: kind.clone() });
        if *action == ContainerAction::Start {
            self.logs.running(container, task, service, engine);
        }
        self.checks.container(Whose { container, task, service }, *action, at, engine);
    }

    fn handle_service(&mut self, event: &EngineEvent, at: Offset, seen: Offset) {
        let (Some(service), Some(state)) =
            (event.attribute("name"), event.attribute("updatestate.new"))
        else {
            return;
        };
        if self.watch.services.iter().any(|watched| watched == service) {
            self.changes.streamed(service, UpdateState::parse(state), at, seen);
        }
    }

    async fn look(&mut self, stop: &CancellationToken) {
        let asked_at = self.time.clock.now();
        let polled = tokio::select! {
            () = stop.cancelled() => return,
            polled = self.poll(asked_at) => polled,
        };
        match polled {
            Ok(snapshot) => {
                if self.lost.take().is_some() {
                    self.emit(EventKind::ObserverResumed);
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
                    self.emit(EventKind::ObserverLost { text });
                }
                let lost = self.lost.clone();
                self.publish.send_modify(|snapshot| snapshot.lost = lost);
            }
        }
    }

    async fn poll(&mut self, asked_at: Offset) -> Result<Snapshot> {
        let mut snapshot = Snapshot { asked_at, ..Snapshot::default() };
        let found = self.watch.manager.services_with_tasks(&self.watch.services).await?;
        for (view, tasks) in found {
            let name = view.name().to_owned();
            let mut events = Vec::new();
            let service = self.changes.polled(view, &tasks, &mut events);
            snapshot.services.insert(name, service);
            for event in events {
                (self.sink)(event);
            }
        }
        self.changes.poll_done();
        Ok(snapshot)
    }

    fn emit(&self, kind: EventKind) {
        let now = self.time.clock.now();
        (self.sink)(Event { at: now, seen: now, kind });
    }
}

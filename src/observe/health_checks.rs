//! Reads the results of health checks.
//!
//! The engine keeps the last five results of a container and says only when its state changes. A
//! check is a process in the container, of whose start and end there are events: each makes the
//! results be read once more, and those that are new are passed on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::EventSink;
use super::event_streams::EngineTime;
use crate::Offset;
use crate::engine::{Engine, HealthLog};
use crate::record::{CheckRules, CheckSeen, ContainerAction, Event, EventKind};
use crate::swarm::HealthCheck;

/// From the end of a check's process until the engine has its result (moby `daemon/health.go`).
const STORED_AFTER: Duration = Duration::from_millis(50);
/// Time limit of one look, which delays the observer's end.
const INSPECT_WITHIN: Duration = Duration::from_secs(5);

/// What makes the results of a container be read.
enum Look {
    /// A process began or ended in it.
    Again,
    /// It became unhealthy, at this instant. Swarm stops it now.
    Unhealthy(Offset),
    /// Its main process ended.
    Last,
}

/// The containers whose checks are read, each by a task of its own.
pub(super) struct HealthChecks {
    services: Vec<String>,
    time: EngineTime,
    sink: EventSink,
    stop: CancellationToken,
    tasks: TaskTracker,
    readers: HashMap<String, mpsc::UnboundedSender<Look>>,
}

/// A container of a service.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whose<'a> {
    pub(super) container: &'a str,
    pub(super) task: &'a str,
    pub(super) service: &'a str,
}

impl HealthChecks {
    /// Reads the checks of these services' containers.
    pub(super) fn new(
        services: Vec<String>,
        time: EngineTime,
        sink: EventSink,
        stop: CancellationToken,
        tasks: TaskTracker,
    ) -> Self {
        Self { services, time, sink, stop, tasks, readers: HashMap::new() }
    }

    /// A process began or ended in a container.
    pub(super) fn process(&mut self, whose: Whose, engine: &Arc<Engine>) {
        self.look(whose, engine, Look::Again);
    }

    /// Something happened to a container.
    pub(super) fn container(
        &mut self,
        whose: Whose,
        action: ContainerAction,
        at: Offset,
        engine: &Arc<Engine>,
    ) {
        match action {
            ContainerAction::Healthy => self.look(whose, engine, Look::Again),
            ContainerAction::Unhealthy => self.look(whose, engine, Look::Unhealthy(at)),
            ContainerAction::Die => {
                // Without a reader no check was seen to begin.
                if let Some(reader) = self.readers.remove(whose.container) {
                    let _ = reader.send(Look::Last);
                }
            }
            _ => {}
        }
    }

    fn look(&mut self, whose: Whose, engine: &Arc<Engine>, look: Look) {
        if !self.services.iter().any(|service| service == whose.service) {
            return;
        }
        let reader = self.readers.entry(whose.container.to_owned()).or_insert_with(|| {
            let (sender, looks) = mpsc::unbounded_channel();
            let reader = Reader {
                engine: engine.clone(),
                container: whose.container.to_owned(),
                task: whose.task.to_owned(),
                service: whose.service.to_owned(),
                time: self.time,
                sink: self.sink.clone(),
                newest: None,
                said_rules: false,
            };
            self.tasks.spawn(reader.run(looks, self.stop.clone()));
            sender
        });
        let _ = reader.send(look);
    }
}

/// Reads the results of one container.
struct Reader {
    engine: Arc<Engine>,
    container: String,
    task: String,
    service: String,
    time: EngineTime,
    sink: EventSink,
    /// The start of the newest result that was passed on.
    newest: Option<Timestamp>,
    said_rules: bool,
}

impl Reader {
    async fn run(mut self, mut looks: mpsc::UnboundedReceiver<Look>, stop: CancellationToken) {
        let mut stopped = false;
        while !stopped {
            let first = tokio::select! {
                look = looks.recv() => look,
                () = stop.cancelled() => {
                    stopped = true;
                    looks.try_recv().ok()
                }
            };
            let Some(mut look) = first else { return };
            // What is known at once: the container is stopped now, and may soon be gone.
            if matches!(look, Look::Again) {
                tokio::time::sleep(STORED_AFTER).await;
            }
            while let Ok(next) = looks.try_recv() {
                if !matches!(look, Look::Unhealthy(_)) {
                    look = next;
                }
                stopped |= matches!(look, Look::Last);
            }
            stopped |= matches!(look, Look::Last);
            let read =
                tokio::time::timeout(INSPECT_WITHIN, self.engine.health_log(&self.container));
            match read.await {
                Ok(Ok(Some(log))) => self.pass_on(&log, &look),
                Ok(Ok(None)) => {}
                Ok(Err(error)) => tracing::debug!(%error, "cannot read the health checks"),
                Err(_) => tracing::debug!(self.container, "reading the health checks timed out"),
            }
        }
    }

    fn pass_on(&mut self, log: &HealthLog, look: &Look) {
        let now = self.time.clock.now();
        let last = log.results.last().map(|result| result.start);
        for result in &log.results {
            let (start, end) = (self.time.map(result.start), self.time.map(result.end));
            // What ended before the run is no part of it.
            if self.newest.is_some_and(|newest| result.start <= newest) || end < Offset::ZERO {
                continue;
            }
            self.newest = Some(result.start);
            let rules = (!std::mem::replace(&mut self.said_rules, true)).then(|| rules(&log.rules));
            let kind = EventKind::HealthCheck(CheckSeen {
                task: self.task.clone(),
                after: between(log.started_at, result.start),
                took: end - start,
                exit_code: result.exit_code,
                streak: (Some(result.start) == last).then_some(log.streak),
                output: result.output.clone(),
                rules,
            });
            (self.sink)(Event { at: start.min(now), seen: now, kind });
        }
        let failed = log.results.last().filter(|result| result.exit_code != 0);
        if let (Look::Unhealthy(at), Some(failed)) = (look, failed) {
            let kind = EventKind::HealthCheckFailed {
                container: self.container.clone(),
                task: self.task.clone(),
                service: self.service.clone(),
                failures: log.streak,
                exit_code: failed.exit_code,
                output: failed.output.clone(),
            };
            (self.sink)(Event { at: *at, seen: now, kind });
        }
    }
}

fn rules(check: &HealthCheck) -> CheckRules {
    CheckRules {
        interval: Offset::from_secs_f64(check.interval),
        timeout: Offset::from_secs_f64(check.timeout),
        retries: check.retries,
        start_period: Offset::from_secs_f64(check.start_period),
    }
}

fn between(from: Timestamp, to: Timestamp) -> Offset {
    let nanos = to.as_nanosecond() - from.as_nanosecond();
    Offset::from_nanos(i64::try_from(nanos).unwrap_or(0))
}

//! Keeps what a service's containers print, within bounds.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::EventSink;
use super::event_streams::EngineTime;
use super::kept_lines::KeptLines;
use crate::Offset;
use crate::engine::{Engine, PrintedLine};
use crate::record::{Event, EventKind, LogLine};
use crate::wording::cut;

/// The longest line that is kept, in cells of a terminal.
const LONGEST: usize = 400;
/// So many bytes of all containers together are kept in one run.
const MOST: usize = 4 * 1024 * 1024;

/// Follows the containers of some services.
pub(super) struct ServiceLogs {
    services: Vec<String>,
    time: EngineTime,
    since: Timestamp,
    sink: EventSink,
    stop: CancellationToken,
    tasks: TaskTracker,
    followed: HashSet<String>,
    kept: Arc<AtomicUsize>,
}

impl ServiceLogs {
    /// Keeps what containers of these services print from now on.
    pub(super) fn new(
        services: Vec<String>,
        time: EngineTime,
        sink: EventSink,
        stop: CancellationToken,
        tasks: TaskTracker,
    ) -> Self {
        let (since, kept) = (time.now(), Arc::default());
        Self { services, time, since, sink, stop, tasks, followed: HashSet::new(), kept }
    }

    /// A container of a service runs.
    pub(super) fn running(
        &mut self,
        container: &str,
        task: &str,
        service: &str,
        engine: &Arc<Engine>,
    ) {
        let wanted = self.services.iter().any(|wanted| wanted == service);
        if !wanted || !self.followed.insert(container.to_owned()) {
            return;
        }
        let follower = Follower {
            engine: engine.clone(),
            container: container.to_owned(),
            task: task.to_owned(),
            time: self.time,
            since: self.since,
            sink: self.sink.clone(),
            kept: self.kept.clone(),
        };
        self.tasks.spawn(follower.run(self.stop.clone()));
    }

    /// The containers that run already, each with its task and service.
    pub(super) async fn already_running(
        services: &[String],
        engines: &[Engine],
    ) -> Vec<(String, String, String, Arc<Engine>)> {
        let mut found = Vec::new();
        for engine in engines {
            for service in services {
                match engine.running_tasks(service).await {
                    Ok(running) => found.extend(running.into_iter().map(|(container, task)| {
                        (container, task, service.clone(), Arc::new(engine.clone()))
                    })),
                    Err(error) => tracing::debug!(%error, "cannot find the logs of {service}"),
                }
            }
        }
        found
    }
}

struct Follower {
    engine: Arc<Engine>,
    container: String,
    task: String,
    time: EngineTime,
    since: Timestamp,
    sink: EventSink,
    kept: Arc<AtomicUsize>,
}

impl Follower {
    async fn run(self, stop: CancellationToken) {
        let lines = tokio::select! {
            () = stop.cancelled() => return,
            lines = self.engine.printed_lines(&self.container, self.since) => lines,
        };
        let lines = match lines {
            Ok(Some(lines)) => lines,
            Ok(None) => return,
            Err(error) => {
                tracing::debug!(%error, "cannot read the log of a container");
                return;
            }
        };
        let mut lines = pin!(lines);
        let mut kept = KeptLines::new(self.time.clock.now());
        loop {
            let line = tokio::select! {
                () = stop.cancelled() => break,
                line = lines.next() => line,
            };
            match line {
                Some(Ok(line)) => {
                    let seen = self.time.clock.now();
                    if let Some((line, left_out)) = kept.take((line, seen), seen) {
                        self.keep(line, left_out);
                    }
                }
                Some(Err(error)) => {
                    tracing::debug!(error, self.container, "the log of a container broke off");
                    break;
                }
                None => break,
            }
        }
        for (line, left_out) in kept.end() {
            self.keep(line, left_out);
        }
    }

    fn keep(&self, (line, seen): (PrintedLine, Offset), left_out: u64) {
        let text = cut(&line.text, LONGEST);
        let size = text.len();
        let before = self.kept.fetch_add(size, Ordering::Relaxed);
        if before + size > MOST {
            if before <= MOST {
                let text = format!(
                    "the service printed more than {} MiB: the rest of its log is not kept",
                    MOST / (1024 * 1024)
                );
                (self.sink)(Event { at: seen, seen, kind: EventKind::Caveat { text } });
            }
            return;
        }
        let at = line.at.map_or(seen, |at| self.time.map(at).min(seen));
        let kind = EventKind::Log(LogLine {
            task: self.task.clone(),
            text,
            stderr: line.stderr,
            left_out,
        });
        (self.sink)(Event { at, seen: self.time.clock.now(), kind });
    }
}

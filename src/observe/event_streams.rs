//! The event streams of all engines of a swarm, merged, and what their events mean for a run.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::health_checks::Whose;
use crate::Clock;
use crate::Offset;
use crate::engine::{CONTAINER_SERVICE_LABEL, CONTAINER_TASK_LABEL, Engine, EngineEvent};
use crate::record::{ContainerAction, EventKind};

/// How long to wait before a broken stream is opened again.
const REOPEN_AFTER: Duration = Duration::from_millis(250);

/// How many events to remember, in order to drop those that a reopened stream repeats.
const REMEMBERED: usize = 512;

/// Maps engine timestamps to the run's clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct EngineTime {
    pub(super) clock: Clock,
    /// Engine clock minus ours.
    pub(super) offset: Offset,
}

impl EngineTime {
    /// An engine timestamp on the run's clock.
    pub(super) fn map(&self, time: Timestamp) -> Offset {
        self.clock.at_wall(time) - self.offset
    }

    /// The engine's time at this moment.
    pub(super) fn now(&self) -> Timestamp {
        let nanos = self.clock.started_at().as_nanosecond()
            + i128::from((self.clock.now() + self.offset).as_nanos());
        Timestamp::from_nanosecond(nanos).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// An item of the merged streams.
pub(super) enum StreamItem {
    /// An event, the engine that sent it, and when it arrived.
    Event { event: EngineEvent, engine: Arc<Engine>, seen: Offset },
    /// A stream broke. It will be opened again where it broke.
    Broke(String),
}

/// Starts to follow the events of every engine.
pub(super) fn follow(
    engines: &[Engine],
    time: EngineTime,
    stop: &CancellationToken,
    tasks: &TaskTracker,
) -> mpsc::UnboundedReceiver<StreamItem> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let since = time.now();
    for engine in engines {
        let follower = Follower {
            engine: Arc::new(engine.clone()),
            since,
            time,
            sender: sender.clone(),
            recent: VecDeque::new(),
        };
        let stop = stop.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = follower.run() => {}
            }
        });
    }
    receiver
}

struct Follower {
    engine: Arc<Engine>,
    since: Timestamp,
    time: EngineTime,
    sender: mpsc::UnboundedSender<StreamItem>,
    recent: VecDeque<(Timestamp, String, String)>,
}

impl Follower {
    async fn run(mut self) {
        let mut broken = false;
        while !self.sender.is_closed() {
            let mut stream = Box::pin(self.engine.events(self.since));
            while let Some(item) = stream.next().await {
                match item {
                    Ok(event) => {
                        broken = false;
                        self.forward(event);
                    }
                    Err(error) => {
                        tracing::debug!(%error, "cannot read an item of the event stream");
                        if !broken {
                            let _ = self.sender.send(StreamItem::Broke(error));
                        }
                        broken = true;
                        break;
                    }
                }
            }
            drop(stream);
            tokio::time::sleep(REOPEN_AFTER).await;
        }
    }

    fn forward(&mut self, event: EngineEvent) {
        let key = (event.time, event.id.clone(), event.action.clone());
        if self.recent.contains(&key) {
            return;
        }
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(key);
        self.since = self.since.max(event.time);
        let (engine, seen) = (self.engine.clone(), self.time.clock.now());
        let _ = self.sender.send(StreamItem::Event { event, engine, seen });
    }
}

/// The container in which a process began or ended beside its main one, such as a health check.
pub(super) fn whose_process(event: &EngineEvent) -> Option<Whose<'_>> {
    let about_one = event.kind == "container" && event.action.starts_with("exec_");
    about_one.then_some(())?;
    Some(Whose {
        container: &event.id,
        task: event.attribute(CONTAINER_TASK_LABEL)?,
        service: event.attribute(CONTAINER_SERVICE_LABEL)?,
    })
}

/// A container's event as an event of the run. `None` for actions that do not matter and for
/// containers that do not belong to a service.
pub(super) fn container_event(event: &EngineEvent) -> Option<EventKind> {
    let action = match event.action.as_str() {
        "create" => ContainerAction::Create,
        "start" => ContainerAction::Start,
        "health_status: healthy" => ContainerAction::Healthy,
        "health_status: unhealthy" => ContainerAction::Unhealthy,
        "kill" => ContainerAction::Kill,
        "die" => ContainerAction::Die,
        "oom" => ContainerAction::Oom,
        "destroy" => ContainerAction::Destroy,
        _ => return None,
    };
    let number = |key: &str| event.attribute(key).and_then(|text| text.parse().ok());
    Some(EventKind::Container {
        container: event.id.clone(),
        task: event.attribute(CONTAINER_TASK_LABEL)?.to_owned(),
        service: event.attribute(CONTAINER_SERVICE_LABEL)?.to_owned(),
        action,
        exit_code: number("exitCode"),
        signal: number("signal"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(action: &str, attributes: &[(&str, &str)]) -> EngineEvent {
        EngineEvent {
            kind: "container".into(),
            action: action.into(),
            id: "c1".into(),
            attributes: attributes.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            time: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn the_exit_code_of_a_container_is_kept() {
        let task =
            [(CONTAINER_TASK_LABEL, "t1"), (CONTAINER_SERVICE_LABEL, "s_app"), ("exitCode", "137")];
        let Some(EventKind::Container { task, action, exit_code, .. }) =
            container_event(&event("die", &task))
        else {
            panic!("no event");
        };
        assert_eq!((task.as_str(), action, exit_code), ("t1", ContainerAction::Die, Some(137)));
    }

    #[test]
    fn other_containers_and_actions_are_left_out() {
        assert_eq!(container_event(&event("die", &[("name", "x")])), None);
        let task = [(CONTAINER_TASK_LABEL, "t"), (CONTAINER_SERVICE_LABEL, "s")];
        assert_eq!(container_event(&event("exec_create: x", &task)), None);
    }
}

//! The event streams of all engines of a swarm, merged.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::StreamExt;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::translate::EngineTime;
use crate::Offset;
use crate::engine::{Engine, EngineEvent};

/// How long to wait before a broken stream is opened again.
const REOPEN_AFTER: Duration = Duration::from_millis(250);

/// How many events are remembered to drop those a reopened stream repeats.
const REMEMBERED: usize = 512;

/// Something an event stream told.
pub(super) enum Told {
    /// An event and when it arrived.
    Event { event: EngineEvent, seen: Offset },
    /// A stream broke; it is opened again, from where it broke.
    Broke(String),
}

/// Starts to listen to every engine, from `since` on.
pub(super) fn listen(
    engines: &[Engine],
    since: Timestamp,
    time: EngineTime,
    stop: &CancellationToken,
    tasks: &TaskTracker,
) -> mpsc::UnboundedReceiver<Told> {
    let (sender, receiver) = mpsc::unbounded_channel();
    for engine in engines {
        let listener = Listener {
            engine: engine.clone(),
            since,
            time,
            sender: sender.clone(),
            recent: VecDeque::new(),
        };
        let stop = stop.clone();
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = listener.run() => {}
            }
        });
    }
    receiver
}

struct Listener {
    engine: Engine,
    since: Timestamp,
    time: EngineTime,
    sender: mpsc::UnboundedSender<Told>,
    recent: VecDeque<(Timestamp, String, String)>,
}

impl Listener {
    async fn run(mut self) {
        let mut broken = false;
        while !self.sender.is_closed() {
            let mut stream = Box::pin(self.engine.events(self.since));
            while let Some(item) = stream.next().await {
                match item {
                    Ok(event) => {
                        broken = false;
                        self.tell(event);
                    }
                    Err(error) => {
                        tracing::debug!(%error, "an item of the event stream cannot be read");
                        if !broken {
                            let _ = self.sender.send(Told::Broke(error));
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

    fn tell(&mut self, event: EngineEvent) {
        let key = (event.time, event.id.clone(), event.action.clone());
        if self.recent.contains(&key) {
            return;
        }
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back(key);
        self.since = self.since.max(event.time);
        let seen = self.time.clock.now();
        let _ = self.sender.send(Told::Event { event, seen });
    }
}

//! What happened, as `docker events` tells it.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::sync::broadcast;

/// What an event says of a service that has a new spec (moby `daemon/events.go`).
pub(super) fn changes(before: &Value, after: &Value) -> Value {
    let mut attributes = json!({ "name": after["Name"] });
    for (name, place) in
        [("image", "/TaskTemplate/ContainerSpec/Image"), ("replicas", "/Mode/Replicated/Replicas")]
    {
        let [old, new] = [before, after].map(|spec| spec.pointer(place).unwrap_or(&Value::Null));
        if old != new {
            let text =
                |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            attributes[format!("{name}.old")] = json!(text(old));
            attributes[format!("{name}.new")] = json!(text(new));
        }
    }
    attributes
}

/// How many events are kept for those who ask for the past; as many as an engine keeps (moby
/// `daemon/events/events.go`).
const KEPT: usize = 256;
/// How many a slow listener may lag behind.
const LAG: usize = 16 * 1024;

/// Something that happened.
#[derive(Debug, Clone)]
pub(super) struct Happened {
    pub(super) at: Timestamp,
    pub(super) kind: &'static str,
    pub(super) action: String,
    pub(super) id: String,
    pub(super) attributes: Map<String, Value>,
}

impl Happened {
    /// The line of the stream.
    pub(super) fn line(&self) -> String {
        let scope = if self.kind == "container" { "local" } else { "swarm" };
        let mut event = json!({
            "Type": self.kind,
            "Action": self.action,
            "Actor": {"ID": self.id, "Attributes": self.attributes},
            "scope": scope,
            "time": self.at.as_second(),
            "timeNano": i64::try_from(self.at.as_nanosecond()).unwrap_or_default(),
        });
        if self.kind == "container" {
            event["status"] = json!(self.action);
            event["id"] = json!(self.id);
            event["from"] = self.attributes.get("image").cloned().unwrap_or_default();
        }
        format!("{event}\n")
    }
}

/// The last events, and those to come.
#[derive(Debug)]
pub(super) struct EventLog {
    kept: VecDeque<Happened>,
    sender: broadcast::Sender<Happened>,
}

impl EventLog {
    pub(super) fn new() -> Self {
        Self { kept: VecDeque::new(), sender: broadcast::channel(LAG).0 }
    }

    pub(super) fn tell(&mut self, happened: Happened) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(happened.clone());
        // Nobody may listen.
        let _ = self.sender.send(happened);
    }

    /// The events since a time, and what comes after them.
    pub(super) fn since(
        &self,
        since: Option<Timestamp>,
    ) -> (Vec<Happened>, broadcast::Receiver<Happened>) {
        let past = |since: Timestamp| {
            self.kept.iter().filter(|event| event.at >= since).cloned().collect()
        };
        (since.map_or_else(Vec::new, past), self.sender.subscribe())
    }
}

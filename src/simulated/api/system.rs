//! The engine itself: version, state, events.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use super::filters::Filters;
use super::{API, Asked, Reply};
use crate::engine::Simulated;
use crate::simulated::event_log::Happened;
use crate::simulated::images::architecture;
use crate::simulated::swarm::Shared;

/// The version that the engine tells.
const VERSION: &str = "28.5.2+simulated";

pub(super) fn ping() -> Reply {
    Reply::text("OK")
}

pub(super) fn version() -> Reply {
    Reply::json(&json!({
        "Platform": {"Name": "rollproof, simulated"},
        "Version": VERSION,
        "ApiVersion": API,
        "MinAPIVersion": "1.24",
        "GitCommit": env!("CARGO_PKG_VERSION"),
        "GoVersion": "none",
        "Os": "linux",
        "Arch": architecture(),
        "KernelVersion": "simulated",
        "BuildTime": "",
        "Components": [],
    }))
}

pub(super) fn info(engine: &Arc<Shared>) -> Reply {
    let swarm = engine.now();
    let ground = &swarm.ground;
    let containers = swarm.services.iter().flat_map(|service| &service.tasks);
    let containers = containers.filter(|task| task.container.is_some());
    let running = containers.clone().filter(|task| task.replica().is_some()).count();
    Reply::json(&json!({
        "ID": ground.node.id,
        "Name": ground.node.hostname,
        "Containers": containers.count(),
        "ContainersRunning": running,
        "Images": ground.images.all().count(),
        "Driver": "simulated",
        "DriverStatus": [],
        "SystemTime": Timestamp::now().to_string(),
        "ServerVersion": VERSION,
        "OperatingSystem": "simulated by rollproof: no container runs",
        "OSType": "linux",
        "Architecture": architecture(),
        "KernelVersion": "simulated",
        "NCPU": ground.node.processors,
        "MemTotal": ground.node.memory,
        "LiveRestoreEnabled": false,
        "Labels": [
            format!("{}={}", Simulated::SPEED_LABEL, ground.time.speed()),
            format!("{}={}", Simulated::ADDRESS_LABEL, ground.addresses.own()),
        ],
        "Plugins": {"Volume": [], "Network": ["overlay"], "Authorization": null, "Log": ["json-file"]},
        "RegistryConfig": {"IndexConfigs": {}, "InsecureRegistryCIDRs": [], "Mirrors": null},
        "Runtimes": {},
        "SecurityOptions": [],
        "Warnings": ["this engine is simulated: what runs on it proves nothing"],
        "Swarm": {
            "NodeID": ground.node.id,
            "NodeAddr": "127.0.0.1",
            "LocalNodeState": "active",
            "ControlAvailable": true,
            "Error": "",
            "RemoteManagers": [{"NodeID": ground.node.id, "Addr": "127.0.0.1:2377"}],
            "Nodes": 1,
            "Managers": 1,
            "Cluster": {"ID": ground.cluster},
        },
    }))
}

pub(super) fn disk_usage() -> Reply {
    Reply::json(&json!({
        "LayersSize": 0, "Images": [], "Containers": [], "Volumes": [], "BuildCache": [],
    }))
}

/// Events since a time, until another one or the end of the connection.
pub(super) fn events(engine: &Arc<Shared>, asked: &Asked) -> Reply {
    let filters = match asked.filters() {
        Ok(filters) => filters,
        Err(reply) => return reply,
    };
    let time = |name: &str| asked.parameter(name).and_then(timestamp);
    let until = time("until");
    let (past, coming) = engine.now().ground.events.since(time("since"));
    let past = stream::iter(past);
    let coming = stream::unfold(coming, async |mut coming| {
        loop {
            match coming.recv().await {
                Ok(happened) => return Some((happened, coming)),
                // Who is too slow misses some, and asks again for what there is.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    });
    let end = async move {
        match until {
            None => std::future::pending().await,
            Some(until) => {
                let left = until.duration_since(Timestamp::now());
                tokio::time::sleep(left.try_into().unwrap_or_default()).await;
            }
        }
    };
    let wanted = move |happened: &Happened| {
        let fits = is_wanted(&filters, happened) && until.is_none_or(|until| happened.at <= until);
        std::future::ready(fits)
    };
    let all = past.chain(coming).filter(wanted).take_until(Box::pin(end));
    let lines = all.map(|happened| Bytes::from(happened.line()));
    Reply::stream("application/json", lines.boxed())
}

fn is_wanted(filters: &Filters, happened: &Happened) -> bool {
    let attribute = |name: &str| happened.attributes.get(name).and_then(Value::as_str);
    let named = |value: &str| happened.id.starts_with(value) || attribute("name") == Some(value);
    let action = happened.action.split(':').next().unwrap_or_default();
    filters.allow("type", |kind| kind == happened.kind)
        && filters.allow("event", |event| event == happened.action || event == action)
        && filters.allow("scope", |scope| (scope == "local") == (happened.kind == "container"))
        && filters.allow("container", |one| happened.kind == "container" && named(one))
        && filters.allow("service", |one| happened.kind == "service" && named(one))
        && filters.allow("node", |one| happened.kind == "node" && named(one))
        && filters.allow_labels(&Value::Object(happened.attributes.clone()))
}

/// A time as the API takes it: seconds with nanoseconds, or RFC 3339.
pub(super) fn timestamp(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    let (seconds, nanos) = text.split_once('.').unwrap_or((text, "0"));
    let nanos = format!("{nanos:0<9}");
    Timestamp::new(seconds.parse().ok()?, nanos.get(..9)?.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_both_forms() {
        let time = timestamp("1767225601.5").unwrap();
        assert_eq!(time, timestamp("2026-01-01T00:00:01.5Z").unwrap());
        assert_eq!(timestamp("1767225601.000000007").unwrap().subsec_nanosecond(), 7);
        assert_eq!(timestamp("soon"), None);
    }
}

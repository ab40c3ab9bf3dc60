//! The swarm and its one node.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Asked, Reply};
use crate::Offset;
use crate::simulated::ground::Ground;
use crate::simulated::images::architecture;
use crate::simulated::swarm::Shared;

pub(super) fn swarm(engine: &Arc<Shared>) -> Reply {
    let swarm = engine.now();
    let ground = &swarm.ground;
    let zero = ground.time.text(Offset::ZERO);
    Reply::json(&json!({
        "ID": ground.cluster,
        "Version": Ground::version(10),
        "CreatedAt": zero,
        "UpdatedAt": zero,
        "Spec": {
            "Name": "default", "Labels": {},
            "Orchestration": {"TaskHistoryRetentionLimit": 5},
            "Raft": {}, "Dispatcher": {}, "CAConfig": {}, "TaskDefaults": {},
            "EncryptionConfig": {"AutoLockManagers": false},
        },
        "TLSInfo": {},
        "RootRotationInProgress": false,
        "DefaultAddrPool": ["127.0.0.0/8"],
        "SubnetSize": 24,
        "DataPathPort": 4789,
        "JoinTokens": {"Worker": "", "Manager": ""},
    }))
}

pub(super) fn list(engine: &Arc<Shared>, asked: &Asked) -> Reply {
    let filters = match asked.filters() {
        Ok(filters) => filters,
        Err(reply) => return reply,
    };
    let swarm = engine.now();
    let node = &swarm.ground.node;
    let fits = filters.allow("id", |id| node.id.starts_with(id))
        && filters.allow("name", |name| node.hostname.starts_with(name))
        && filters.allow("role", |role| role == "manager")
        && filters.allow("membership", |membership| membership == "accepted")
        && filters.values("node.label").iter().all(|wanted| {
            let (key, value) = wanted.split_once('=').unwrap_or((wanted, ""));
            node.labels.get(key).is_some_and(|label| value.is_empty() || label == value)
        });
    let all: Vec<Value> = fits.then(|| of(&swarm.ground)).into_iter().collect();
    Reply::json(&json!(all))
}

pub(super) fn inspect(engine: &Arc<Shared>, id: &str) -> Reply {
    let swarm = engine.now();
    if is(&swarm.ground, id) {
        Reply::json(&of(&swarm.ground))
    } else {
        Reply::not_found("node", id)
    }
}

/// Changes labels and availability. A node that is drained or paused goes on as before.
pub(super) fn update(engine: &Arc<Shared>, id: &str, asked: &Asked) -> Reply {
    let spec = match asked.json() {
        Ok(spec) => spec,
        Err(reply) => return reply,
    };
    let mut swarm = engine.now();
    if !is(&swarm.ground, id) {
        return Reply::not_found("node", id);
    }
    let version = asked.parameter("version").and_then(|version| version.parse().ok());
    if version != Some(swarm.ground.node.version) {
        return Reply::error(500, "rpc error: code = Unknown desc = update out of sequence");
    }
    if spec["Availability"].as_str().is_some_and(|availability| availability != "active") {
        return Reply::error(501, "the simulated engine has one node, which is always active");
    }
    let index = swarm.ground.next_index();
    let node = &mut swarm.ground.node;
    node.labels = spec["Labels"].as_object().cloned().unwrap_or_default();
    node.version = index;
    Reply::done(200)
}

fn is(ground: &Ground, id: &str) -> bool {
    id == "self" || ground.node.id.starts_with(id) || ground.node.hostname == id
}

fn of(ground: &Ground) -> Value {
    let (node, zero) = (&ground.node, ground.time.text(Offset::ZERO));
    let nano_cpus = i64::from(node.processors) * 1_000_000_000;
    json!({
        "ID": node.id,
        "Version": Ground::version(node.version),
        "CreatedAt": zero,
        "UpdatedAt": zero,
        "Spec": {"Labels": node.labels, "Role": "manager", "Availability": node.availability},
        "Description": {
            "Hostname": node.hostname,
            "Platform": {"Architecture": architecture(), "OS": "linux"},
            "Resources": {"NanoCPUs": nano_cpus, "MemoryBytes": node.memory},
            "Engine": {"EngineVersion": "28.5.2+simulated", "Plugins": []},
            "TLSInfo": {},
        },
        "Status": {"State": "ready", "Addr": "127.0.0.1"},
        "ManagerStatus": {"Leader": true, "Reachability": "reachable", "Addr": "127.0.0.1:2377"},
    })
}

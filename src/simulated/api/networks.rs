//! Networks.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Asked, Reply};
use crate::simulated::swarm::{Network, Shared, Swarm};
use crate::swarm::TaskState;

pub(super) fn list(engine: &Arc<Shared>, asked: &Asked) -> Reply {
    let filters = match asked.filters() {
        Ok(filters) => filters,
        Err(reply) => return reply,
    };
    let swarm = engine.now();
    let fits = |network: &&Network| {
        filters.allow("name", |name| network.name.contains(name))
            && filters.allow("id", |id| network.id.starts_with(id))
            && filters.allow("driver", |driver| network.body["Driver"] == driver)
            && filters.allow("scope", |scope| network.scope() == scope)
            && filters.allow_labels(&network.body["Labels"])
    };
    let one = |network: &Network| network.json(&swarm.ground.time);
    Reply::json(&swarm.networks.iter().filter(fits).map(one).collect())
}

pub(super) fn inspect(engine: &Arc<Shared>, id: &str) -> Reply {
    let swarm = engine.now();
    match swarm.network(id) {
        Some(index) => Reply::json(&swarm.networks[index].json(&swarm.ground.time)),
        None => Reply::not_found("network", id),
    }
}

pub(super) fn create(engine: &Arc<Shared>, asked: &Asked) -> Reply {
    let mut body = match asked.json() {
        Ok(body) => body,
        Err(reply) => return reply,
    };
    let name = body["Name"].as_str().unwrap_or_default().to_owned();
    if name.is_empty() {
        return Reply::error(400, "network name must not be empty");
    }
    if body["Driver"].as_str().is_none_or(str::is_empty) {
        body["Driver"] = json!("overlay");
    }
    if !body["Labels"].is_object() {
        body["Labels"] = json!({});
    }
    let mut swarm = engine.now();
    if swarm.networks.iter().any(|network| network.name == name) {
        return Reply::error(409, format!("network with name {name} already exists"));
    }
    let network = Network {
        id: swarm.ground.ids.swarm(),
        name: name.clone(),
        created: swarm.ground.time.now(),
        body,
    };
    let (id, at) = (network.id.clone(), network.created);
    swarm.networks.push(network);
    swarm.ground.tell(at, "network", "create", &id, json!({ "name": name }));
    Reply::created(&json!({"Id": id, "Warning": ""}))
}

pub(super) fn remove(engine: &Arc<Shared>, id: &str) -> Reply {
    let mut swarm = engine.now();
    let Some(index) = swarm.network(id) else { return Reply::not_found("network", id) };
    let network = &swarm.networks[index];
    if network.is_predefined() {
        return Reply::error(
            403,
            format!("{} is a pre-defined network and cannot be removed", network.name),
        );
    }
    if let Some(user) = user(&swarm, &network.id) {
        return Reply::error(
            400,
            format!(
                "rpc error: code = FailedPrecondition desc = network {} is in use by {user}",
                network.id
            ),
        );
    }
    let network = swarm.networks.remove(index);
    let at = swarm.ground.time.now();
    swarm.ground.tell(at, "network", "remove", &network.id, json!({ "name": network.name }));
    Reply::done(204)
}

/// What uses a network: a service, or a task that is to run (swarmkit `controlapi/network.go`).
fn user(swarm: &Swarm, id: &str) -> Option<String> {
    let uses = |template: &Value| {
        let networks = template["Networks"].as_array().into_iter().flatten();
        networks.into_iter().any(|network| network["Target"] == id)
    };
    swarm.services.iter().find_map(|service| {
        if !service.removed && uses(&service.spec["TaskTemplate"]) {
            return Some(format!("service {}", service.id));
        }
        let task = service.tasks.iter().enumerate().find(|(index, task)| {
            let runs = !task.gone && task.state <= TaskState::Running;
            runs && service.is_wanted(*index) && uses(&service.templates[task.template].task)
        });
        Some(format!("task {}", task?.1.id))
    })
}

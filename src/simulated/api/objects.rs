//! Configs and secrets.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Asked, Reply};
use crate::simulated::swarm::{Object, Shared};

fn singular(kind: &str) -> &'static str {
    if kind == "configs" { "config" } else { "secret" }
}

pub(super) fn list(engine: &Arc<Shared>, kind: &str, asked: &Asked) -> Reply {
    let filters = match asked.filters() {
        Ok(filters) => filters,
        Err(reply) => return reply,
    };
    let swarm = engine.now();
    let fits = |object: &&Object| {
        object.kind == kind
            && filters.allow("name", |name| object.name().starts_with(name))
            && filters.allow("names", |name| object.name() == name)
            && filters.allow("id", |id| object.id.starts_with(id))
            && filters.allow_labels(&object.spec["Labels"])
    };
    let one = |object: &Object| object.json(&swarm.ground.time);
    Reply::json(&swarm.objects.iter().filter(fits).map(one).collect())
}

pub(super) fn inspect(engine: &Arc<Shared>, kind: &str, id: &str) -> Reply {
    let swarm = engine.now();
    match swarm.object(kind, id) {
        Some(index) => Reply::json(&swarm.objects[index].json(&swarm.ground.time)),
        None => Reply::not_found(singular(kind), id),
    }
}

pub(super) fn create(engine: &Arc<Shared>, kind: &str, asked: &Asked) -> Reply {
    let spec = match asked.json() {
        Ok(spec) => spec,
        Err(reply) => return reply,
    };
    let name = spec["Name"].as_str().unwrap_or_default();
    if name.is_empty() {
        let message =
            format!("rpc error: code = InvalidArgument desc = invalid {} name", singular(kind));
        return Reply::error(400, message);
    }
    let mut swarm = engine.now();
    if swarm.objects.iter().any(|object| object.kind == kind && object.name() == name) {
        let message = format!(
            "rpc error: code = AlreadyExists desc = {} {name} already exists",
            singular(kind)
        );
        return Reply::error(409, message);
    }
    let kind = if kind == "configs" { "configs" } else { "secrets" };
    let version = swarm.ground.next_index();
    let at = swarm.ground.time.now();
    let id = swarm.ground.ids.swarm();
    let name = name.to_owned();
    swarm.objects.push(Object { id: id.clone(), kind, version, created: at, updated: at, spec });
    swarm.ground.tell(at, singular(kind), "create", &id, json!({ "name": name }));
    Reply::created(&json!({ "ID": id }))
}

/// Changes labels: nothing else can be changed.
pub(super) fn update(engine: &Arc<Shared>, kind: &str, id: &str, asked: &Asked) -> Reply {
    let spec = match asked.json() {
        Ok(spec) => spec,
        Err(reply) => return reply,
    };
    let mut swarm = engine.now();
    let Some(index) = swarm.object(kind, id) else { return Reply::not_found(singular(kind), id) };
    let version = asked.parameter("version").and_then(|version| version.parse().ok());
    if version != Some(swarm.objects[index].version) {
        return Reply::error(500, "rpc error: code = Unknown desc = update out of sequence");
    }
    let changes = |key: &str| {
        let old = &swarm.objects[index].spec[key];
        spec.get(key).is_some_and(|new| !new.is_null() && new != old)
    };
    if changes("Name") || changes("Data") {
        return Reply::error(
            400,
            "rpc error: code = InvalidArgument desc = only updates to Labels are allowed",
        );
    }
    let (version, at) = (swarm.ground.next_index(), swarm.ground.time.now());
    let object = &mut swarm.objects[index];
    object.spec["Labels"] = spec["Labels"].clone();
    object.version = version;
    object.updated = at;
    Reply::done(200)
}

pub(super) fn remove(engine: &Arc<Shared>, kind: &str, id: &str) -> Reply {
    let mut swarm = engine.now();
    let Some(index) = swarm.object(kind, id) else { return Reply::not_found(singular(kind), id) };
    let object = &swarm.objects[index];
    let (list, key) =
        if kind == "configs" { ("Configs", "ConfigID") } else { ("Secrets", "SecretID") };
    let uses = |template: &Value| {
        let used = template["ContainerSpec"][list].as_array().into_iter().flatten();
        used.into_iter().any(|used| used[key] == object.id.as_str())
    };
    let present = swarm.services.iter().filter(|service| !service.removed);
    let names: Vec<&str> = present
        .filter(|service| uses(&service.spec["TaskTemplate"]))
        .map(crate::simulated::service::Service::name)
        .collect();
    if !names.is_empty() {
        return Reply::error(
            400,
            format!(
                "rpc error: code = InvalidArgument desc = {} '{}' is in use by the following service: {}",
                singular(kind),
                object.name(),
                names.join(", ")
            ),
        );
    }
    swarm.objects.remove(index);
    Reply::done(204)
}

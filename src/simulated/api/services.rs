//! Services.

use std::sync::Arc;

use serde_json::{Value, json};

use super::spec::accepted;
use super::{Asked, Reply};
use crate::simulated::service::Service;
use crate::simulated::swarm::{Shared, Swarm};
use crate::stack::ServiceBody;
use crate::swarm::PublishMode;

pub(super) fn list(engine: &Arc<Shared>, asked: &Asked) -> Reply {
    let filters = match asked.filters() {
        Ok(filters) => filters,
        Err(reply) => return reply,
    };
    let swarm = engine.now();
    let fits = |service: &&Service| {
        filters.allow("name", |name| service.name().starts_with(name))
            && filters.allow("id", |id| service.id.starts_with(id))
            && filters
                .allow("mode", |mode| (mode == "global") == service.body().replicas().is_none())
            && filters.allow_labels(&service.spec["Labels"])
    };
    let with_status = asked.is_set("status");
    let one = |service: &Service| {
        let mut json = service.json(&swarm.ground);
        if with_status {
            let (running, desired) = service.counts();
            json["ServiceStatus"] =
                json!({"RunningTasks": running, "DesiredTasks": desired, "CompletedTasks": 0});
        }
        json
    };
    let present = swarm.services.iter().filter(|service| !service.removed);
    Reply::json(&present.filter(fits).map(one).collect())
}

pub(super) fn inspect(engine: &Arc<Shared>, id: &str) -> Reply {
    let swarm = engine.now();
    match swarm.service(id) {
        Some(index) => Reply::json(&swarm.services[index].json(&swarm.ground)),
        None => Reply::not_found("service", id),
    }
}

pub(super) fn create(engine: &Arc<Shared>, asked: &Asked) -> Reply {
    let mut swarm = engine.now();
    let spec = asked.json().and_then(|spec| accepted(&swarm, spec));
    let spec = match spec.and_then(|spec| free_ports(&swarm, spec, None)) {
        Ok(spec) => spec,
        Err(reply) => return reply,
    };
    let name = spec["Name"].as_str().unwrap_or_default().to_owned();
    if swarm.services.iter().any(|service| !service.removed && service.name() == name) {
        return Reply::error(
            409,
            format!(
                "rpc error: code = AlreadyExists desc = name conflicts with an existing object: service {name} already exists"
            ),
        );
    }
    let id = swarm.create(spec);
    engine.wake();
    Reply::created(&json!({"ID": id, "Warnings": null}))
}

pub(super) fn update(engine: &Arc<Shared>, id: &str, asked: &Asked) -> Reply {
    let mut swarm = engine.now();
    let Some(index) = swarm.service(id) else { return Reply::not_found("service", id) };
    let version = asked.parameter("version").and_then(|version| version.parse().ok());
    if version != Some(swarm.services[index].version) {
        return Reply::error(500, "rpc error: code = Unknown desc = update out of sequence");
    }
    let rollback = asked.parameter("rollback") == Some("previous");
    let service = &swarm.services[index];
    let spec = if rollback {
        let name = service.name();
        service.previous.clone().ok_or_else(|| {
            Reply::error(
                400,
                format!("rpc error: code = FailedPrecondition desc = service {name} does not have a previous spec"),
            )
        })
    } else {
        asked.json().and_then(|spec| accepted(&swarm, spec))
    };
    let own = service.id.clone();
    let spec = match spec.and_then(|spec| free_ports(&swarm, spec, Some(&own))) {
        Ok(spec) => spec,
        Err(reply) => return reply,
    };
    let service = &swarm.services[index];
    if spec["Name"] != service.spec["Name"] {
        return Reply::error(
            501,
            "rpc error: code = Unimplemented desc = renaming services is not supported",
        );
    }
    if spec["Mode"].get("Global").is_some() != service.spec["Mode"].get("Global").is_some() {
        return Reply::error(
            501,
            "rpc error: code = Unimplemented desc = service mode change is not allowed",
        );
    }
    swarm.update(index, spec, rollback);
    engine.wake();
    Reply::json(&json!({ "Warnings": null }))
}

pub(super) fn remove(engine: &Arc<Shared>, id: &str) -> Reply {
    let mut swarm = engine.now();
    let Some(index) = swarm.service(id) else { return Reply::not_found("service", id) };
    swarm.remove(index);
    engine.wake();
    Reply::done(200)
}

/// Refuses a port in ingress mode that another service has.
fn free_ports(swarm: &Swarm, spec: Value, own: Option<&str>) -> Result<Value, Reply> {
    for port in ServiceBody::new(spec.clone()).published_ports() {
        let Some(number) = port.published.filter(|_| port.mode != PublishMode::Host) else {
            continue;
        };
        let taken = swarm.services.iter().filter(|other| Some(other.id.as_str()) != own);
        let other = taken.filter(|other| !other.removed).find(|other| {
            other.body().published_ports().iter().any(|open| open.published == Some(number))
        });
        if let Some(other) = other {
            return Err(Reply::error(
                400,
                format!(
                    "rpc error: code = InvalidArgument desc = port '{number}' is already in use by service '{}' ({}) as an ingress port",
                    other.name(),
                    other.id
                ),
            ));
        }
    }
    Ok(spec)
}

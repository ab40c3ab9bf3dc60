//! Tasks.

use std::sync::Arc;

use serde_json::Value;

use super::{Asked, Reply};
use crate::simulated::service::Service;
use crate::simulated::swarm::Shared;

pub(super) fn list(engine: &Arc<Shared>, asked: &Asked) -> Reply {
    let filters = match asked.filters() {
        Ok(filters) => filters,
        Err(reply) => return reply,
    };
    let swarm = engine.now();
    let wanted = filters.values("service");
    let is = |service: &Service, id: &str| service.name() == id || service.id.starts_with(id);
    // A removed service is unknown at once, although its tasks still stop.
    if let Some(unknown) = wanted
        .iter()
        .find(|id| !swarm.services.iter().any(|service| !service.removed && is(service, id)))
    {
        return Reply::not_found("service", unknown);
    }
    let mut all: Vec<Value> = Vec::new();
    for service in &swarm.services {
        if !filters.allow("service", |id| is(service, id)) {
            continue;
        }
        for (index, task) in service.tasks.iter().enumerate().filter(|(_, task)| !task.gone) {
            let name = service.task_name(index, &swarm.ground);
            let json = service.task_json(index, &swarm.ground);
            let is_node = |node: &str| {
                let facts = &swarm.ground.node;
                task.assigned && (facts.id.starts_with(node) || facts.hostname == node)
            };
            let current = service.templates[task.template].task == service.spec["TaskTemplate"];
            let fits = filters.allow_labels(&service.spec["Labels"])
                && filters.allow("id", |id| task.id.starts_with(id))
                && filters.allow("name", |wanted| name.starts_with(wanted))
                && filters.allow("node", is_node)
                && filters.allow("desired-state", |state| json["DesiredState"] == state)
                && filters
                    .allow("_up-to-date", |wanted| (wanted == "true" || wanted == "1") == current);
            if fits {
                all.push(json);
            }
        }
    }
    Reply::json(&Value::Array(all))
}

pub(super) fn inspect(engine: &Arc<Shared>, id: &str) -> Reply {
    let swarm = engine.now();
    match swarm.task(id) {
        Some((service, index)) => {
            Reply::json(&swarm.services[service].task_json(index, &swarm.ground))
        }
        None => Reply::not_found("task", id),
    }
}

//! Containers of tasks. There are no others.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Asked, Reply};
use crate::simulated::service::Service;
use crate::simulated::swarm::{Shared, Swarm};
use crate::simulated::task_record::Container;
use crate::swarm::PublishMode;

pub(super) fn list(engine: &Arc<Shared>, asked: &Asked) -> Reply {
    let filters = match asked.filters() {
        Ok(filters) => filters,
        Err(reply) => return reply,
    };
    let swarm = engine.now();
    let all = asked.is_set("all");
    let mut found: Vec<Value> = Vec::new();
    for service in &swarm.services {
        for (index, task) in service.tasks.iter().enumerate() {
            let Some(container) = &task.container else { continue };
            let labels = service.container_labels(index, &swarm.ground);
            let name = labels["com.docker.swarm.task.name"].as_str().unwrap_or_default();
            let fits = (all || container.runs())
                && filters.allow_labels(&labels)
                && filters.allow("id", |id| container.id.starts_with(id))
                && filters.allow("name", |wanted| name.contains(wanted.trim_start_matches('/')))
                && filters.allow("status", |status| status == state(container));
            if fits {
                let spec = &service.templates[task.template].task["ContainerSpec"];
                found.push(json!({
                    "Id": container.id,
                    "Names": [format!("/{name}")],
                    "Image": spec["Image"],
                    "ImageID": "",
                    "Command": "",
                    "Created": swarm.ground.time.wall(container.created).as_second(),
                    "Labels": labels,
                    "State": state(container),
                    "Status": status(container),
                    "Ports": ports(service),
                    "Mounts": [],
                    "HostConfig": {"NetworkMode": "default"},
                    "NetworkSettings": {"Networks": {}},
                }));
            }
        }
    }
    Reply::json(&Value::Array(found))
}

pub(super) fn inspect(engine: &Arc<Shared>, id: &str) -> Reply {
    let swarm = engine.now();
    let Some((service, index, container)) = find(&swarm, id) else { return missing(id) };
    let task = &service.tasks[index];
    let template = &service.templates[task.template];
    let spec = &template.task["ContainerSpec"];
    let time = |at: Option<crate::Offset>| {
        at.map_or_else(|| json!("0001-01-01T00:00:00Z"), |at| swarm.ground.time.text(at))
    };
    let manner = container.replica.as_ref().map(|replica| &replica.manner);
    let env: Vec<String> = manner
        .into_iter()
        .flat_map(|manner| manner.env.iter().map(|(name, value)| format!("{name}={value}")))
        .collect();
    let labels = service.container_labels(index, &swarm.ground);
    let mut state = json!({
        "Status": state(container),
        "Running": container.runs(),
        "Paused": false,
        "Restarting": false,
        "OOMKilled": false,
        "Dead": false,
        "Pid": u8::from(container.runs()),
        "ExitCode": container.exit_code.unwrap_or(0),
        "Error": "",
        "StartedAt": time(container.started),
        "FinishedAt": time(container.ended),
    });
    let check = template.interpreted.version.spec.health.as_ref();
    if check.is_some() {
        state["Health"] = json!({"Status": container.health, "FailingStreak": 0, "Log": []});
    }
    Reply::json(&json!({
        "Id": container.id,
        "Created": time(Some(container.created)),
        "Name": format!("/{}", labels["com.docker.swarm.task.name"].as_str().unwrap_or_default()),
        "Image": spec["Image"],
        "State": state,
        "Config": {
            "Hostname": container.id[..12],
            "Env": env,
            "Image": spec["Image"],
            "Labels": labels,
            "Healthcheck": spec["Healthcheck"],
        },
        "HostConfig": {},
        "Mounts": [],
        "NetworkSettings": {"Networks": {}},
    }))
}

/// Sends a signal: SIGTERM and SIGKILL end the process, others do nothing.
pub(super) fn kill(engine: &Arc<Shared>, id: &str, asked: &Asked) -> Reply {
    let mut swarm = engine.now();
    let signal = asked.parameter("signal").unwrap_or("SIGKILL").to_uppercase();
    let Some((_, index, container)) = find(&swarm, id) else { return missing(id) };
    if !container.runs() {
        return Reply::error(409, format!("container {id} is not running"));
    }
    let (container, code) = match signal.trim_start_matches("SIG") {
        "KILL" | "9" => (container.id.clone(), 137),
        "TERM" | "15" | "INT" | "2" | "QUIT" | "3" => {
            // A prober that is told to stop ends by itself once it has reported everything.
            if let Some(replica) = &container.replica {
                replica.stop();
                if replica.is_prober() {
                    return Reply::done(204);
                }
            }
            (container.id.clone(), 0)
        }
        _ => return Reply::done(204),
    };
    let owner = swarm.services.iter().position(|service| {
        service
            .tasks
            .get(index)
            .and_then(|task| task.container.as_ref())
            .is_some_and(|one| one.id == container)
    });
    if let Some(service) = owner {
        swarm.exit(service, index, code);
        engine.wake();
    }
    Reply::done(204)
}

/// Nothing limits a simulated container.
pub(super) fn update(engine: &Arc<Shared>, id: &str) -> Reply {
    match find(&engine.now(), id) {
        Some(_) => Reply::json(&json!({ "Warnings": [] })),
        None => missing(id),
    }
}

pub(super) fn remove(engine: &Arc<Shared>, id: &str) -> Reply {
    match find(&engine.now(), id) {
        Some((_, _, container)) if container.runs() => Reply::error(
            409,
            format!(
                "cannot remove container \"{id}\": container is running: stop the container before removing or force remove"
            ),
        ),
        Some(_) => Reply::done(204),
        None => missing(id),
    }
}

fn missing(id: &str) -> Reply {
    Reply::error(404, format!("No such container: {id}"))
}

/// A container by its id, the beginning of it, or its name.
fn find<'a>(swarm: &'a Swarm, id: &str) -> Option<(&'a Service, usize, &'a Container)> {
    swarm.services.iter().find_map(|service| {
        service.tasks.iter().enumerate().find_map(|(index, task)| {
            let container = task.container.as_ref()?;
            let is = || service.task_name(index, &swarm.ground) == id;
            (container.id.starts_with(id) || is()).then_some((service, index, container))
        })
    })
}

fn state(container: &Container) -> &'static str {
    match (container.started, container.ended) {
        (None, _) => "created",
        (_, None) => "running",
        _ => "exited",
    }
}

fn status(container: &Container) -> String {
    match state(container) {
        "running" => "Up (simulated)".to_owned(),
        "exited" => format!("Exited ({})", container.exit_code.unwrap_or(0)),
        _ => "Created".to_owned(),
    }
}

fn ports(service: &Service) -> Value {
    let ports = service.body().published_ports();
    let host = ports.into_iter().filter(|port| port.mode == PublishMode::Host);
    host.map(|port| {
        json!({"PrivatePort": port.target, "PublicPort": port.published, "Type": "tcp", "IP": "127.0.0.1"})
    })
    .collect()
}

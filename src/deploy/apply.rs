//! Creating and updating a stack's parts, in Docker's order.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::ports::check_ports;
use crate::engine::{Engine, RUN_LABEL, STACK_LABEL, StackObject, StackObjectKind};
use crate::error::{Error, Result};
use crate::stack::{Requests, ServiceBody};

/// How to deploy.
#[derive(Debug, Clone)]
pub struct ApplyOptions {
    /// The stack's name.
    pub stack: String,
    /// The run's id, for the label of everything that is created.
    pub run_id: String,
    /// Whether a stack of that name that somebody else deployed may be taken over.
    pub adopt: bool,
    /// Whether services of the stack that the file does not have are removed.
    pub prune: bool,
    /// A registry login to pass on, encoded as the API wants it.
    pub auth: Option<String>,
}

/// What was deployed.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The services as they were submitted, labels included.
    pub services: Vec<ServiceBody>,
    /// Whether every one of them was new.
    pub fresh: bool,
}

/// Creates or updates networks, secrets, configs and services, telling each step.
///
/// # Errors
/// When the stack belongs to somebody else, or the engine refuses a part. Nothing is undone, as
/// with `docker stack deploy`: the message says what exists.
pub async fn apply(
    engine: &Engine,
    mut requests: Requests,
    options: &ApplyOptions,
    tell: &(dyn Fn(&str) + Send + Sync),
) -> Result<Applied> {
    let existing = engine.stack_services(&options.stack).await?;
    if let Some(foreign) = existing.iter().find(|service| service.label(RUN_LABEL).is_none())
        && !options.adopt
    {
        return Err(Error::usage(format!(
            "stack {} is on this engine already and was deployed by somebody else (service {})",
            options.stack,
            foreign.name()
        ))
        .hint("choose another stack name, or take it over with --adopt"));
    }
    if options.prune {
        for service in &existing {
            if requests.services.iter().all(|wanted| wanted.name() != service.name()) {
                tell(&format!("Removing service {}", service.name()));
                engine.remove_service(&service.id).await?;
            }
        }
    }
    check_ports(engine, &options.stack, &requests.services).await?;
    check_external_networks(engine, &requests.external_networks).await?;
    for network in &requests.networks {
        if engine.network(&network.name).await?.is_none() {
            tell(&format!("Creating network {}", network.name));
            let mut body = network.body.clone();
            // The client sends the name beside the body's own keys.
            body["Name"] = json!(network.name);
            label(&mut body, &options.run_id);
            engine.create_object(StackObjectKind::Network, &body).await?;
        }
    }
    let secrets =
        objects(engine, StackObjectKind::Secret, &requests.secrets, options, tell).await?;
    let configs =
        objects(engine, StackObjectKind::Config, &requests.configs, options, tell).await?;
    requests.resolve_ids(&secrets, &configs)?;
    let mut applied = Applied { services: Vec::new(), fresh: existing.is_empty() };
    for mut service in requests.services {
        service.set_label(RUN_LABEL, &options.run_id);
        if let Some(old) = existing.iter().find(|old| old.name() == service.name()) {
            tell(&format!("Updating service {} (id: {})", service.name(), old.id));
            service.set_force_update(old.spec.force_update());
            for warning in engine.update_service(&service, options.auth.as_deref()).await? {
                tell(&format!("warning: {warning}"));
            }
        } else {
            tell(&format!("Creating service {}", service.name()));
            engine.create_service(&service, options.auth.as_deref()).await?;
        }
        applied.services.push(service);
    }
    Ok(applied)
}

async fn check_external_networks(engine: &Engine, names: &[String]) -> Result<()> {
    for name in names {
        // These belong to each node and are not inspected by docker either.
        if matches!(name.as_str(), "host" | "bridge" | "none") {
            continue;
        }
        match engine.network(name).await? {
            None => {
                return Err(Error::stack(format!(
                    "network {name} is declared as external, but there is none of that name"
                ))
                .hint(format!("create it first: docker network create -d overlay {name}")));
            }
            Some(network) if network.scope != "swarm" => {
                return Err(Error::stack(format!(
                    "network {name} is declared as external, but its scope is {} instead of swarm",
                    network.scope
                ))
                .hint("a stack can use overlay networks only"));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// Creates what is missing and updates what exists; returns the ids of everything of that kind,
/// external ones included.
async fn objects(
    engine: &Engine,
    kind: StackObjectKind,
    bodies: &[Value],
    options: &ApplyOptions,
    tell: &(dyn Fn(&str) + Send + Sync),
) -> Result<BTreeMap<String, String>> {
    let existing: Vec<StackObject> = engine.objects(kind, None).await?;
    let mut ids: BTreeMap<String, String> =
        existing.iter().map(|object| (object.name.clone(), object.id.clone())).collect();
    for body in bodies {
        let name = body["Name"].as_str().unwrap_or_default();
        let mut body = body.clone();
        label(&mut body, &options.run_id);
        if let Some(object) = existing.iter().find(|object| object.name == name) {
            let foreign = object.labels.get(STACK_LABEL) != Some(&options.stack)
                || !object.labels.contains_key(RUN_LABEL);
            if foreign && !options.adopt {
                return Err(Error::usage(format!(
                    "{} {name} is on this engine already and was made by somebody else",
                    kind.as_str()
                ))
                .hint("choose another stack name, or take it over with --adopt"));
            }
            engine.update_object(object, &body).await?;
        } else {
            tell(&format!("Creating {} {name}", kind.as_str()));
            let id = engine.create_object(kind, &body).await?;
            ids.insert(name.to_owned(), id);
        }
    }
    Ok(ids)
}

fn label(body: &mut Value, run_id: &str) {
    if !body["Labels"].is_object() {
        body["Labels"] = json!({});
    }
    body["Labels"][RUN_LABEL] = json!(run_id);
}

/// Puts the ids of the swarm's secrets and configs into bodies that name them.
///
/// # Errors
/// When one of them does not exist.
pub async fn resolve_references(engine: &Engine, requests: &mut Requests) -> Result<()> {
    let mut ids = Vec::new();
    for kind in [StackObjectKind::Secret, StackObjectKind::Config] {
        let objects = engine.objects(kind, None).await?;
        ids.push(objects.into_iter().map(|object| (object.name, object.id)).collect());
    }
    requests.resolve_ids(&ids[0], &ids[1])
}

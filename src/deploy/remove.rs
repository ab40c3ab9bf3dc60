//! Removing a stack, and checking that it is gone.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::owner::Whose;
use crate::engine::{Engine, STACK_LABEL, ServiceView, StackObject, StackObjectKind};
use crate::error::Result;
use crate::wording::{counted, list};

/// How long the containers of removed services may take to disappear after their grace period.
const GONE_WITHIN: Duration = Duration::from_secs(60);

/// The time between two checks.
const CHECK_EVERY: Duration = Duration::from_millis(200);

/// What was removed and what remains.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removed {
    /// What was removed, each as `kind name`.
    pub removed: Vec<String>,
    /// What remains, with the reason.
    pub left: Vec<String>,
}

/// Removes what this state folder owns of a stack: services, then secrets, configs and networks.
/// Waits until the containers are gone from the given engines, and then checks again. What belongs
/// to others is not touched, and not counted as left.
///
/// # Errors
/// When an engine does not respond.
pub async fn remove(
    manager: &Engine,
    engines: &[Engine],
    stack: &str,
    owner: &str,
    tell: &(dyn Fn(&str) + Send + Sync),
) -> Result<Removed> {
    let mut report = Removed::default();
    let mut grace: f64 = 0.0;
    let mut jobs = Vec::new();
    let services = manager.stack_services(stack).await?;
    let ours = |service: &&ServiceView| Whose::service(owner, service) == Whose::Ours;
    let others = services.iter().filter(|service| !ours(service)).count();
    for service in services.iter().filter(ours) {
        grace = grace.max(service.spec.stop_grace_period());
        tell(&format!("Removing service {}", service.name()));
        manager.remove_service(&service.id).await?;
        if service.spec.is_job() {
            jobs.push(service.name());
        }
        report.removed.push(format!("service {}", service.name()));
    }
    let grace = Duration::try_from_secs_f64(grace).unwrap_or_default();
    let deadline = Instant::now() + grace + GONE_WITHIN;
    // Containers of services that belong to others stay.
    if others == 0 && !report.removed.is_empty() {
        let containers = wait_for_containers(engines, stack, &jobs, deadline).await?;
        if containers > 0 {
            let containers = counted(containers as u64, "container");
            report.left.push(format!("{containers} of stack {stack}: still running"));
        }
    }
    for kind in [StackObjectKind::Secret, StackObjectKind::Config, StackObjectKind::Network] {
        for object in manager.stack_objects(kind, stack).await? {
            let label = |key: &str| object.labels.get(key).map(String::as_str);
            if Whose::of(owner, label) != Whose::Ours {
                continue;
            }
            let name = format!("{} {}", kind.as_str(), object.name);
            let users = users(manager, &object).await?;
            if !users.is_empty() {
                let names: Vec<String> =
                    users.iter().map(|service| service.name().to_owned()).collect();
                // `docker stack deploy` takes services over: it drops labels that it does not know.
                let taken_over =
                    others > 0 && users.iter().all(|user| user.label(STACK_LABEL) == Some(stack));
                let rest = if taken_over {
                    format!(" (`docker stack rm {stack}` removes all of it)")
                } else {
                    String::new()
                };
                report.left.push(format!("{name}: used by {}{rest}", list(&names)));
            } else if remove_when_unused(manager, &object, deadline).await? {
                tell(&format!("Removing {name}"));
                report.removed.push(name);
            } else {
                report.left.push(format!("{name}: still in use"));
            }
        }
    }
    for service in manager.stack_services(stack).await?.iter().filter(ours) {
        report.left.push(format!("service {}: still there", service.name()));
    }
    Ok(report)
}

/// Removes networks, secrets and configs, the last made first, and returns those that are still used
/// after `within`, each as `kind name`.
///
/// # Errors
/// When the engine does not respond or refuses.
pub async fn remove_objects(
    engine: &Engine,
    objects: &[StackObject],
    within: Duration,
) -> Result<Vec<String>> {
    let deadline = Instant::now() + within;
    let mut left = Vec::new();
    for object in objects.iter().rev() {
        if !remove_when_unused(engine, object, deadline).await? {
            left.push(format!("{} {}", object.kind.as_str(), object.name));
        }
    }
    Ok(left)
}

/// The services that use an object and will go on doing so.
async fn users(engine: &Engine, object: &StackObject) -> Result<Vec<ServiceView>> {
    let services = engine.services().await?;
    let uses = |service: &ServiceView| {
        let template = &service.spec.as_value()["TaskTemplate"];
        let named = |list: &serde_json::Value, key: &str| {
            let mut entries = list.as_array().into_iter().flatten();
            entries.any(|entry| entry[key] == object.id || entry[key] == object.name)
        };
        let container = &template["ContainerSpec"];
        match object.kind {
            StackObjectKind::Network => named(&template["Networks"], "Target"),
            StackObjectKind::Secret => named(&container["Secrets"], "SecretID"),
            StackObjectKind::Config => named(&container["Configs"], "ConfigID"),
        }
    };
    Ok(services.into_iter().filter(uses).collect())
}

/// Waits until a stack's containers are gone; returns how many remain. Engines leave the containers
/// of a removed job's ended tasks behind (seen on 20.10.24), so these are removed here.
async fn wait_for_containers(
    engines: &[Engine],
    stack: &str,
    jobs: &[&str],
    deadline: Instant,
) -> Result<usize> {
    loop {
        let mut count = 0;
        for engine in engines {
            for job in jobs {
                for container in engine.service_containers(job).await? {
                    engine.remove_ended_container(&container).await?;
                }
            }
            count += engine.stack_containers(stack).await?.len();
        }
        if count == 0 || Instant::now() >= deadline {
            return Ok(count);
        }
        sleep(CHECK_EVERY).await;
    }
}

/// Removes an object, retrying while it is in use: a network can only be removed after the last
/// task has left it. A node may still have it for a moment after the swarm has forgotten it, and a
/// stack that is deployed then would rely on it. Returns whether it is gone.
async fn remove_when_unused(
    engine: &Engine,
    object: &StackObject,
    deadline: Instant,
) -> Result<bool> {
    let mut removed = false;
    loop {
        removed = removed || engine.remove_object(object).await?;
        if removed && !is_on_node(engine, object).await? {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        sleep(CHECK_EVERY).await;
    }
}

async fn is_on_node(engine: &Engine, object: &StackObject) -> Result<bool> {
    match object.kind {
        StackObjectKind::Network => Ok(engine.network(&object.id).await?.is_some()),
        StackObjectKind::Secret | StackObjectKind::Config => Ok(false),
    }
}

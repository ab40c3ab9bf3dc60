//! Taking a stack away, and proving that it is gone.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::engine::{Engine, RUN_LABEL, StackObject, StackObjectKind};
use crate::error::Result;

/// How long the containers of removed services may take to end, beyond their grace period.
const GONE_WITHIN: Duration = Duration::from_secs(60);

const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What was removed and what is left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removed {
    /// What was removed, one `kind name` each.
    pub removed: Vec<String>,
    /// What is still there, with the reason.
    pub left: Vec<String>,
}

/// Removes what this program deployed of a stack: services, then secrets, configs and networks.
/// Waits until the containers are gone on the given engines, then looks again.
///
/// # Errors
/// When an engine does not answer.
pub async fn remove(
    manager: &Engine,
    engines: &[Engine],
    stack: &str,
    tell: &(dyn Fn(&str) + Send + Sync),
) -> Result<Removed> {
    let mut report = Removed::default();
    let mut grace = Duration::ZERO;
    for service in manager.stack_services(stack).await? {
        if service.label(RUN_LABEL).is_none() {
            continue;
        }
        let own = &service.spec.as_value()["TaskTemplate"]["ContainerSpec"]["StopGracePeriod"];
        grace = grace.max(Duration::from_nanos(own.as_u64().unwrap_or(10_000_000_000)));
        tell(&format!("Removing service {}", service.name()));
        manager.remove_service(&service.id).await?;
        report.removed.push(format!("service {}", service.name()));
    }
    let deadline = Instant::now() + grace + GONE_WITHIN;
    let containers = wait_for_containers(engines, stack, deadline).await?;
    for kind in [StackObjectKind::Secret, StackObjectKind::Config, StackObjectKind::Network] {
        for object in manager.stack_objects(kind, stack).await? {
            let name = format!("{} {}", kind.as_str(), object.name);
            if !object.labels.contains_key(RUN_LABEL) {
                continue;
            }
            if remove_when_unused(manager, &object, deadline).await? {
                tell(&format!("Removing {name}"));
                report.removed.push(name);
            } else {
                report.left.push(format!("{name}: still in use"));
            }
        }
    }
    if containers > 0 && !report.removed.is_empty() {
        report.left.push(format!("{containers} containers of stack {stack} that have not ended"));
    }
    for service in manager.stack_services(stack).await? {
        if service.label(RUN_LABEL).is_some() {
            report.left.push(format!("service {}", service.name()));
        }
    }
    Ok(report)
}

/// Waits for a stack's containers to go; returns how many have not.
async fn wait_for_containers(engines: &[Engine], stack: &str, deadline: Instant) -> Result<usize> {
    loop {
        let mut count = 0;
        for engine in engines {
            count += engine.stack_containers(stack).await?.len();
        }
        if count == 0 || Instant::now() >= deadline {
            return Ok(count);
        }
        sleep(LOOK_EVERY).await;
    }
}

/// A network can be removed only when no task uses it any more. A node may still have it for a
/// moment after the swarm has forgotten it; a stack deployed then would count on it.
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
        sleep(LOOK_EVERY).await;
    }
}

async fn is_on_node(engine: &Engine, object: &StackObject) -> Result<bool> {
    match object.kind {
        StackObjectKind::Network => Ok(engine.network(&object.id).await?.is_some()),
        StackObjectKind::Secret | StackObjectKind::Config => Ok(false),
    }
}

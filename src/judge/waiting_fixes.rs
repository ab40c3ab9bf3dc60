//! What to change for tasks that Swarm waits for: the engine's own words decide.

use super::fix::Fix;
use super::remedies::{NODE_HOLDS, TASK_ERRORS};
use super::scene::Scene;
use super::task_failure::TaskFailure;
use crate::record::StackFacts;
use crate::remedy::{self, rules};

/// Swarm's words for a port of a node that another task has.
const HOST_PORT: &str = "host-mode port";

/// Swarm waits for a task that neither starts nor fails.
pub(super) fn stuck(scene: &Scene, stack: &StackFacts) -> Fix {
    let waiting = scene
        .tasks
        .wanted()
        .filter(|life| life.running.is_none())
        .find_map(super::tasks::TaskLife::failure);
    match waiting {
        Some(TaskFailure::NotPlaced { error })
            if stack.ports_moved && error.contains(HOST_PORT) =>
        {
            Fix::text(remedy::PORT_OF_THE_RUN)
        }
        Some(TaskFailure::NotPlaced { error }) if holds(&error).is_some() => {
            let (update, rollback) = (&stack.update_config, &stack.rollback_config);
            let stop_first = |rule| remedy::stop_first(rule, update, rollback, scene.replicas);
            holds(&error).and_then(stop_first).map_or_else(|| cannot_start(&error), Fix::Set)
        }
        Some(
            TaskFailure::NotPlaced { error }
            | TaskFailure::NotStarted { error }
            | TaskFailure::StartFailed { error }
            | TaskFailure::Rejected { error },
        ) => cannot_start(&error),
        Some(_) => Fix::text(TASK_ERRORS),
        None if scene.held_by_node().is_some() => Fix::text(NODE_HOLDS),
        None => Fix::about(
            "healthcheck",
            "a task that neither starts nor becomes unhealthy keeps Swarm waiting: look at \
             placement, images, and a `healthcheck` with a long `start_period` or many `retries`",
        ),
    }
}

/// The rule about what the old task still holds and the new one waits for, if the engine's words mean
/// that.
fn holds(error: &str) -> Option<&'static str> {
    let words = [
        (HOST_PORT, rules::HOST_PORT_START_FIRST),
        ("max replicas per node", rules::NODE_LIMIT_START_FIRST),
        ("insufficient resources", rules::SPARE_RESOURCES),
    ];
    words.into_iter().find(|(words, _)| error.contains(words)).map(|(_, rule)| rule)
}

/// What to change for a task that cannot start, from the engine's words.
pub(super) fn cannot_start(error: &str) -> Fix {
    let says = |words: &[&str]| words.iter().any(|word| error.contains(word));
    if says(&[HOST_PORT]) {
        return Fix::text(
            "free the host port: one node can give it to one task only, so let the service have \
             no more replicas than nodes, or publish the port with `mode: ingress`",
        );
    }
    if says(&["resolve reference", "No such image", "pull access", "manifest", "not found: "]) {
        return Fix::about(
            "image",
            "correct the image's name, or make it available on every node: push it to a registry \
             that the nodes reach",
        );
    }
    if says(&["executable file not found", "permission denied", "no such file or directory"])
        && says(&["exec"])
    {
        return Fix::about(
            "command",
            "correct what the container starts: the image has no such program, or may not run it",
        );
    }
    if says(&["bind source path", "mount"]) {
        return Fix::about(
            "volumes",
            "create what the service mounts on every node that may run it",
        );
    }
    if says(&["insufficient resources"]) {
        return Fix::text(
            "lower `deploy.resources.reservations`, or add a node: no node has that much left",
        );
    }
    if says(&["constraint", "max replicas per node", "unsupported platform", "no suitable node"]) {
        return Fix::text(
            "let more nodes take the new task: see `deploy.placement` and the nodes' state in \
             `docker node ls`",
        );
    }
    Fix::text(TASK_ERRORS)
}

//! `deploy`.

use super::tree::{Keys, Tree};
use crate::stack::model::{Deploy, GenericResource, Placement, RestartPolicy, Share, UpdateConfig};

/// `deploy`.
pub(super) fn deploy(deploy: &Deploy) -> Keys {
    let resources = Keys::default()
        .maybe("limits", deploy.resources.limits.as_ref().map(share))
        .maybe("reservations", deploy.resources.reservations.as_ref().map(share));
    Keys::default()
        .text("mode", &deploy.mode)
        .uint("replicas", deploy.replicas)
        .texts("labels", &deploy.labels)
        .maybe("update_config", deploy.update_config.as_ref().map(update))
        .maybe("rollback_config", deploy.rollback_config.as_ref().map(update))
        .keys("resources", resources)
        .maybe("restart_policy", deploy.restart_policy.as_ref().map(restart))
        .keys("placement", placement(&deploy.placement))
        .text("endpoint_mode", &deploy.endpoint_mode)
}

fn update(config: &UpdateConfig) -> Tree {
    let some = |nanos: i64| (nanos != 0).then_some(nanos);
    let ratio = config.max_failure_ratio;
    Keys::default()
        .uint("parallelism", config.parallelism)
        .duration("delay", some(config.delay))
        .text("failure_action", &config.failure_action)
        .duration("monitor", some(config.monitor))
        .maybe("max_failure_ratio", (ratio != 0.0).then_some(Tree::Float(ratio)))
        .text("order", &config.order)
        .finish()
}

fn restart(policy: &RestartPolicy) -> Tree {
    Keys::default()
        .text("condition", &policy.condition)
        .duration("delay", policy.delay)
        .uint("max_attempts", policy.max_attempts)
        .duration("window", policy.window)
        .finish()
}

fn placement(placement: &Placement) -> Keys {
    let max = placement.max_replicas;
    Keys::default()
        .lines("constraints", &placement.constraints)
        .list("preferences", &placement.preferences, |spread| {
            Keys::default().text("spread", spread).finish()
        })
        .uint("max_replicas_per_node", (max != 0).then_some(max))
}

fn share(share: &Share) -> Tree {
    Keys::default()
        .text("cpus", &share.cpus)
        .size("memory", share.memory)
        .int("pids", share.pids)
        .list("generic_resources", &share.generic_resources, generic)
        .finish()
}

fn generic(resource: &GenericResource) -> Tree {
    let spec = resource.as_ref().map(|(kind, value)| {
        Keys::default()
            .set("kind", Tree::Text(kind.clone()))
            .set("value", Tree::Int(*value))
            .finish()
    });
    Keys::default().maybe("discrete_resource_spec", spec).finish()
}

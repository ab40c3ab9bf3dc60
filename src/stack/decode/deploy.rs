//! Decodes `deploy`.

use super::values::{Fields, list, pairs, ratio, text_list};
use crate::stack::fault::Fault;
use crate::stack::model::{
    Deploy, GenericResource, Placement, Resources, RestartPolicy, Share, UpdateConfig,
};
use crate::stack::node::Node;

/// Reads `deploy`.
pub(super) fn deploy(node: &Node) -> Result<Deploy, Fault> {
    let fields = Fields::of(node)?;
    Ok(Deploy {
        mode: fields.text("mode")?,
        replicas: fields.unsigned("replicas")?,
        labels: fields.map_to("labels", pairs)?.unwrap_or_default(),
        update_config: fields.map_to("update_config", update_config)?,
        rollback_config: fields.map_to("rollback_config", update_config)?,
        resources: fields.map_to("resources", resources)?.unwrap_or_default(),
        restart_policy: fields.map_to("restart_policy", restart_policy)?,
        placement: fields.map_to("placement", placement)?.unwrap_or_default(),
        endpoint_mode: fields.text("endpoint_mode")?,
    })
}

fn update_config(node: &Node) -> Result<UpdateConfig, Fault> {
    let fields = Fields::of(node)?;
    Ok(UpdateConfig {
        parallelism: fields.unsigned("parallelism")?,
        delay: fields.duration("delay")?.unwrap_or_default(),
        failure_action: fields.text("failure_action")?,
        monitor: fields.duration("monitor")?.unwrap_or_default(),
        max_failure_ratio: fields.map_to("max_failure_ratio", ratio)?.unwrap_or_default(),
        order: fields.text("order")?,
    })
}

fn restart_policy(node: &Node) -> Result<RestartPolicy, Fault> {
    let fields = Fields::of(node)?;
    Ok(RestartPolicy {
        condition: fields.text("condition")?,
        delay: fields.duration("delay")?,
        max_attempts: fields.unsigned("max_attempts")?,
        window: fields.duration("window")?,
    })
}

fn placement(node: &Node) -> Result<Placement, Fault> {
    let fields = Fields::of(node)?;
    let preferences = fields.map_to("preferences", |node| {
        list(node)?.iter().map(|item| Fields::of(item)?.text("spread")).collect()
    })?;
    Ok(Placement {
        constraints: fields.map_to("constraints", text_list)?.unwrap_or_default(),
        preferences: preferences.unwrap_or_default(),
        max_replicas: fields.unsigned("max_replicas_per_node")?.unwrap_or_default(),
    })
}

fn resources(node: &Node) -> Result<Resources, Fault> {
    let fields = Fields::of(node)?;
    Ok(Resources {
        limits: fields.map_to("limits", share)?,
        reservations: fields.map_to("reservations", share)?,
    })
}

fn share(node: &Node) -> Result<Share, Fault> {
    let fields = Fields::of(node)?;
    let generic = fields
        .map_to("generic_resources", |node| list(node)?.iter().map(generic_resource).collect())?;
    Ok(Share {
        cpus: fields.text("cpus")?,
        cpus_mark: fields.mark("cpus").unwrap_or(node.mark),
        memory: fields.size("memory")?,
        pids: fields.signed("pids")?,
        generic_resources: generic.unwrap_or_default(),
    })
}

fn generic_resource(node: &Node) -> Result<GenericResource, Fault> {
    Fields::of(node)?.map_to("discrete_resource_spec", |node| {
        let fields = Fields::of(node)?;
        Ok((fields.text("kind")?, fields.signed("value")?))
    })
}

//! What the model needs to know of a service.

use crate::stack::{DEFAULT_STOP_GRACE_PERIOD, ServiceBody};
use crate::swarm::{HealthCheck, PublishMode, RestartPolicy, UpdatePolicy};

/// What the model needs to know of one version of a service's spec.
#[derive(Debug, Clone, PartialEq)]
pub struct Spec {
    /// Replicas; for a global service the model has one slot a node instead.
    pub replicas: u64,
    /// One task a node.
    pub global: bool,
    /// `update_config`.
    pub update: UpdatePolicy,
    /// `rollback_config`: used when a later version rolls back to this one.
    pub rollback: UpdatePolicy,
    /// The health check; absent if there is none.
    pub health: Option<HealthCheck>,
    /// Seconds between the stop signal and SIGKILL.
    pub stop_grace: f64,
    /// When ended tasks are replaced.
    pub restart: RestartPolicy,
    /// Whether tasks have a network of the swarm, which is always so in a stack: Swarm then waits
    /// before the stop signal.
    pub networked: bool,
    /// Ports that are published on the node of each task (`mode: host`).
    pub host_ports: Vec<u16>,
    /// The most tasks on one node; 0 means any number.
    pub max_per_node: u64,
    /// Placement constraints, such as `node.role==manager`.
    pub constraints: Vec<String>,
    /// Reserved processors of each task.
    pub cpus: f64,
    /// Reserved memory of each task, in bytes.
    pub memory: u64,
}

impl Spec {
    /// Reads a service's request body. `image_check` is the `HEALTHCHECK` of its image, if known.
    #[must_use]
    pub fn of(body: &ServiceBody, image_check: Option<&serde_json::Value>) -> Self {
        let template = &body.as_value()["TaskTemplate"];
        let placement = &template["Placement"];
        let reserved = &template["Resources"]["Reservations"];
        let ports = body.published_ports();
        let host_ports = ports
            .iter()
            .filter(|port| port.mode == PublishMode::Host)
            .filter_map(|port| port.published)
            .collect();
        let networks = body.networks();
        let own_network = networks.iter().any(|name| !matches!(*name, "host" | "none" | "bridge"));
        Self {
            replicas: body.replicas().unwrap_or(1),
            global: body.replicas().is_none(),
            update: body.update_policy(),
            rollback: body.rollback_policy(),
            health: body.effective_healthcheck(image_check),
            stop_grace: body.stop_grace_period(),
            restart: body.restart_policy(),
            networked: own_network || ports.iter().any(|port| port.mode == PublishMode::Ingress),
            host_ports,
            max_per_node: placement["MaxReplicas"].as_u64().unwrap_or(0),
            constraints: placement["Constraints"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|constraint| constraint.as_str().map(str::to_owned))
                .collect(),
            cpus: reserved["NanoCPUs"].as_f64().unwrap_or(0.0) / 1e9,
            memory: reserved["MemoryBytes"].as_u64().unwrap_or(0),
        }
    }
}

impl Default for Spec {
    /// One replica with the engine's defaults.
    fn default() -> Self {
        let policy = ServiceBody::new(serde_json::Value::Null).update_policy();
        Self {
            replicas: 1,
            global: false,
            update: policy.clone(),
            rollback: policy,
            health: None,
            stop_grace: DEFAULT_STOP_GRACE_PERIOD,
            restart: RestartPolicy::default(),
            networked: true,
            host_ports: Vec::new(),
            max_per_node: 0,
            constraints: Vec::new(),
            cpus: 0.0,
            memory: 0,
        }
    }
}

//! What the model needs to know of a service, from its request body.

use crate::stack::ServiceBody;
use crate::swarm::{PublishMode, Spec, SpecChange};

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

impl SpecChange {
    /// A change from one request body to another. `check_of` gives the `HEALTHCHECK` of an image, if
    /// it is known.
    #[must_use]
    pub fn between(
        before: &ServiceBody,
        after: &ServiceBody,
        check_of: &dyn Fn(&str) -> Option<serde_json::Value>,
    ) -> Self {
        let spec = |body: &ServiceBody| Spec::of(body, check_of(body.image()).as_ref());
        Self { before: spec(before), after: spec(after), replaces: after.replaces_tasks_of(before) }
    }
}

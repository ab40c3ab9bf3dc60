//! So that the port which users ask stays open while what has it is replaced.

/// What helps where a run has taken the port from the mesh, which both tasks can be reached through.
pub const PORT_OF_THE_RUN: &str = "the port is in host mode in this run only (--endpoint-mode dnsrr), and \
    belongs to one task: test this update on an engine whose kernel has IPVS";

/// What helps a service whose port is in host mode: no setting of its own does. `ipvs` says whether the
/// kernel can publish ports in ingress mode; absent if that is not known.
#[must_use]
pub fn keep_port_open(service: &str, ipvs: Option<bool>) -> String {
    let why = "a port in host mode belongs to one task of a node, so each update closes it";
    let mesh = "publish the port with `mode: ingress`, and set `update_config.order: start-first` and a \
                `healthcheck`";
    let mesh_if = "with IPVS in the kernel, publish the port with `mode: ingress`, and set \
                   `update_config.order: start-first` and a `healthcheck`";
    let front = format!(
        "give the port to another proxy that is never updated, and let it forward to {service} with two \
         replicas, start-first and a `healthcheck`"
    );
    match ipvs {
        Some(true) => format!("{why}: {mesh}; or {front}"),
        Some(false) => format!("{why}: {front}"),
        None => format!("{why}: {mesh_if}; or {front}"),
    }
}

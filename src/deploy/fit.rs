//! What a kernel without IPVS can run.

use crate::error::{Error, Result};
use crate::stack::ServiceBody;

/// What the engine's kernel can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kernel {
    /// Whether service VIPs and the ingress routing mesh work.
    pub ipvs: bool,
}

/// How services are reached, when the stack file's own way is not to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointMode {
    /// Names resolve to the tasks; published ports are opened on the task's own node.
    Dnsrr,
}

/// Makes a stack's services fit the kernel, or says why they cannot run on it. A stack is never
/// changed silently: what was changed is returned, to be told and reported as a caveat.
///
/// # Errors
/// When a service needs a VIP or the ingress mesh and the kernel has none, unless `mode` allows
/// another way.
pub fn fit_to_kernel(
    services: &mut [ServiceBody],
    kernel: Kernel,
    mode: Option<EndpointMode>,
) -> Result<Vec<String>> {
    let mut changes = Vec::new();
    let alone = services.len() == 1;
    for service in services.iter_mut() {
        let needs = needs_ipvs(service, alone);
        match (mode, needs) {
            (Some(EndpointMode::Dnsrr), needs) => changes.extend(change(service, needs.is_some())),
            (None, Some(reason)) if !kernel.ipvs => return Err(refusal(service, reason)),
            (None, _) => {}
        }
    }
    Ok(changes)
}

/// Why a service needs IPVS; absent if it does not.
fn needs_ipvs(service: &ServiceBody, alone: bool) -> Option<&'static str> {
    let ports = service.published_ports();
    if ports.iter().any(|port| port.mode == "ingress") {
        return Some("publishes a port through the ingress mesh");
    }
    // A service that is entered through a port of its node is rarely called by its name.
    let called_by_name = ports.is_empty() && !alone && !service.is_job();
    (called_by_name && service.endpoint_mode() == "vip")
        .then_some("is reached by the others through its virtual IP")
}

fn change(service: &mut ServiceBody, needed: bool) -> Option<String> {
    let ingress = service.published_ports().iter().any(|port| port.mode == "ingress");
    if service.endpoint_mode() == "dnsrr" && !ingress {
        return None;
    }
    service.publish_in_host_mode();
    service.set_endpoint_mode("dnsrr");
    let ports = if ingress { " and its ports opened in host mode" } else { "" };
    let why = if needed { "" } else { ", as --endpoint-mode asks" };
    Some(format!(
        "service {} is run with endpoint_mode dnsrr{ports} instead of what the stack file says{why}",
        service.name()
    ))
}

fn refusal(service: &ServiceBody, reason: &str) -> Error {
    Error::environment(format!(
        "service {} {reason}, and this engine's kernel has no IPVS, so neither VIPs nor the ingress mesh work on it",
        service.name()
    ))
    .hint("run it on a kernel with the ip_vs module, or let it be changed for this run with --endpoint-mode dnsrr (the report will say so)")
    .hint("in the stack file: `endpoint_mode: dnsrr`, ports with `mode: host`, and a proxy that resolves tasks.<service> about every second")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn services() -> Vec<ServiceBody> {
        vec![
            ServiceBody::new(json!({"Name": "s_proxy", "EndpointSpec": {"Ports": [
                {"TargetPort": 80, "PublishedPort": 8080, "PublishMode": "ingress"}]}})),
            ServiceBody::new(json!({"Name": "s_app", "EndpointSpec": {"Mode": "dnsrr"}})),
        ]
    }

    #[test]
    fn an_ingress_port_is_refused_without_ipvs_and_untouched_with_it() {
        let mut stack = services();
        let error = fit_to_kernel(&mut stack, Kernel { ipvs: false }, None).unwrap_err();
        assert!(error.message().contains("s_proxy"), "{error}");
        assert!(fit_to_kernel(&mut stack, Kernel { ipvs: true }, None).unwrap().is_empty());
        assert_eq!(stack, services());
    }

    #[test]
    fn what_is_changed_is_told() {
        let mut stack = services();
        let changes =
            fit_to_kernel(&mut stack, Kernel { ipvs: false }, Some(EndpointMode::Dnsrr)).unwrap();
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert_eq!(stack[0].published_ports()[0].mode, "host");
        assert_eq!(stack[0].endpoint_mode(), "dnsrr");
        assert_eq!(stack[1], services()[1]);
    }
}

//! Whether a stack can run on a kernel without IPVS, and how to adapt it if not.

use crate::error::{Error, Result};
use crate::stack::{Requests, ServiceBody};
use crate::swarm::{PublishMode, ResolutionMode};

/// What the engine's kernel supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kernel {
    /// Whether service VIPs and the ingress mesh work.
    pub ipvs: bool,
}

/// How services are reached, if not as the stack file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointMode {
    /// Names resolve to the tasks' addresses; published ports are open on the tasks' nodes.
    Dnsrr,
}

/// Adapts a stack to the kernel, or explains why it cannot run there. A stack is never changed
/// silently: each change is returned as a sentence for the user and the report.
///
/// # Errors
/// A service needs its virtual IP or the ingress mesh, the kernel supports neither, and `mode`
/// allows no change. The error has the service's place.
pub fn fit_to_kernel(
    requests: &mut Requests,
    kernel: Kernel,
    mode: Option<EndpointMode>,
) -> Result<Vec<String>> {
    match mode {
        Some(EndpointMode::Dnsrr) => Ok(requests.services.iter_mut().filter_map(change).collect()),
        None if kernel.ipvs => Ok(Vec::new()),
        None => {
            let alone = requests.services.len() == 1;
            for service in &requests.services {
                if let Some(reason) = needs_ipvs(service, alone) {
                    return Err(refusal(requests, service, reason));
                }
            }
            Ok(Vec::new())
        }
    }
}

/// Why a service needs IPVS; absent if it does not.
fn needs_ipvs(service: &ServiceBody, alone: bool) -> Option<&'static str> {
    let ports = service.published_ports();
    if ports.iter().any(|port| port.mode == PublishMode::Ingress) {
        return Some("publishes a port through the ingress mesh");
    }
    // A service that publishes a port of its node is rarely addressed by its name.
    let called_by_name = ports.is_empty() && !alone && !service.is_job();
    (called_by_name && service.endpoint_mode() == ResolutionMode::Vip)
        .then_some("is reached by other services through its virtual IP")
}

fn change(service: &mut ServiceBody) -> Option<String> {
    let ingress = service.published_ports().iter().any(|port| port.mode == PublishMode::Ingress);
    if service.endpoint_mode() == ResolutionMode::Dnsrr && !ingress {
        return None;
    }
    service.publish_in_host_mode();
    service.set_endpoint_mode(ResolutionMode::Dnsrr);
    let ports = if ingress { " and host-mode ports" } else { "" };
    Some(format!(
        "service {} runs with endpoint_mode dnsrr{ports}, which differs from the stack file (--endpoint-mode dnsrr)",
        service.name()
    ))
}

fn refusal(requests: &Requests, service: &ServiceBody, reason: &str) -> Error {
    let name = service.name();
    let error = Error::environment(format!(
        "service {name} {reason}, which needs IPVS, but the engine's kernel has no IPVS"
    ))
    .hint("use a kernel with the ip_vs module, or adapt the stack for this run with --endpoint-mode dnsrr (the report mentions it)")
    .hint("or change the stack file: set `endpoint_mode: dnsrr`, publish ports with `mode: host`, and use a proxy that resolves tasks.<service> about once a second");
    match requests.service_places.get(name) {
        Some(place) => error.at(place.clone()),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::json;

    use super::*;
    use crate::Place;

    const NO_IPVS: Kernel = Kernel { ipvs: false };

    fn requests() -> Requests {
        let services = vec![
            ServiceBody::new(json!({"Name": "s_proxy", "EndpointSpec": {"Ports": [
                {"TargetPort": 80, "PublishedPort": 8080, "PublishMode": "ingress"}]}})),
            ServiceBody::new(json!({"Name": "s_app", "EndpointSpec": {"Mode": "dnsrr"}})),
        ];
        Requests { services, ..Requests::default() }
    }

    #[test]
    fn an_ingress_port_is_refused_without_ipvs_and_kept_with_it() {
        let mut stack = requests();
        let error = fit_to_kernel(&mut stack, NO_IPVS, None).unwrap_err();
        assert!(error.message().contains("s_proxy"), "{error}");
        assert!(fit_to_kernel(&mut stack, Kernel { ipvs: true }, None).unwrap().is_empty());
        assert_eq!(stack, requests());
    }

    #[test]
    fn every_change_is_reported() {
        let mut stack = requests();
        let changes = fit_to_kernel(&mut stack, NO_IPVS, Some(EndpointMode::Dnsrr)).unwrap();
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert_eq!(stack.services[0].published_ports()[0].mode, PublishMode::Host);
        assert_eq!(stack.services[0].endpoint_mode(), ResolutionMode::Dnsrr);
        assert_eq!(stack.services[1], requests().services[1]);
    }

    #[test]
    fn a_refusal_has_the_place_of_the_service() {
        let service = |name: &str, mode: &str| {
            ServiceBody::new(json!({"Name": name, "EndpointSpec": {"Mode": mode}}))
        };
        let place =
            |line| Place { file: PathBuf::from("s.yml"), line, column: 3, text: "x".into() };
        let mut stack = Requests {
            services: vec![service("s_app", "dnsrr"), service("s_app2", "vip")],
            service_places: [("s_app".to_owned(), place(2)), ("s_app2".to_owned(), place(9))]
                .into(),
            ..Requests::default()
        };
        let error = fit_to_kernel(&mut stack, NO_IPVS, None).unwrap_err();
        assert!(error.message().starts_with("service s_app2 "), "{error}");
        assert_eq!(error.place(), Some(&place(9)));
    }
}

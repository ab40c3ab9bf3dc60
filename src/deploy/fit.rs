//! Whether a stack can run on a kernel without IPVS, and how to adapt it if not.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::stack::{Requests, ServiceBody};
use crate::swarm::{PublishMode, ResolutionMode};
use crate::wording::list;

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

/// What was changed in a stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fitted {
    /// Each change, as a sentence for the user and the report.
    pub changes: Vec<String>,
    /// The services whose ports are opened on their tasks' nodes instead of in the mesh.
    pub moved_ports: BTreeSet<String>,
}

/// Adapts a stack to the kernel, or explains why it cannot run there. A stack is never changed
/// silently: each change is returned.
///
/// # Errors
/// A service needs its virtual IP or the ingress mesh, the kernel supports neither, and `mode`
/// allows no change. The error has the service's place.
pub fn fit_to_kernel(
    requests: &mut Requests,
    kernel: Kernel,
    mode: Option<EndpointMode>,
) -> Result<Fitted> {
    match mode {
        Some(EndpointMode::Dnsrr) => Ok(change(&mut requests.services)),
        None if kernel.ipvs => Ok(Fitted::default()),
        None => {
            let alone = requests.services.len() == 1;
            for service in &requests.services {
                if let Some(reason) = needs_ipvs(service, alone) {
                    return Err(refusal(requests, service, reason));
                }
            }
            Ok(Fitted::default())
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

/// Reaches services by their tasks' addresses: a sentence for those whose ports are opened elsewhere, and
/// one for the others.
fn change(services: &mut [ServiceBody]) -> Fitted {
    let (mut plain, mut ports) = (Vec::new(), Vec::new());
    for service in services {
        let ingress =
            service.published_ports().iter().any(|port| port.mode == PublishMode::Ingress);
        if service.endpoint_mode() == ResolutionMode::Dnsrr && !ingress {
            continue;
        }
        service.publish_in_host_mode();
        service.set_endpoint_mode(ResolutionMode::Dnsrr);
        let changed = if ingress { &mut ports } else { &mut plain };
        changed.push(service.name().to_owned());
    }
    let sentence = |(names, ports): (Vec<String>, &str)| {
        let who = match &names[..] {
            [] => return None,
            [name] => format!("service {name} runs"),
            _ => format!("services {} run", list(&names)),
        };
        Some(format!(
            "{who} with endpoint_mode dnsrr{ports}, which differs from the stack file \
             (--endpoint-mode dnsrr)"
        ))
    };
    let moved_ports = ports.iter().cloned().collect();
    let both = [(plain, ""), (ports, " and host-mode ports")];
    Fitted { changes: both.into_iter().filter_map(sentence).collect(), moved_ports }
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
        assert!(fit_to_kernel(&mut stack, Kernel { ipvs: true }, None).unwrap().changes.is_empty());
        assert_eq!(stack, requests());
    }

    #[test]
    fn every_change_is_reported() {
        let mut stack = requests();
        let changes =
            fit_to_kernel(&mut stack, NO_IPVS, Some(EndpointMode::Dnsrr)).unwrap().changes;
        assert_eq!(changes.len(), 1, "{changes:?}");
        assert_eq!(stack.services[0].published_ports()[0].mode, PublishMode::Host);
        assert_eq!(stack.services[0].endpoint_mode(), ResolutionMode::Dnsrr);
        assert_eq!(stack.services[1], requests().services[1]);
        let plain = |name: &str| ServiceBody::new(json!({"Name": name}));
        stack.services = vec![plain("s_a"), requests().services.remove(0), plain("s_b")];
        let Fitted { changes, moved_ports } =
            fit_to_kernel(&mut stack, NO_IPVS, Some(EndpointMode::Dnsrr)).unwrap();
        assert_eq!(Vec::from_iter(moved_ports), ["s_proxy"]);
        assert!(changes[0].starts_with("services s_a and s_b run with"), "{changes:?}");
        assert!(changes[1].starts_with("service s_proxy runs with"), "{changes:?}");
        assert_eq!(changes.len(), 2);
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

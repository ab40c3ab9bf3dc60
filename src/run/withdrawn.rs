//! Ports that users ask, and that the next version of the stack no longer publishes: the update
//! cuts them off.

use std::collections::BTreeSet;

use super::spec::RunSpec;
use crate::record::WithdrawnPort;
use crate::stack::{Requests, ServiceBody};
use crate::streams::Place;
use crate::swarm::PortProtocol;

/// Which of these ports the stack publishes `before` and not in its next version. Services that are
/// not in that stay, unless they are pruned.
#[must_use]
pub fn withdrawn(
    asked: &[u16],
    before: &[ServiceBody],
    next: &Requests,
    prune: bool,
) -> Vec<WithdrawnPort> {
    let stays =
        |old: &&ServiceBody| !prune && next.services.iter().all(|body| body.name() != old.name());
    let after: BTreeSet<u16> =
        next.services.iter().chain(before.iter().filter(stays)).flat_map(ports).collect();
    let known: BTreeSet<u16> = before.iter().flat_map(ports).collect();
    let now: Vec<u16> = after.difference(&known).copied().collect();
    let asked: BTreeSet<u16> = asked.iter().copied().collect();
    asked
        .into_iter()
        .filter(|port| !after.contains(port))
        .filter_map(|port| {
            let old = before.iter().find(|old| ports(old).any(|open| open == port))?;
            Some(WithdrawnPort { port, service: old.name().to_owned(), now: now.clone() })
        })
        .collect()
}

fn ports(body: &ServiceBody) -> impl Iterator<Item = u16> + use<> {
    let tcp = |port: &crate::stack::PublishedPort| port.protocol == PortProtocol::Tcp;
    body.published_ports().into_iter().filter(tcp).filter_map(|port| port.published)
}

impl RunSpec {
    /// The ports that users ask at the stack's address and that its next version withdraws. An
    /// address with a host of its own may be that of something before the stack.
    pub(super) fn withdrawn(&self) -> Vec<WithdrawnPort> {
        let Some(next) = &self.next else { return Vec::new() };
        let also = self.load.also.iter().filter_map(|address| match &address.place {
            Place::Port { port, .. } => Some(*port),
            Place::Url(_) => None,
        });
        let asked: Vec<u16> = self.subject.target.port.into_iter().chain(also).collect();
        let requests = &next.prepared.requests;
        withdrawn(&asked, &self.subject.services, requests, next.options.prune)
    }
}

/// What is said of such a port before anything is deployed.
#[must_use]
pub fn cuts_off(port: &WithdrawnPort) -> String {
    format!("{port}: whoever asks it is cut off by the update")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(name: &str, ports: &[u16]) -> ServiceBody {
        let ports: Vec<_> = ports
            .iter()
            .map(|port| json!({"TargetPort": 80, "PublishedPort": port, "Protocol": "tcp"}))
            .collect();
        ServiceBody::new(json!({"Name": name, "EndpointSpec": {"Ports": ports}}))
    }

    fn found(before: &[ServiceBody], next: Vec<ServiceBody>, prune: bool) -> Vec<String> {
        let next = Requests { services: next, ..Requests::default() };
        let found = withdrawn(&[8080, 9090], before, &next, prune);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_port_is_withdrawn_if_no_service_publishes_it_any_more() {
        let before = [service("s_web", &[8080]), service("s_app", &[])];
        let same = found(&before, vec![service("s_web", &[8080, 80])], false);
        assert!(same.is_empty(), "{same:?}");
        assert_eq!(
            found(&before, vec![service("s_web", &[8090])], false),
            ["the new version does not publish port 8080 (s_web), but 8090"]
        );
        assert_eq!(
            found(&before, vec![service("s_web", &[])], false),
            ["the new version does not publish port 8080 (s_web)"]
        );
        // Another service takes it over; one that is not in the next version stays, unless pruned.
        assert!(
            found(&before, vec![service("s_web", &[]), service("s_app", &[8080])], false)
                .is_empty()
        );
        assert!(found(&before, vec![service("s_app", &[])], false).is_empty());
        assert_eq!(found(&before, vec![service("s_app", &[])], true).len(), 1);
        // What was never published is somebody else's.
        assert!(found(&[service("s_web", &[80])], vec![service("s_web", &[])], true).is_empty());
    }

    #[test]
    fn only_tcp_is_asked() {
        let udp = ServiceBody::new(json!({"Name": "s_web", "EndpointSpec": {"Ports": [
            {"TargetPort": 80, "PublishedPort": 8080, "Protocol": "udp"}]}}));
        assert_eq!(found(&[service("s_web", &[8080])], vec![udp], false).len(), 1);
    }
}

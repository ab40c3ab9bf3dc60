//! Ports that another service already publishes.

use std::collections::BTreeSet;

use crate::engine::{Engine, ServiceView};
use crate::error::{Error, Result};
use crate::stack::{PublishedPort, Requests};
use crate::swarm::PublishMode;

/// Refuses a stack that publishes a port which another service already publishes. The engine only
/// refuses ingress ports; with a host-mode port the task would stay pending forever.
///
/// # Errors
/// When a port is taken, or the engine does not respond.
pub(super) async fn check_ports(engine: &Engine, stack: &str, requests: &Requests) -> Result<()> {
    if requests.services.iter().all(|body| body.published_ports().is_empty()) {
        return Ok(());
    }
    let ours: BTreeSet<String> =
        engine.stack_services(stack).await?.into_iter().map(|service| service.id).collect();
    let others: Vec<ServiceView> =
        engine.services().await?.into_iter().filter(|other| !ours.contains(&other.id)).collect();
    // With several nodes, a host-mode port may still be free on one of them.
    let one_node = engine.info().await?.nodes == 1;
    for body in &requests.services {
        for port in body.published_ports() {
            let clash = |other: &&ServiceView| {
                other.spec.published_ports().iter().any(|taken| clashes(&port, taken, one_node))
            };
            if let (Some(number), Some(other)) = (port.published, others.iter().find(clash)) {
                let error = Error::environment(format!(
                    "service {} cannot publish port {number}: service {} already publishes it",
                    body.name(),
                    other.name()
                ))
                .hint("choose another port in the stack file, or remove the other service");
                return Err(match requests.service_places.get(body.name()) {
                    Some(place) => error.at(place.clone()),
                    None => error,
                });
            }
        }
    }
    Ok(())
}

fn clashes(wanted: &PublishedPort, taken: &PublishedPort, one_node: bool) -> bool {
    let both_host = wanted.mode == PublishMode::Host && taken.mode == PublishMode::Host;
    wanted.published.is_some()
        && wanted.published == taken.published
        && wanted.protocol == taken.protocol
        && (one_node || !both_host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swarm::PortProtocol;

    fn port(published: Option<u16>, mode: PublishMode) -> PublishedPort {
        PublishedPort { target: 80, published, protocol: PortProtocol::Tcp, mode }
    }

    #[test]
    fn host_ports_clash_on_one_node_only() {
        let host = port(Some(80), PublishMode::Host);
        assert!(clashes(&host, &host, true));
        assert!(!clashes(&host, &host, false));
        assert!(clashes(&port(Some(80), PublishMode::Ingress), &host, false));
        assert!(!clashes(
            &port(None, PublishMode::Ingress),
            &port(None, PublishMode::Ingress),
            true
        ));
        assert!(!clashes(&port(Some(81), PublishMode::Host), &host, true));
    }
}

//! Ports: the one on which the service under test answers, and free ones for the companions.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::engine::{Engine, ImageView};
use crate::error::{Error, Result};
use crate::stack::ServiceBody;
use crate::swarm::PortProtocol;

/// Few programs use ports from here on.
const LOWEST: u16 = 20_000;
/// Where the kernel's ephemeral ports begin by default.
const EPHEMERAL: u16 = 32_768;
/// How long a port in use may take to accept a connection.
const TAKEN_WITHIN: Duration = Duration::from_millis(500);

/// The TCP port on which a service's containers answer: the one that the service publishes, else
/// the one that its labels tell a proxy, else the one that its image exposes. Absent if the first of
/// these that there is names more than one.
#[must_use]
pub fn asked_port(service: &ServiceBody, image: Option<&ImageView>) -> Option<u16> {
    let published = service.published_ports();
    let published = published
        .iter()
        .filter(|port| port.protocol == PortProtocol::Tcp)
        .map(|port| port.target)
        .collect();
    let routed = service.routed_ports();
    let exposed = image.map(|image| image.exposed_tcp.clone()).unwrap_or_default();
    let mut found = [published, routed.clone(), exposed];
    let ports = found.iter_mut().find(|ports| !ports.is_empty())?;
    ports.sort_unstable();
    ports.dedup();
    match (&ports[..], &routed[..]) {
        ([port], _) | (_, [port]) => Some(*port),
        _ => None,
    }
}

/// Chooses `count` ports that no service of the swarm publishes and on which nothing answers at
/// `host`. If the engine is local, nothing may listen on them either. `seed` decides where the
/// search begins, so that two concurrent runs do not choose the same ports.
///
/// # Errors
/// When the engine does not respond or there are too few free ports.
pub(super) async fn free_ports(
    engine: &Engine,
    host: &str,
    seed: &str,
    count: usize,
) -> Result<Vec<u16>> {
    let published = engine.services().await?;
    let published = published.iter().flat_map(|service| service.spec.published_ports());
    let taken: BTreeSet<u16> = published.filter_map(|port| port.published).collect();
    let range = LOWEST..first_ephemeral();
    let mut free = Vec::new();
    for port in candidates(range.clone(), seed).filter(|port| !taken.contains(port)) {
        if free.len() == count {
            break;
        }
        if !is_used(engine.host().is_local(), host, port).await {
            free.push(port);
        }
    }
    if free.len() < count {
        return Err(Error::environment(format!(
            "fewer than {count} free ports between {} and {}",
            range.start, range.end
        )));
    }
    Ok(free)
}

/// Every port of the range once, starting at one that depends on the seed.
fn candidates(range: std::ops::Range<u16>, seed: &str) -> impl Iterator<Item = u16> {
    let digest = Sha256::digest(seed.as_bytes());
    let start = u16::from_be_bytes([digest[0], digest[1]]) % (range.end - range.start).max(1);
    range.clone().cycle().skip(usize::from(start)).take(range.len())
}

async fn is_used(local: bool, host: &str, port: u16) -> bool {
    // A port that is bound to one address does not answer on another, but is not free for the
    // engine either.
    (local && TcpListener::bind(("0.0.0.0", port)).is_err())
        || matches!(timeout(TAKEN_WITHIN, TcpStream::connect((host, port))).await, Ok(Ok(_)))
}

/// The kernel gives clients no port below this one.
fn first_ephemeral() -> u16 {
    std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        // A range with nothing below it does not help here.
        .filter(|first| *first >= LOWEST + 1_000)
        .unwrap_or(EPHEMERAL)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn asked(ports: &Value, exposed: &[u16]) -> Option<u16> {
        let service = ServiceBody::new(json!({"Name": "s_a", "EndpointSpec": {"Ports": ports}}));
        let image = ImageView {
            tags: Vec::new(),
            id: String::new(),
            healthcheck: None,
            labels: Value::Null,
            exposed_tcp: exposed.to_vec(),
        };
        asked_port(&service, Some(&image))
    }

    #[test]
    fn a_published_port_takes_precedence_over_an_exposed_one() {
        let published = json!([
            {"TargetPort": 3000, "PublishedPort": 80}, {"TargetPort": 3000, "PublishedPort": 81},
            {"TargetPort": 53, "PublishedPort": 53, "Protocol": "udp"},
        ]);
        assert_eq!(asked(&published, &[8000]), Some(3000));
        assert_eq!(asked(&json!([]), &[8000]), Some(8000));
        assert_eq!(asked(&Value::Null, &[8000]), Some(8000));
    }

    #[test]
    fn what_labels_tell_a_proxy_decides_where_the_stack_leaves_a_choice() {
        let with = |ports: Value| {
            ServiceBody::new(json!({
                "EndpointSpec": {"Ports": ports}, "Labels": {"traefik.port": "3000"},
            }))
        };
        assert_eq!(asked_port(&with(json!([])), None), Some(3000));
        assert_eq!(asked_port(&with(json!([{"TargetPort": 80}])), None), Some(80));
        let two = json!([{"TargetPort": 3000}, {"TargetPort": 9090}]);
        assert_eq!(asked_port(&with(two), None), Some(3000));
    }

    #[test]
    fn no_port_and_several_ports_give_no_answer() {
        assert_eq!(asked(&json!([{"TargetPort": 1}, {"TargetPort": 2}]), &[8000]), None);
        assert_eq!(asked(&json!([]), &[80, 443]), None);
        assert_eq!(asked(&json!([]), &[]), None);
        assert_eq!(asked_port(&ServiceBody::new(json!({})), None), None);
    }

    #[test]
    fn every_port_is_tried_and_two_runs_start_at_different_ports() {
        let all: BTreeSet<u16> = candidates(20_000..20_100, "a").collect();
        assert_eq!(all, (20_000..20_100).collect());
        let first = |seed| candidates(20_000..32_768, seed).next();
        assert_eq!(first("a"), first("a"));
        assert_ne!(first("a"), first("b"));
    }

    #[tokio::test]
    async fn a_port_in_use_is_not_free() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(is_used(true, "127.0.0.1", port).await);
        assert!(is_used(false, "127.0.0.1", port).await);
        // Bound to another address and not answering: still in use.
        let quiet = TcpListener::bind("127.0.0.9:0").unwrap();
        let port = quiet.local_addr().unwrap().port();
        assert!(is_used(true, "127.0.0.1", port).await);
        drop(listener);
    }
}

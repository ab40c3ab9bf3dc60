//! Ports of a node that nobody uses.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::engine::Engine;
use crate::error::{Error, Result};

/// Ports from here on are asked for by few.
const LOWEST: u16 = 20_000;
/// Where this kernel's own choice of ports begins unless it says otherwise.
const EPHEMERAL: u16 = 32_768;
/// How long a port that somebody uses may take to accept a connection.
const TAKEN_WITHIN: Duration = Duration::from_millis(500);

/// Chooses `count` ports that no service of the swarm publishes and on which nobody answers at
/// `host`. On this machine nobody may listen on them either. `seed` decides where the search
/// begins, so that two runs at once do not choose the same.
///
/// # Errors
/// When the engine does not answer or there are not so many.
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
            "no {count} free ports between {} and {}",
            range.start, range.end
        )));
    }
    Ok(free)
}

/// Every port of the range once, from one that the seed decides.
fn candidates(range: std::ops::Range<u16>, seed: &str) -> impl Iterator<Item = u16> {
    let digest = Sha256::digest(seed.as_bytes());
    let start = u16::from_be_bytes([digest[0], digest[1]]) % (range.end - range.start).max(1);
    range.clone().cycle().skip(usize::from(start)).take(range.len())
}

async fn is_used(local: bool, host: &str, port: u16) -> bool {
    // A port that is bound to one address only does not answer on another, and would still be in
    // the engine's way.
    (local && TcpListener::bind(("0.0.0.0", port)).is_err())
        || matches!(timeout(TAKEN_WITHIN, TcpStream::connect((host, port))).await, Ok(Ok(_)))
}

/// Below this the kernel gives no port to a client.
fn first_ephemeral() -> u16 {
    std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse().ok())
        // A range that leaves nothing below it is of no use here.
        .filter(|first| *first >= LOWEST + 1_000)
        .unwrap_or(EPHEMERAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_port_has_its_turn_and_two_runs_begin_elsewhere() {
        let all: BTreeSet<u16> = candidates(20_000..20_100, "a").collect();
        assert_eq!(all, (20_000..20_100).collect());
        let first = |seed| candidates(20_000..32_768, seed).next();
        assert_eq!(first("a"), first("a"));
        assert_ne!(first("a"), first("b"));
    }

    #[tokio::test]
    async fn a_port_that_somebody_uses_is_not_free() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(is_used(true, "127.0.0.1", port).await);
        assert!(is_used(false, "127.0.0.1", port).await);
        // Bound, elsewhere and not answering: still in the way.
        let quiet = TcpListener::bind("127.0.0.9:0").unwrap();
        let port = quiet.local_addr().unwrap().port();
        assert!(is_used(true, "127.0.0.1", port).await);
        drop(listener);
    }
}

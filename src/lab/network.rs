//! The network of a lab: its addresses, the hub, the link to the host, and a link per node.

use std::fmt;
use std::fs::File;
use std::net::Ipv4Addr;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::description::LabNode;
use super::names::LabNames;
use super::programs::{Programs, run};
use crate::error::{Error, Result};

/// The host's number in the lab's network.
const HOST: u8 = 1;

/// Node `n1` gets the number after this one in the lab's network.
const NODES: u8 = 10;

/// The host's address in a lab's network.
pub(super) fn host_address(subnet: Ipv4Net) -> Ipv4Addr {
    subnet.host(HOST)
}

/// The address of a node; the first one has number 1.
pub(super) fn node_address(subnet: Ipv4Net, number: u8) -> Ipv4Addr {
    subnet.host(NODES + number)
}

/// Creates the namespaces, bridge, links and addresses of a lab. The caller holds the lock that
/// prevents two labs from choosing the same network.
pub(super) async fn make(
    programs: &Programs,
    names: &LabNames,
    nodes: u8,
) -> Result<(Ipv4Net, Vec<LabNode>)> {
    let routes = run(&programs.ip, &["-4", "route", "show", "table", "all"], "").await?;
    let seed = names.id().bytes().fold(0u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
    let subnet = Ipv4Net::choose(&Ipv4Net::destinations(&routes), seed).ok_or_else(|| {
        Error::environment(
            "no private network is free for the lab: there are routes to all of them",
        )
        .hint("`ip -4 route show table all` lists the routes")
    })?;
    let nodes: Vec<LabNode> = (1..=nodes)
        .map(|number| LabNode::new(names, format!("n{number}"), node_address(subnet, number)))
        .collect();

    let hub = names.hub_namespace();
    pin_namespace(programs, &hub).await?;
    for node in &nodes {
        pin_namespace(programs, &node.namespace).await?;
    }
    let link = names.host_link();
    let script = format!(
        "link add name {link} type veth peer name host netns {hub}\n\
         addr add {address}/{prefix} dev {link}\n\
         link set dev {link} up\n",
        hub = hub.display(),
        address = host_address(subnet),
        prefix = subnet.prefix(),
    );
    run(&programs.ip, &["-batch", "-"], &script).await?;

    let bridge = "link add name lab type bridge\n\
         link set dev lab up\n\
         link set dev host master lab up\n";
    let node_link = |node: &LabNode| {
        format!(
            "link add name {name} type veth peer name eth0 netns {namespace}\n\
             link set dev {name} master lab up\n",
            name = node.name,
            namespace = node.namespace.display(),
        )
    };
    let links: Vec<String> = nodes.iter().map(node_link).collect();
    let script = bridge.to_owned() + &links.concat();
    ip_inside(programs, &hub, &script).await?;
    for node in &nodes {
        // Without a default route, connections to the Internet fail immediately instead of timing
        // out.
        let script = format!(
            "addr add {}/{} dev eth0\n\
             link set dev eth0 up\n",
            node.address,
            subnet.prefix(),
        );
        ip_inside(programs, &node.namespace, &script).await?;
    }
    Ok((subnet, nodes))
}

/// Creates a network namespace that exists as long as it is mounted on this file.
async fn pin_namespace(programs: &Programs, file: &Path) -> Result<()> {
    File::create(file).map_err(|error| {
        Error::environment(format!("cannot create {}", file.display())).caused_by(error)
    })?;
    let net = format!("--net={}", file.display());
    let ip = programs.ip.to_string_lossy();
    run(&programs.unshare, &[net.as_str(), &ip, "link", "set", "dev", "lo", "up"], "").await?;
    Ok(())
}

async fn ip_inside(programs: &Programs, namespace: &Path, script: &str) -> Result<()> {
    let net = format!("--net={}", namespace.display());
    let ip = programs.ip.to_string_lossy();
    run(&programs.nsenter, &[net.as_str(), &ip, "-batch", "-"], script).await?;
    Ok(())
}

/// An IPv4 network, such as `10.213.7.0/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Ipv4Net {
    base: Ipv4Addr,
    prefix: u8,
}

impl Ipv4Net {
    fn new(base: Ipv4Addr, prefix: u8) -> Self {
        Self { base: Ipv4Addr::from_bits(base.to_bits() & mask(prefix)), prefix }
    }

    /// The address with this number in the network.
    pub(super) fn host(self, number: u8) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.base.to_bits() | u32::from(number))
    }

    /// The length of the prefix in bits.
    pub(super) fn prefix(self) -> u8 {
        self.prefix
    }

    fn overlaps(self, other: Self) -> bool {
        let mask = mask(self.prefix.min(other.prefix));
        self.base.to_bits() & mask == other.base.to_bits() & mask
    }

    /// The first private /24 without a route to it. `seed` decides where the search starts, so
    /// that two labs rarely try the same network. Docker's own pools (172.17 to 172.31, and the
    /// low end of 10/8 for overlay networks) are left to Docker.
    pub(super) fn choose(routes: &[Self], seed: u8) -> Option<Self> {
        let in_ten = (0..=255).map(|step: u8| Ipv4Addr::new(10, 213, seed.wrapping_add(step), 0));
        let in_192 = (64..=255).map(|third| Ipv4Addr::new(192, 168, third, 0));
        let benchmarks = (0..=255).map(|third| Ipv4Addr::new(198, 19, third, 0));
        in_ten
            .chain(in_192)
            .chain(benchmarks)
            .map(|base| Self::new(base, 24))
            .find(|candidate| !routes.iter().any(|route| route.overlaps(*candidate)))
    }

    /// The destinations in the output of `ip -4 route show table all`, without the default route,
    /// which matches everything.
    pub(super) fn destinations(routes: &str) -> Vec<Self> {
        let first_address =
            |line: &str| line.split_whitespace().take(2).find_map(|w| w.parse().ok());
        let nets = routes.lines().filter_map(first_address);
        nets.filter(|net: &Self| net.prefix > 0).collect()
    }
}

fn mask(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0)
}

impl FromStr for Ipv4Net {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || format!("`{text}` is not an IPv4 network");
        let (base, prefix) = text.split_once('/').unwrap_or((text, "32"));
        let prefix = prefix.parse().ok().filter(|prefix| *prefix <= 32).ok_or_else(invalid)?;
        Ok(Self::new(base.parse().map_err(|_| invalid())?, prefix))
    }
}

impl TryFrom<String> for Ipv4Net {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Ipv4Net> for String {
    fn from(net: Ipv4Net) -> Self {
        net.to_string()
    }
}

impl fmt::Display for Ipv4Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: &str = "default via 192.0.2.1 dev eth0\n\
        192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.2\n\
        10.213.0.0/20 via 192.0.2.9 dev eth0\n\
        local 127.0.0.0/8 dev lo table local proto kernel scope host src 127.0.0.1\n\
        broadcast 192.0.2.255 dev eth0 table local proto kernel scope link src 192.0.2.2\n\
        unreachable 10.9.0.0/16 metric 5\n";

    #[test]
    fn destinations_are_read_with_and_without_a_type() {
        let nets: Vec<String> =
            Ipv4Net::destinations(ROUTES).into_iter().map(String::from).collect();
        assert_eq!(
            nets,
            ["192.0.2.0/24", "10.213.0.0/20", "127.0.0.0/8", "192.0.2.255/32", "10.9.0.0/16"]
        );
    }

    #[test]
    fn a_network_with_a_route_is_not_chosen() {
        let routes = Ipv4Net::destinations(ROUTES);
        let chosen = Ipv4Net::choose(&routes, 3).unwrap();
        assert_eq!(chosen.to_string(), "10.213.16.0/24");
        assert_eq!(chosen.host(11), Ipv4Addr::new(10, 213, 16, 11));
        let ten = "10.0.0.0/8".parse().unwrap();
        assert_eq!(Ipv4Net::choose(&[ten], 3).unwrap().to_string(), "192.168.64.0/24");
        let halves = ["0.0.0.0/1".parse().unwrap(), "128.0.0.0/1".parse().unwrap()];
        assert_eq!(Ipv4Net::choose(&halves, 3), None);
    }

    #[test]
    fn networks_are_parsed_and_printed() {
        let net: Ipv4Net = "10.213.7.9/24".parse().unwrap();
        assert_eq!(net.to_string(), "10.213.7.0/24");
        for wrong in ["", "10.1", "10.0.0.0/33", "default", "a/8"] {
            assert!(wrong.parse::<Ipv4Net>().is_err(), "{wrong}");
        }
    }
}

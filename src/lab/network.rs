//! The network of a lab: the hub, the one link to the host, a link for every node.

use std::fs::File;
use std::path::Path;

use super::command::run;
use super::ipv4_net::Ipv4Net;
use super::lab_names::LabNames;
use super::lab_node::LabNode;
use super::programs::Programs;
use crate::error::{Error, Result};

/// The host's number in the lab's network.
const HOST: u8 = 1;

/// The number of node `n0` in the lab's network; `n1` has the next one.
const NODES: u8 = 10;

/// The host's address in a lab's network.
pub(super) fn host_address(subnet: Ipv4Net) -> std::net::Ipv4Addr {
    subnet.host(HOST)
}

/// The address of a node, the first of which has number 1.
pub(super) fn node_address(subnet: Ipv4Net, number: u8) -> std::net::Ipv4Addr {
    subnet.host(NODES + number)
}

/// Makes the namespaces, bridge, links and addresses of a lab. The caller holds the lock that
/// keeps two labs from choosing the same network.
pub(super) async fn make(
    programs: &Programs,
    names: &LabNames,
    nodes: u8,
) -> Result<(Ipv4Net, Vec<LabNode>)> {
    let routes = run(&programs.ip, &["-4", "route", "show", "table", "all"], "").await?;
    let seed = names.id().bytes().fold(0u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
    let subnet = Ipv4Net::choose(&Ipv4Net::destinations(&routes), seed).ok_or_else(|| {
        Error::environment("every private network that a lab could use is routed already")
            .hint("see `ip -4 route show table all`")
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
    let joined = |node: &LabNode| {
        format!(
            "link add name {name} type veth peer name eth0 netns {namespace}\n\
             link set dev {name} master lab up\n",
            name = node.name,
            namespace = node.namespace.display(),
        )
    };
    let links: Vec<String> = nodes.iter().map(joined).collect();
    let script = bridge.to_owned() + &links.concat();
    ip_inside(programs, &hub, &script).await?;
    for node in &nodes {
        // No default route: what a container asks of the world is refused at once, instead of
        // being waited for.
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

/// Makes a network namespace that lives as long as the file it is mounted on.
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

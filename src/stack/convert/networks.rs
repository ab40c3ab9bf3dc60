//! Networks.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::body::Body;
use super::{labels, name_or_scoped};
use crate::stack::model::{Config, Network};
use crate::stack::network_body::NetworkBody;

/// The networks that services use; only these are created or looked up.
fn used(config: &Config) -> BTreeSet<&str> {
    config
        .services
        .values()
        .flat_map(|service| {
            if service.networks.is_empty() {
                vec!["default"]
            } else {
                service.networks.keys().map(String::as_str).collect()
            }
        })
        .collect()
}

/// The networks to create, sorted by name.
pub(crate) fn networks(config: &Config, namespace: &str) -> Vec<NetworkBody> {
    let undeclared = Network::default();
    let mut bodies: Vec<NetworkBody> = used(config)
        .into_iter()
        .map(|key| (key, config.networks.get(key).unwrap_or(&undeclared)))
        .filter(|(_, network)| !network.external.external)
        .map(|(key, network)| {
            let name = name_or_scoped(namespace, key, &network.name);
            NetworkBody { body: body(&name, network, namespace), name }
        })
        .collect();
    bodies.sort_by(|a, b| a.name.cmp(&b.name));
    bodies.dedup_by(|a, b| a.name == b.name);
    bodies
}

/// The names of the networks that must exist already; the engine's own ones need no look.
pub(crate) fn external_networks(config: &Config) -> Vec<String> {
    let names: BTreeSet<&String> = used(config)
        .into_iter()
        .filter_map(|key| config.networks.get(key))
        .filter(|network| network.external.external && is_user_defined(&network.name))
        .map(|network| &network.name)
        .collect();
    names.into_iter().cloned().collect()
}

/// Whether a network is none of the engine's own.
pub(super) fn is_user_defined(name: &str) -> bool {
    !matches!(name, "default" | "bridge" | "host" | "none") && !name.starts_with("container:")
}

fn body(name: &str, network: &Network, namespace: &str) -> Value {
    let ipam = if network.ipam_driver.is_empty() && network.subnets.is_empty() {
        Value::Null
    } else {
        let subnets: Vec<Value> = network
            .subnets
            .iter()
            .map(|subnet| Body::default().text("Subnet", subnet).finish())
            .collect();
        let subnets = if subnets.is_empty() { Value::Null } else { Value::Array(subnets) };
        json!({"Driver": network.ipam_driver, "Options": null, "Config": subnets})
    };
    let driver = if network.driver.is_empty() { "overlay" } else { &network.driver };
    json!({
        "Name": name,
        "Driver": driver,
        "Scope": "",
        "IPAM": ipam,
        "Internal": network.internal,
        "Attachable": network.attachable,
        "Ingress": false,
        "ConfigOnly": false,
        "ConfigFrom": null,
        "Options": network.driver_opts,
        "Labels": labels(namespace, &network.labels),
    })
}

//! The stack's networks, and the networks of its services.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Body, labels, name_or_scoped};
use crate::stack::fault::Fault;
use crate::stack::model::{Config, Network, Service, ServiceNetwork};
use crate::stack::requests::NetworkBody;

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
            NetworkBody { body: network_body(&name, network, namespace), name }
        })
        .collect();
    bodies.sort_by(|a, b| a.name.cmp(&b.name));
    bodies.dedup_by(|a, b| a.name == b.name);
    bodies
}

/// The names of the networks that must already exist, without the engine's own ones.
pub(crate) fn external_networks(config: &Config) -> Vec<String> {
    let names: BTreeSet<&String> = used(config)
        .into_iter()
        .filter_map(|key| config.networks.get(key))
        .filter(|network| network.external.external && is_user_defined(&network.name))
        .map(|network| &network.name)
        .collect();
    names.into_iter().cloned().collect()
}

/// Whether a network is not one of the engine's own.
fn is_user_defined(name: &str) -> bool {
    !matches!(name, "default" | "bridge" | "host" | "none") && !name.starts_with("container:")
}

fn network_body(name: &str, network: &Network, namespace: &str) -> Value {
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

/// The attachments of a service to networks, sorted by target. A service without networks is
/// attached to the stack's `default`.
///
/// # Errors
/// An undefined network.
pub(super) fn attachments(
    service: &Service,
    config: &Config,
    namespace: &str,
) -> Result<Vec<Value>, Fault> {
    let default = BTreeMap::from([("default".to_owned(), None)]);
    let networks = if service.networks.is_empty() { &default } else { &service.networks };
    let mut list = Vec::new();
    for (key, attachment) in networks {
        let declared = config.networks.get(key);
        if declared.is_none() && key != "default" {
            return Err(Fault::at(
                service.mark_of("networks"),
                format!("service {}: undefined network {key:?}", service.name),
            )
            .hint("declare it under the top-level `networks`"));
        }
        let given = declared.map(|network| network.name.as_str()).unwrap_or_default();
        let target = name_or_scoped(namespace, key, given);
        list.push((attachment_body(service, &target, attachment.as_ref()), target));
    }
    list.sort_by(|a, b| a.1.cmp(&b.1));
    Ok(list.into_iter().map(|(body, _)| body).collect())
}

/// One attachment. The service's name is added to the aliases, except on the engine's own
/// networks.
fn attachment_body(service: &Service, target: &str, attachment: Option<&ServiceNetwork>) -> Value {
    let mut aliases = attachment.map(|network| network.aliases.clone()).unwrap_or_default();
    if is_user_defined(target) {
        aliases.push(service.name.clone());
    }
    let options = attachment.and_then(|network| network.driver_opts.clone()).unwrap_or_default();
    Body::default()
        .text("Target", target)
        .list("Aliases", aliases)
        .texts("DriverOpts", &options)
        .finish()
}

//! A service's attachments to networks.

use std::collections::BTreeMap;

use serde_json::Value;

use super::body::Body;
use super::name_or_scoped;
use super::networks::is_user_defined;
use crate::stack::fault::Fault;
use crate::stack::model::{Config, Service, ServiceNetwork};

/// The attachments, sorted by target; without any it is the stack's `default`.
///
/// # Errors
/// An undefined network.
pub(super) fn service_networks(
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
        list.push((body(service, &target, attachment.as_ref()), target));
    }
    list.sort_by(|a, b| a.1.cmp(&b.1));
    Ok(list.into_iter().map(|(body, _)| body).collect())
}

/// The service's own name is added to the aliases, except on the engine's own networks.
fn body(service: &Service, target: &str, attachment: Option<&ServiceNetwork>) -> Value {
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

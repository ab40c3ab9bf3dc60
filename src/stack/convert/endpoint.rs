//! Published ports and the endpoint mode.

use serde_json::Value;

use super::body::Body;
use crate::stack::model::Service;

/// The endpoint specification; ports are sorted by published port.
pub(super) fn endpoint(service: &Service) -> Value {
    let mut ports: Vec<_> = service.ports.iter().flatten().collect();
    ports.sort_by_key(|port| port.published);
    let ports: Vec<Value> = ports
        .into_iter()
        .map(|port| {
            Body::default()
                .text("Protocol", &port.protocol)
                .number("TargetPort", port.target)
                .number("PublishedPort", port.published)
                .text("PublishMode", &port.mode)
                .finish()
        })
        .collect();
    Body::default()
        .text("Mode", &service.deploy.endpoint_mode.to_lowercase())
        .list("Ports", ports)
        .finish()
}

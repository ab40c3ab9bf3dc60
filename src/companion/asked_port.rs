//! The port of a service that is asked from inside its network.

use crate::engine::ImageView;
use crate::stack::ServiceBody;
use crate::swarm::PortProtocol;

/// The TCP port on which a service's containers answer: the one it publishes, else the only one
/// its image exposes. Absent if neither says exactly one.
#[must_use]
pub fn asked_port(service: &ServiceBody, image: Option<&ImageView>) -> Option<u16> {
    let published = service.published_ports();
    let mut ports: Vec<u16> = published
        .iter()
        .filter(|port| port.protocol == PortProtocol::Tcp)
        .map(|port| port.target)
        .collect();
    if ports.is_empty() {
        ports = image.map(|image| image.exposed_tcp.clone()).unwrap_or_default();
    }
    ports.sort_unstable();
    ports.dedup();
    match ports[..] {
        [port] => Some(port),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn asked(ports: &Value, exposed: &[u16]) -> Option<u16> {
        let service = ServiceBody::new(json!({"Name": "s_a", "EndpointSpec": {"Ports": ports}}));
        let image = ImageView {
            id: String::new(),
            healthcheck: None,
            labels: Value::Null,
            exposed_tcp: exposed.to_vec(),
        };
        asked_port(&service, Some(&image))
    }

    #[test]
    fn a_published_port_is_meant_before_an_exposed_one() {
        let published = json!([
            {"TargetPort": 3000, "PublishedPort": 80}, {"TargetPort": 3000, "PublishedPort": 81},
            {"TargetPort": 53, "PublishedPort": 53, "Protocol": "udp"},
        ]);
        assert_eq!(asked(&published, &[8000]), Some(3000));
        assert_eq!(asked(&json!([]), &[8000]), Some(8000));
        assert_eq!(asked(&Value::Null, &[8000]), Some(8000));
    }

    #[test]
    fn several_or_none_are_no_answer() {
        assert_eq!(asked(&json!([{"TargetPort": 1}, {"TargetPort": 2}]), &[8000]), None);
        assert_eq!(asked(&json!([]), &[80, 443]), None);
        assert_eq!(asked(&json!([]), &[]), None);
        assert_eq!(asked_port(&ServiceBody::new(json!({})), None), None);
    }
}

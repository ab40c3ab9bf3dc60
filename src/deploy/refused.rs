//! What an engine refuses of a service, so that it can be said before anything is deployed: a stack of
//! which the third service is refused is half deployed.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::stack::{Requests, ServiceBody, image_fault};
use crate::swarm::constraint_sides;

/// The least memory that can be a limit or a reservation, in bytes (swarmkit
/// `manager/controlapi/service.go`, `validateResources`).
const LEAST_MEMORY: u64 = 4 << 20;
/// The least processor time, in billionths of a processor (same place).
const LEAST_CPUS: u64 = 1_000_000;

/// Refuses a stack with a service that no engine takes. `fitted` says that it is fitted to the kernel.
///
/// # Errors
/// For each such service, with its place.
pub(super) fn refuse_impossible(requests: &Requests, fitted: bool) -> Result<()> {
    let why = |body: &ServiceBody| if fitted { refused(body) } else { refused_anywhere(body) };
    let faults = requests.services.iter().filter_map(|body| {
        let error = Error::stack(format!("service {} {}", body.name(), why(body)?));
        Some(match requests.service_places.get(body.name()) {
            Some(place) => error.at(place.clone()),
            None => error,
        })
    });
    faults.reduce(Error::and).map_or(Ok(()), Err)
}

/// Why no engine takes a service, after its name; absent if one does.
#[must_use]
pub fn refused(body: &ServiceBody) -> Option<String> {
    refused_anywhere(body).or_else(|| mesh(body))
}

/// The same, whatever the way in which it is reached on this kernel.
fn refused_anywhere(body: &ServiceBody) -> Option<String> {
    image(body).or_else(|| constraints(body)).or_else(|| resources(body)).or_else(|| ports(body))
}

fn mesh(body: &ServiceBody) -> Option<String> {
    let spec = &body.as_value()["EndpointSpec"];
    let mut ports = spec["Ports"].as_array().into_iter().flatten();
    (spec["Mode"] == "dnsrr" && ports.any(|port| port["PublishMode"] == "ingress")).then(|| {
        "publishes a port through the ingress mesh, which endpoint_mode dnsrr excludes".to_owned()
    })
}

fn image(body: &ServiceBody) -> Option<String> {
    let image = body.image();
    image_fault(image).map(|why| format!("has the image `{image}`, which is none: {why}"))
}

fn constraints(body: &ServiceBody) -> Option<String> {
    let all = body.as_value()["TaskTemplate"]["Placement"]["Constraints"].as_array();
    let mut all = all.into_iter().flatten().filter_map(Value::as_str);
    let wrong = all.find(|text| !is_constraint(text))?;
    Some(format!("has the constraint `{wrong}`: write KEY==VALUE or KEY!=VALUE"))
}

/// As swarmkit reads one (`manager/constraint/constraint.go`).
fn is_constraint(text: &str) -> bool {
    let Some((key, _, value)) = constraint_sides(text) else { return false };
    let begins = key.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let in_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let in_value = |c: char| {
        c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || ":-_.*()?+[]\\^$|/".contains(c)
    };
    begins
        && key.len() > 1
        && key.chars().all(in_key)
        && !value.is_empty()
        && value.chars().all(in_value)
}

fn resources(body: &ServiceBody) -> Option<String> {
    let resources = &body.as_value()["TaskTemplate"]["Resources"];
    [("Limits", "limit"), ("Reservations", "reservation")].into_iter().find_map(|(key, word)| {
        let too_little = |what: &str, least| {
            resources[key][what].as_u64().is_some_and(|amount| amount > 0 && amount < least)
        };
        if too_little("MemoryBytes", LEAST_MEMORY) {
            return Some(format!("has less than 4 MiB as its memory {word}"));
        }
        too_little("NanoCPUs", LEAST_CPUS)
            .then(|| format!("has less than 0.001 processors as its {word}"))
    })
}

fn ports(body: &ServiceBody) -> Option<String> {
    let spec = &body.as_value()["EndpointSpec"];
    let ports: Vec<&Value> = spec["Ports"].as_array().into_iter().flatten().collect();
    let number = |port: &Value, key: &str| port[key].as_u64().unwrap_or_default();
    for (index, port) in ports.iter().enumerate() {
        for key in ["PublishedPort", "TargetPort"] {
            if number(port, key) > u64::from(u16::MAX) {
                return Some(format!("has port {}, and 65535 is the last one", number(port, key)));
            }
        }
        let published = number(port, "PublishedPort");
        let same = |other: &&Value| {
            number(other, "PublishedPort") == published && other["Protocol"] == port["Protocol"]
        };
        if published > 0 && ports[..index].iter().any(same) {
            return Some(format!("publishes port {published} twice"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn why(changes: &Value) -> Option<String> {
        let mut body =
            json!({"Name": "s_app", "TaskTemplate": {"ContainerSpec": {"Image": "app:1"}}});
        for (key, value) in changes.as_object().unwrap() {
            body[key] = value.clone();
        }
        refused(&ServiceBody::new(body))
    }

    #[test]
    fn what_swarm_refuses_is_known_before() {
        let template = |key: &str, value: Value| json!({"TaskTemplate": {"ContainerSpec": {"Image": "app:1"}, key: value}});
        let ports =
            |ports: Value, mode: &str| json!({"EndpointSpec": {"Ports": ports, "Mode": mode}});
        let image = |image: &str| json!({"TaskTemplate": {"ContainerSpec": {"Image": image}}});
        for (changes, part) in [
            (image("a b"), "invalid reference format"),
            (image("shop/UPPER"), "lowercase"),
            (template("Placement", json!({"Constraints": ["node.role"]})), "KEY==VALUE"),
            (template("Placement", json!({"Constraints": ["node.role === x"]})), "KEY==VALUE"),
            (template("Resources", json!({"Limits": {"MemoryBytes": 1}})), "4 MiB"),
            (template("Resources", json!({"Reservations": {"NanoCPUs": 9}})), "0.001"),
            (ports(json!([{"TargetPort": 80, "PublishedPort": 99_999}]), "vip"), "99999"),
            (
                ports(
                    json!([{"TargetPort": 80, "PublishedPort": 80, "Protocol": "tcp"},
                    {"TargetPort": 81, "PublishedPort": 80, "Protocol": "tcp"}]),
                    "vip",
                ),
                "twice",
            ),
            (ports(json!([{"TargetPort": 80, "PublishMode": "ingress"}]), "dnsrr"), "dnsrr"),
        ] {
            let said = why(&changes);
            assert!(said.as_deref().is_some_and(|said| said.contains(part)), "{changes}: {said:?}");
        }
    }

    #[test]
    fn what_swarm_takes_is_not_refused() {
        for changes in [
            json!({}),
            json!({"TaskTemplate": {"ContainerSpec": {"Image": "r.example:5000/a/b:1.2@sha256:".to_owned()
                + &"0".repeat(64)}, "Placement": {"Constraints": ["node.role==manager",
                "node.labels.disk != ssd", "engine.labels.os==ubuntu 22.04"]},
                "Resources": {"Limits": {"MemoryBytes": 0, "NanoCPUs": 1_000_000}}}}),
            json!({"EndpointSpec": {"Mode": "dnsrr", "Ports": [
                {"TargetPort": 53, "PublishedPort": 53, "Protocol": "tcp", "PublishMode": "host"},
                {"TargetPort": 53, "PublishedPort": 53, "Protocol": "udp", "PublishMode": "host"},
                {"TargetPort": 1}, {"TargetPort": 2}]}}),
        ] {
            assert_eq!(why(&changes), None, "{changes}");
        }
    }
}

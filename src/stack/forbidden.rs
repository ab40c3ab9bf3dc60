//! Keys of a service that the client refuses, ignores, or calls deprecated.

use std::collections::HashSet;

use super::diagnostic::Mark;
use super::fault::{Fault, Faults};
use super::node::{Entry, Node};
use super::warning::Warnings;

const DEPLOY_RESOURCES: &str = "Set resource limits using deploy.resources";

/// Keys that are refused, with the client's text.
const FORBIDDEN: &[(&str, &str)] = &[
    ("cpu_quota", DEPLOY_RESOURCES),
    ("cpu_shares", DEPLOY_RESOURCES),
    ("cpuset", DEPLOY_RESOURCES),
    ("extends", "Support for `extends` is not implemented yet."),
    ("mem_limit", DEPLOY_RESOURCES),
    ("memswap_limit", DEPLOY_RESOURCES),
    (
        "volume_driver",
        "Instead of setting the volume driver on the service, define a volume using the top-level `volumes` option and specify the driver there.",
    ),
    (
        "volumes_from",
        "To share a volume between services, define it using the top-level `volumes` option and reference it from each service that shares it using the service-level `volumes` option.",
    ),
];

/// Keys that are ignored, sorted.
const UNSUPPORTED: &[&str] = &[
    "build",
    "cgroup_parent",
    "cgroupns_mode",
    "devices",
    "domainname",
    "external_links",
    "ipc",
    "links",
    "mac_address",
    "network_mode",
    "pid",
    "privileged",
    "restart",
    "security_opt",
    "shm_size",
    "userns_mode",
];

/// Keys that are deprecated, with the client's text.
const DEPRECATED: &[(&str, &str)] = &[
    ("container_name", "Setting the container name is not supported."),
    (
        "expose",
        "Exposing ports is unnecessary - services on the same network can access each other's containers on any port.",
    ),
];

/// Keys that the client reads and then drops silently.
const DROPPED: &[(&str, &str)] = &[
    ("depends_on", "swarm starts services in any order"),
    ("tmpfs", "use a volume of type tmpfs instead"),
    ("oom_score_adj", "docker 28 reads it but never sends it"),
];

/// The forbidden keys of a file, and their places.
pub(crate) fn refuse(top: &Node, faults: &mut Faults) -> HashSet<Mark> {
    let mut marks = HashSet::new();
    for service in services(top) {
        for (key, text) in FORBIDDEN {
            if let Some(entry) = service.node.as_map().and_then(|map| map.entry(key)) {
                marks.insert(entry.mark);
                let message = format!(
                    "Compose file contains unsupported options: services.{}.{key}",
                    service.key
                );
                faults.push_once(Fault::at(entry.mark, message).hint(*text), key);
            }
        }
    }
    marks
}

/// Warns about keys that are ignored, deprecated or dropped: first in the client's words, then
/// each one with its place.
pub(crate) fn warn(files: &[Node], warnings: &mut Warnings) {
    let places = |key: &str| {
        files
            .iter()
            .flat_map(services)
            .filter_map(move |service| {
                let entry = service.node.as_map()?.entry(key)?;
                Some((service.key.to_string(), entry.mark))
            })
            .collect::<Vec<_>>()
    };
    let unsupported: Vec<&str> =
        UNSUPPORTED.iter().copied().filter(|key| !places(key).is_empty()).collect();
    if !unsupported.is_empty() {
        warnings.push_general(format!("Ignoring unsupported options: {}", unsupported.join(", ")));
    }
    let deprecated: Vec<String> = DEPRECATED
        .iter()
        .filter(|(key, _)| !places(key).is_empty())
        .map(|(key, text)| format!("{key}: {text}"))
        .collect();
    if !deprecated.is_empty() {
        warnings
            .push_general(format!("Ignoring deprecated options:\n\n{}", deprecated.join("\n\n")));
    }
    for key in UNSUPPORTED {
        for (service, mark) in places(key) {
            let message = if *key == "restart" {
                // The client lists it as ignored but still uses it.
                format!(
                    "services.{service}.restart is used only when deploy.restart_policy is absent"
                )
            } else {
                format!("services.{service}.{key} is ignored by swarm")
            };
            warnings.push(mark, message);
        }
    }
    for (key, text) in DEPRECATED.iter().chain(DROPPED) {
        for (service, mark) in places(key) {
            warnings.push(mark, format!("services.{service}.{key} is ignored: {text}"));
        }
    }
}

fn services(top: &Node) -> impl Iterator<Item = &Entry> {
    top.get("services").and_then(Node::as_map).into_iter().flat_map(|map| &map.entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::yaml;

    #[test]
    fn forbidden_keys_are_all_named() {
        let top = yaml::parse("services:\n  a: {mem_limit: 1m}\n  b: {extends: x}", 0).unwrap();
        let mut faults = Faults::default();
        assert_eq!(refuse(&top, &mut faults).len(), 2);
        let error = faults.into_error(&[]);
        let shown: Vec<String> =
            error.all().map(|error| format!("{error}: {}", error.hints().concat())).collect();
        assert_eq!(
            shown,
            [
                "Compose file contains unsupported options: services.a.mem_limit: Set resource limits using deploy.resources",
                "Compose file contains unsupported options: services.b.extends: Support for `extends` is not implemented yet.",
            ]
        );
    }

    #[test]
    fn ignored_keys_are_named_as_the_client_does_and_one_by_one() {
        let top = yaml::parse("services: {a: {links: [], build: .}, b: {expose: []}}", 0).unwrap();
        let mut warnings = Warnings::default();
        warn(&[top], &mut warnings);
        let list = warnings.finish(&[]);
        assert_eq!(list[0].message, "Ignoring unsupported options: build, links");
        assert!(list[1].message.starts_with("Ignoring deprecated options:\n\nexpose: Exposing"));
        assert_eq!(list.len(), 5);
    }
}

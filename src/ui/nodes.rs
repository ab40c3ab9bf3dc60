//! The nodes of the swarm, and what changed about them in one sentence.

use std::collections::BTreeMap;

use crate::record::NodeSeen;
use crate::wording::{clean, short_id};

/// The nodes as they were last seen.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    known: BTreeMap<String, NodeSeen>,
}

impl Nodes {
    /// Takes news of a node and says what changed: `node n2 went down (heartbeat failure)`.
    /// Nothing is said of a node that is in order when it is first seen.
    pub fn news(&mut self, seen: &NodeSeen) -> Option<String> {
        let before = self.known.insert(seen.node.clone(), seen.clone());
        let changes = match before {
            Some(before) => changes(&before, seen),
            None => faults(seen),
        };
        (!changes.is_empty()).then(|| format!("node {} {}", name(seen), changes.join(" and ")))
    }
}

fn name(seen: &NodeSeen) -> String {
    match seen.hostname.as_str() {
        "" => short_id(&seen.node).to_owned(),
        hostname => clean(hostname).into_owned(),
    }
}

/// The engine's message in brackets, if there is one.
fn because(seen: &NodeSeen) -> String {
    match clean(&seen.message) {
        message if message.is_empty() => String::new(),
        message => format!(" ({message})"),
    }
}

/// What is not in order about a node.
fn faults(seen: &NodeSeen) -> Vec<String> {
    let mut faults = Vec::new();
    if seen.state != "ready" {
        faults.push(format!("is {}{}", clean(&seen.state), because(seen)));
    }
    match seen.availability.as_str() {
        "drain" => faults.push("is drained".to_owned()),
        "pause" => faults.push("is paused".to_owned()),
        _ => {}
    }
    if seen.reachability == "unreachable" {
        faults.push("is an unreachable manager".to_owned());
    }
    faults
}

fn changes(before: &NodeSeen, seen: &NodeSeen) -> Vec<String> {
    let mut changes = Vec::new();
    if before.state != seen.state {
        changes.push(match seen.state.as_str() {
            "ready" => "is ready again".to_owned(),
            "down" => format!("went down{}", because(seen)),
            state => format!("is {}{}", clean(state), because(seen)),
        });
    }
    if before.availability != seen.availability {
        changes.push(match seen.availability.as_str() {
            "drain" => "is drained".to_owned(),
            "pause" => "is paused".to_owned(),
            "active" => "is active again".to_owned(),
            other => format!("is in availability {}", clean(other)),
        });
    }
    if before.manager != seen.manager {
        let what = if seen.manager { "is a manager now" } else { "is no longer a manager" };
        changes.push(what.to_owned());
    } else if before.reachability != seen.reachability {
        changes.push(match seen.reachability.as_str() {
            "unreachable" => "is unreachable for the other managers".to_owned(),
            _ => "is reachable as a manager again".to_owned(),
        });
    }
    changes
}

#[cfg(test)]
pub(super) fn node(state: &str, availability: &str) -> NodeSeen {
    NodeSeen {
        node: "id-of-n2".into(),
        hostname: "n2".into(),
        state: state.into(),
        availability: availability.into(),
        manager: false,
        reachability: String::new(),
        message: if state == "down" { "heartbeat failure".into() } else { String::new() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_are_told() {
        let mut nodes = Nodes::default();
        for (state, availability, words) in [
            ("ready", "active", None),
            ("down", "active", Some("node n2 went down (heartbeat failure)")),
            ("ready", "active", Some("node n2 is ready again")),
            ("ready", "drain", Some("node n2 is drained")),
            ("down", "drain", Some("node n2 went down (heartbeat failure)")),
            ("ready", "active", Some("node n2 is ready again and is active again")),
            ("ready", "active", None),
        ] {
            assert_eq!(nodes.news(&node(state, availability)).as_deref(), words);
        }
        let manager = |reachability: &str| NodeSeen {
            manager: true,
            reachability: reachability.into(),
            ..node("ready", "active")
        };
        assert_eq!(nodes.news(&manager("reachable")).unwrap(), "node n2 is a manager now");
        assert_eq!(
            nodes.news(&manager("unreachable")).unwrap(),
            "node n2 is unreachable for the other managers"
        );
    }

    #[test]
    fn what_is_wrong_from_the_beginning_is_told() {
        let first = |state, availability| Nodes::default().news(&node(state, availability));
        assert_eq!(first("down", "active").unwrap(), "node n2 is down (heartbeat failure)");
        assert_eq!(first("ready", "drain").unwrap(), "node n2 is drained");
        assert_eq!(first("ready", "active"), None);
    }
}

//! SRU016: start-first cannot start a task whose port is taken.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: rules::HOST_PORT_START_FIRST,
    name: "host-port-start-first",
    severity: Severity::Error,
    title: "start-first needs free nodes for a port in host mode",
    why: "The new task needs the port that the old task of the same node has. Without a free node it \
          stays pending, and Swarm waits for it without a deadline.",
    page: "\
Error for a global service, where there is never a free node, and where the model finds with `--nodes N`
that the update never ends. Warning otherwise: the message says how many nodes it needs.

A service that uses the node's own network (`networks: [host]`) gets a warning instead: Swarm knows nothing
of its ports, so the new task starts beside the old one. Whether it can listen there is up to the program:
with SO_REUSEPORT it can (Caddy and HAProxy set it; nginx does for `listen … reuseport`), else it fails. No
stack file says which it is. With `--nodes` above the number of replicas nothing is found, because Swarm
places the new task on another node.

Sources: swarmkit manager/scheduler/filter.go; moby#36934.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    if !s.is_start_first() || s.replicas == 0 {
        return Vec::new();
    }
    if !s.has_host_port() {
        return on_the_nodes_network(s);
    }
    let needed = s.replicas + 1;
    let (severity, message) = if s.spec().global {
        let message =
            "start-first with a port in host mode on every node: the new task never finds a place";
        (Severity::Error, message.to_owned())
    } else if s.conditions.nodes.is_some() {
        let nodes = counted(s.setting.nodes.len() as u64, "node");
        let hangs = s.good().is_some_and(|outcome| outcome.end == End::Hangs);
        if !hangs {
            return Vec::new();
        }
        (
            Severity::Error,
            format!(
                "start-first with a port in host mode needs {needed} nodes, not {nodes}: the update never ends"
            ),
        )
    } else {
        let all = counted(s.replicas, "replica");
        (
            Severity::Warning,
            format!(
                "start-first with a port in host mode: {all} need {needed} nodes, or the update never ends"
            ),
        )
    };
    let draft =
        Draft::new("update_config.order", message).severity(severity).count("needed_nodes", needed);
    let helps = remedy::stop_first(RULE.number, s.update(), s.rollback(), s.replicas);
    vec![helps.into_iter().fold(draft, Draft::remedy)]
}

/// Whether two tasks can share a port of the node's own network is up to the program.
fn on_the_nodes_network(s: &Subject) -> Vec<Draft> {
    let room = s.conditions.nodes.is_some_and(|nodes| nodes as u64 > s.replicas);
    if !s.body.networks().contains(&"host") || (room && !s.spec().global) {
        return Vec::new();
    }
    let message = "start-first on the node's own network: the new task fails if its program does not share \
                   its port with the old one (SO_REUSEPORT), which no stack file says";
    let helps = remedy::stop_first(RULE.number, s.update(), s.rollback(), s.replicas);
    let draft = Draft::new("update_config.order", message).severity(Severity::Warning);
    let draft = helps.into_iter().fold(draft, Draft::remedy);
    vec![
        draft.help("or keep start-first if the program sets SO_REUSEPORT, as Caddy and HAProxy do"),
    ]
}

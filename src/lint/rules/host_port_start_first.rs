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
that the update never ends. Warning otherwise: the message says how many nodes it needs. A service that
uses the node's own network is looked at in the same way, because its ports collide too.

Sources: swarmkit manager/scheduler/filter.go; moby#36934.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    let host = s.has_host_port() || s.body.networks().contains(&"host");
    if !host || !s.is_start_first() || s.replicas == 0 {
        return Vec::new();
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

//! SRU017: start-first needs more than a node may have.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: rules::NODE_LIMIT_START_FIRST,
    name: "node-limit-start-first",
    severity: Severity::Error,
    title: "start-first needs room beyond `max_replicas_per_node`",
    why: "While it starts, the new task counts on its node as well as the old one. If every node has as \
          many as it may have, the new task stays pending without a deadline.",
    page: "\
Error if the model finds with `--nodes N` that the update never ends, warning without `--nodes`: the
message says how many nodes it needs.

Sources: swarmkit manager/scheduler/filter.go; moby#40797.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    let most = s.spec().max_per_node;
    if most == 0 || !s.is_start_first() || s.spec().global || s.replicas == 0 {
        return Vec::new();
    }
    let needed = (s.replicas + 1).div_ceil(most);
    let known = s.conditions.nodes.is_some();
    if known && s.good().is_none_or(|outcome| outcome.end != End::Hangs) {
        return Vec::new();
    }
    let all = counted(s.replicas, "replica");
    let nodes = counted(needed, "node");
    let message = format!(
        "start-first with at most {most} a node: {all} and one more need {nodes}, or the update never ends"
    );
    let draft = Draft::new("placement.max_replicas_per_node", message)
        .severity(if known { Severity::Error } else { Severity::Warning })
        .count("needed_nodes", needed)
        .help("or allow one more on a node with `placement.max_replicas_per_node`");
    let helps = remedy::stop_first(RULE.number, s.update(), s.rollback(), s.replicas);
    vec![helps.into_iter().fold(draft, Draft::remedy)]
}

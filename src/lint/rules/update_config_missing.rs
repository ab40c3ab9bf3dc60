//! SRU010: updates by the engine's defaults.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: "SRU010",
    name: "update-config-missing",
    severity: Severity::Warning,
    title: "a service with several replicas is updated by the engine's defaults",
    why: "The defaults are one replica at a time, stop-first, pause on failure and 5 s of watching: \
          capacity is missing for the whole update, and a broken version stays half deployed.",
    page: "\
Warning for a replicated service with two replicas or more and no `update_config`, hint for a global
one. A service with one replica is the subject of SRU015.

Sources: swarmkit api/defaults/service.go.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    if s.sets("update_config") || s.replicas < 2 {
        return Vec::new();
    }
    let severity = if s.spec().global { Severity::Hint } else { Severity::Warning };
    let lowest = s.good().filter(|_| s.knows_replicas()).map(Outcome::lowest_serving);
    let capacity = match lowest {
        Some(lowest) => {
            format!("{} meanwhile, and ", answering(lowest, s.replicas))
        }
        None => String::new(),
    };
    let message = format!(
        "no `update_config`: Swarm stops each replica before it starts the new one, {capacity}it pauses \
         half way if the new version fails"
    );
    vec![
        Draft::new("update_config", message)
            .severity(severity)
            .count("lowest_serving", lowest)
            .set_all(s.good_policy()),
    ]
}

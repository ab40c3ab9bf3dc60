//! SRU035: Swarm gives up on a slot.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: "SRU035",
    name: "attempts-limited",
    severity: Severity::Warning,
    title: "after `max_attempts` restarts a slot stays empty",
    why: "When the attempts are used up Swarm never starts the slot again, also if what made it fail, such \
          as a database that was away, is long over.",
    page: "\
Warning if `restart_policy.max_attempts` is set in a service that users reach, that has several replicas
or that has a health check; hint otherwise. With a `window`, only attempts within it count: slow failures
are then retried for ever, quick ones are not.

Sources: swarmkit manager/orchestrator/restart/restart.go.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    let restart = s.spec().restart;
    if restart.max_attempts == 0 || restart.condition == RestartCondition::None {
        return Vec::new();
    }
    let matters = s.serves_users() || s.is_replicated() || s.spec().health.is_some();
    let within = if restart.window > 0.0 {
        format!(" within {}", wording::setting(restart.window))
    } else {
        String::new()
    };
    let message = format!(
        "after {}{within} a slot stays empty until the next update",
        counted(restart.max_attempts, "restart")
    );
    vec![
        Draft::new("restart_policy.max_attempts", message)
            .or_about("restart")
            .severity(if matters { Severity::Warning } else { Severity::Hint })
            .help("remove `max_attempts`: Swarm then goes on, `delay` apart"),
    ]
}

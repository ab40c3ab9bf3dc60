//! SRU034: a task that ends well is not replaced.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: "SRU034",
    name: "exits-stay-down",
    severity: Severity::Error,
    title: "a task that ends with exit code 0 is not replaced",
    why: "A program that stops cleanly when it is told to ends with 0, also when Swarm stops it because \
          it is unhealthy. With `on-failure` or `none` its slot then stays empty.",
    page: "\
Error if `restart_policy.condition` is `none` in a service that users reach. Warning if it is
`on-failure` and there is a health check, which makes Swarm stop tasks; hint if there is none. Services
with `none` that users do not reach are taken for one-shot jobs (SRU054).

Sources: swarmkit manager/orchestrator/restart/restart.go; moby
daemon/cluster/executor/container/controller.go.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    let (severity, message) = match s.spec().restart.condition {
        RestartCondition::None if s.serves_users() => (
            Severity::Error,
            "condition `none`: a task that ends, for whatever reason, is never replaced",
        ),
        RestartCondition::OnFailure if s.spec().health.is_some() => (
            Severity::Warning,
            "condition `on-failure`: a replica that is stopped as unhealthy and ends with 0 is never replaced",
        ),
        RestartCondition::OnFailure => {
            (Severity::Hint, "condition `on-failure`: a replica that ends with 0 is never replaced")
        }
        _ => return Vec::new(),
    };
    vec![
        Draft::new("restart_policy.condition", message)
            .or_about("restart")
            .severity(severity)
            .set("restart_policy.condition", "any"),
    ]
}

//! SRU054: a service that ends by itself.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: "SRU054",
    name: "one-shot-service",
    severity: Severity::Hint,
    title: "a service that ends by itself keeps deployments waiting",
    why: "Swarm wants its tasks to run. One that has ended well never does, so `docker stack deploy \
          --detach=false` does not return.",
    page: "\
Hint for a service with `restart_policy.condition: none` that users do not reach. A job
(`deploy.mode: replicated-job`) says what is meant, and is run again at each change.

Sources: docker/cli#5299.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    if s.spec().restart.condition != RestartCondition::None || s.serves_users() || s.replicas == 0 {
        return Vec::new();
    }
    let message = "a service that is not restarted: a deployment that waits for it never ends";
    vec![
        Draft::new("restart_policy.condition", message)
            .or_about("restart")
            .help("make it a job: `deploy.mode: replicated-job`"),
    ]
}

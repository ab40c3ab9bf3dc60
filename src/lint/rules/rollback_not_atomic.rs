//! SRU053: a rollback is one service's.

use super::prelude::*;
use crate::lint::subject::key;

pub(super) static RULE: Rule = Rule {
    number: "SRU053",
    name: "rollback-not-atomic",
    severity: Severity::Hint,
    title: "services of a stack are rolled back one by one",
    why: "If one service fails, Swarm rolls back that one. The others stay new, so versions have to work \
          with each other's neighbours.",
    page: "\
Hint, once a stack, if several of its services have `failure_action: rollback`.

Sources: docker/cli#595.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    let rolls_back = |body: &&crate::stack::ServiceBody| {
        body.update_policy().failure_action == FailureAction::Rollback && !body.is_job()
    };
    let names: Vec<&str> = s.all.iter().filter(rolls_back).map(key).collect();
    if names.len() < 2 || names[0] != s.name {
        return Vec::new();
    }
    let message = format!(
        "{} are rolled back each for itself: the stack may be left half new",
        wording::list(&names)
    );
    let help = "deploy versions that work with the previous version of the other services";
    vec![Draft::new("update_config.failure_action", message).help(help)]
}

//! SRU021: a rollback that cannot be rolled back.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: rules::ROLLBACK_ROLLS_BACK,
    name: "rollback-rolls-back",
    severity: Severity::Error,
    title: "a rollback cannot be rolled back",
    why: "Swarm never rolls back a rollback. With `rollback_config.failure_action: rollback` a rollback \
          that fails is called completed, and nobody learns of it.",
    page: "\
Error if `rollback_config.failure_action` is `rollback`, which docker accepts and documents nowhere.

Sources: swarmkit manager/orchestrator/update/updater.go: the pause is overwritten by `completed`.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    if s.rollback().failure_action != FailureAction::Rollback {
        return Vec::new();
    }
    vec![
        Draft::new(
            "rollback_config.failure_action",
            "`rollback_config.failure_action` is `rollback`: Swarm calls a rollback that failed completed",
        )
        .remedy(remedy::pause_a_rollback()),
    ]
}

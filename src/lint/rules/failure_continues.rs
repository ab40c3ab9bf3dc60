//! SRU012: failures are not looked at.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: rules::FAILURE_CONTINUES,
    name: "failure-continues",
    severity: Severity::Error,
    title: "an update goes on whatever fails",
    why: "With `failure_action: continue` Swarm does not watch new tasks at all: it replaces every sound \
          replica by a broken one, and calls the update completed.",
    page: "\
Error if `update_config.failure_action` is `continue`. The message says how many replicas can answer at
the end of an update to a broken version, as the model predicts it.

Sources: swarmkit manager/orchestrator/update/updater.go.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    if s.update().failure_action != FailureAction::Continue {
        return Vec::new();
    }
    let found = s.detection(s.early_failure()).filter(|_| s.knows_replicas());
    let left = match &found {
        Some(found) => format!(", and at worst {}", answering(found.lowest_answering, s.replicas)),
        None => String::new(),
    };
    let draft = Draft::new(
        "update_config.failure_action",
        format!("`failure_action` is `continue`: a broken version replaces every replica{left}"),
    )
    .remedy(remedy::roll_back(s.update(), s.rollback()));
    vec![draft.count("lowest_answering", found.map(|found| found.lowest_answering))]
}

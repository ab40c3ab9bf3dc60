//! SRU011: a broken version stays half deployed.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: rules::FAILURE_PAUSES,
    name: "failure-pauses",
    severity: Severity::Warning,
    title: "a failed update is paused, not rolled back",
    why: "With `failure_action: pause`, the default, Swarm stops where the failure was and waits for \
          somebody. The broken tasks stay, and are restarted over and over.",
    page: "\
Warning if there is an `update_config` whose `failure_action` is `pause` or absent, hint if the image is
that of a database, which may have converted its data by then. The message says what
the model predicts for a version that never becomes healthy, or that ends at once if there is no health
check.

Sources: swarmkit manager/orchestrator/update/updater.go; moby#34245.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    if !s.sets("update_config") || s.update().failure_action != FailureAction::Pause {
        return Vec::new();
    }
    let default = if s.sets("update_config.failure_action") { "" } else { " (the default)" };
    let found = s.detection(s.early_failure()).filter(|found| found.noticed && s.knows_replicas());
    let left = match &found {
        Some(found) => format!(
            ": a broken version stays in {} of {}, and {} until somebody acts",
            found.touched,
            counted(s.replicas, "slot"),
            answering(found.lowest_answering, s.replicas)
        ),
        None => ": Swarm waits for somebody to act".to_owned(),
    };
    // A database that has converted its data may not want its old version back.
    let severity = if s.is_database() { Severity::Hint } else { Severity::Warning };
    let draft = Draft::new(
        "update_config.failure_action",
        format!("`failure_action` is `pause`{default}{left}"),
    )
    .severity(severity)
    .remedy(remedy::roll_back(s.update(), s.rollback()));
    let figures = found.map(|found| (found.touched, found.lowest_answering)).unzip();
    vec![draft.count("touched_slots", figures.0).count("lowest_answering", figures.1)]
}

//! SRU020: the way back is worse than the way there.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: rules::ROLLBACK_STOPS_FIRST,
    name: "rollback-stops-first",
    severity: Severity::Warning,
    title: "the update starts first, but its rollback stops first",
    why: "A rollback uses `rollback_config`, whose default is stop-first whatever the update does: \
          replicas are missing just when a version has failed.",
    page: "\
Warning if the update is start-first, `failure_action` is `rollback` and the rollback is stop-first,
because there is no `rollback_config` or it says so. The figure is the fewest replicas that can answer
while every replica goes back, from the model. Swarm takes `rollback_config` from the version that it
returns to, so the setting helps from the next update on.

Sources: swarmkit manager/orchestrator/update/updater.go, api/defaults/service.go; moby#34111.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    let rolls_back = s.update().failure_action == FailureAction::Rollback;
    if !rolls_back
        || !s.is_start_first()
        || s.rollback().order != Order::StopFirst
        || s.replicas == 0
    {
        return Vec::new();
    }
    let mut back = s.setting.clone();
    back.spec.update = s.rollback().clone();
    let lowest = s
        .play(&back, s.setting.sound.clone())
        .filter(|_| s.knows_replicas())
        .map(|outcome| outcome.lowest_answering());
    let because = if s.sets("rollback_config.order") {
        "the rollback is stop-first"
    } else if s.sets("rollback_config") {
        "`rollback_config` has no order, so the rollback is stop-first"
    } else {
        "there is no `rollback_config`, so the rollback is stop-first"
    };
    let left = match lowest {
        Some(lowest) => {
            format!(": {} meanwhile", answering(lowest, s.replicas))
        }
        None => String::new(),
    };
    vec![
        Draft::new("rollback_config.order", format!("{because}{left}"))
            .or_about("update_config.order")
            .count("lowest_answering", lowest)
            .remedy(remedy::start_first_back()),
    ]
}

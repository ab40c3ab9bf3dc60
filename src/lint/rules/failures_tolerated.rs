//! SRU026: broken replicas are tolerated.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: rules::FAILURES_TOLERATED,
    name: "failures-tolerated",
    severity: Severity::Error,
    title: "`max_failure_ratio` tolerates broken replicas",
    why: "Swarm acts only if more than this share of the slots fails. Up to then broken replicas stay, \
          and the update is called completed.",
    page: "\
Warning if at least one failed slot is tolerated, error if that are half of them or more. The number is
computed as the engine does it: in single precision, and only a larger share counts. 0.17 tolerates one
of six.

Sources: swarmkit manager/orchestrator/update/updater.go.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    let tolerated = s.setting.tolerated();
    let continues = s.update().failure_action == FailureAction::Continue;
    if continues || tolerated == 0 || s.replicas == 0 {
        return Vec::new();
    }
    let severity = if tolerated * 2 >= s.replicas { Severity::Error } else { Severity::Warning };
    let message = format!(
        "`max_failure_ratio` {} lets {tolerated} of {} fail without any effect",
        s.update().max_failure_ratio,
        counted(s.replicas, "replica")
    );
    vec![
        Draft::new("update_config.max_failure_ratio", message)
            .severity(severity)
            .count("tolerated", tolerated)
            .remedy(remedy::no_tolerance()),
    ]
}

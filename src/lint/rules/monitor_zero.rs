//! SRU023: a monitor of 0 is one of 5 s.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: "SRU023",
    name: "monitor-zero",
    severity: Severity::Warning,
    title: "`monitor: 0s` means 5 s, not off",
    why: "Docker takes a `monitor` of 0 for one that is not set.",
    page: "\
Warning if `monitor` of `update_config` or `rollback_config` is 0: the file says one thing and Swarm does
another.

Sources: docker/cli cli/compose/convert/service.go; swarmkit api/defaults/service.go.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    let zero =
        |block: &str| s.body.as_value()[block]["Monitor"].as_f64().is_none_or(|time| time <= 0.0);
    [("UpdateConfig", "update_config.monitor"), ("RollbackConfig", "rollback_config.monitor")]
        .into_iter()
        .filter(|(block, name)| s.sets(name) && zero(block))
        .map(|(_, name)| {
            Draft::new(name, "`monitor` is 0, which docker takes for the default of 5 s")
                .set(name, "10s")
        })
        .collect()
}

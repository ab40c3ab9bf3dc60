//! SRU004: a start interval that is not used.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: "SRU004",
    name: "start-interval-unused",
    severity: Severity::Warning,
    title: "`healthcheck.start_interval` has no effect",
    why: "The start interval is used inside the start period only, and engines before 25.0.1 drop it.",
    page: "\
Warning if `start_interval` is set and `start_period` is 0 or absent, or if `--engine-version` names an
engine that drops it. Files with a `version` below 3.12 cannot have the key at all: docker refuses them.

Without it the first check comes one whole `interval` after the start, and so does every replica.

Sources: moby daemon/health.go; moby#47152.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    let Some(health) = &s.spec().health else { return Vec::new() };
    if health.start_interval.is_none() {
        return Vec::new();
    }
    let draft = |message: String| Draft::new("healthcheck.start_interval", message);
    if health.start_period <= 0.0 {
        let message = "`start_interval` is not used, because there is no `start_period`".to_owned();
        return vec![draft(message).set("healthcheck.start_period", "60s")];
    }
    if !s.setting.engine.has_start_interval() {
        let message = format!(
            "engine {} drops `start_interval`: checks in the start period are {} apart",
            s.setting.engine,
            wording::setting(health.interval)
        );
        return vec![
            draft(message).help("update the engine, or set a shorter `healthcheck.interval`"),
        ];
    }
    Vec::new()
}

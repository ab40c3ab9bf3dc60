//! SRU006: a sound version is killed before it is ready.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: rules::SLOW_START_KILLED,
    name: "slow-start-killed",
    severity: Severity::Error,
    title: "the health check kills a sound version before it is ready",
    why: "Failed checks count from the start unless there is a start period, so a program that needs \
          longer than `retries` checks to be ready is killed, again and again.",
    page: "\
Fires if the model finds that a version which is ready `--boot TIME` after its start becomes unhealthy
before that. Error if `--boot` is given, warning for the second that is assumed otherwise.

Sources: moby daemon/health.go; moby#26498.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    let Some((health, killed)) = s.health().and_then(|health| Some((health, health.unhealthy?)))
    else {
        return Vec::new();
    };
    if health.healthy.is_some() {
        return Vec::new();
    }
    let boot = s.setting.sound.boot;
    let message = format!(
        "a version that needs {} to be ready is unhealthy after {}, and never starts",
        wording::setting(boot.as_secs_f64()),
        wording::length(killed)
    );
    let given = s.conditions.boot.is_some();
    vec![
        Draft::new("healthcheck.start_period", message)
            .severity(if given { Severity::Error } else { Severity::Warning })
            .time("unhealthy_after_s", killed)
            .set("healthcheck.start_period", format!("{}s", 2.0 * boot.as_secs_f64().ceil())),
    ]
}

//! SRU025: old engines do not look at failures after a long delay.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: "SRU025",
    name: "delay-hides-failures",
    severity: Severity::Error,
    title: "on this engine, a delay as long as `monitor` hides failures",
    why: "Before 20.10.10 the last watch of an update ended with the delay. If that is not shorter than \
          `monitor`, failures are never looked at and no rollback happens.",
    page: "\
Error if `--engine-version` names an engine before 20.10.10 and `delay` is not shorter than `monitor`.

Sources: swarmkit#3003; moby#37972.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    let update = s.update();
    let watches = update.failure_action != FailureAction::Continue;
    if s.setting.engine.watches_longer_than_delay() || update.delay < update.monitor || !watches {
        return Vec::new();
    }
    let monitor = update.delay.floor() + 1.0;
    let message = format!(
        "engine {} looks at no failure if `delay` ({}) is not shorter than `monitor` ({})",
        s.setting.engine,
        wording::setting(update.delay),
        wording::setting(update.monitor)
    );
    vec![
        Draft::new("update_config.delay", message)
            .set("update_config.monitor", format!("{monitor}s"))
            .help("or update the engine"),
    ]
}

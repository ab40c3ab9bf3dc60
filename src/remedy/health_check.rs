//! So that Swarm knows whether a replica can answer.

use super::{Remedy, rules};
use crate::stack::Paste;

/// A test that asks a URL from inside the container.
#[must_use]
pub fn asking(url: &str) -> String {
    format!("[\"CMD-SHELL\", \"wget -q --spider {url} || exit 1\"]")
}

/// A health check with this test. `off` says that the service turns off what its image may have.
/// Without a test, because it is not known where the service answers, there are no lines.
#[must_use]
pub fn health_check(test: Option<String>, off: bool) -> Remedy {
    let Some(test) = test else {
        let help = if off {
            "remove what turns the health check off, and add a `healthcheck` with a `test` that fails \
             unless users get an answer, `interval: 5s` and `start_period: 30s`"
        } else {
            "add a `healthcheck` with a `test` that fails unless users get an answer, `interval: 5s` \
             and `start_period: 30s`"
        };
        return Remedy::new(rules::HEALTH_CHECK_MISSING, Vec::new(), help);
    };
    // Docker refuses a test beside `disable: true`.
    let on = off.then(|| Paste::new("healthcheck.disable", "false"));
    let test = Paste {
        comment: Some("or another command of the image that fails unless users get an answer"),
        ..Paste::new("healthcheck.test", test)
    };
    let timing = [
        ("healthcheck.interval", "5s"),
        ("healthcheck.timeout", "3s"),
        ("healthcheck.start_period", "30s"),
    ];
    let timing = timing.map(|(name, value)| Paste::new(name, value));
    let settings = on.into_iter().chain([test]).chain(timing).collect();
    let because = "Swarm then sends requests to a task only once it answers, and notices a version that never does";
    Remedy::new(rules::HEALTH_CHECK_MISSING, settings, because)
}

//! SRU007: one slow check kills a replica.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: "SRU007",
    name: "one-retry",
    severity: Severity::Warning,
    title: "one failed health check kills a replica",
    why: "A busy machine answers a check late now and then. With one try, Swarm kills a sound replica \
          for it, and in an update that counts as a failure.",
    page: "\
Warning if `healthcheck.retries` is 1. A `timeout` that is as long as the `interval` or longer is no
finding: the engine begins the interval at the end of a check, so checks do not overlap.

Sources: moby daemon/health.go; moby#37275.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    if s.spec().health.as_ref().is_none_or(|health| health.retries != 1) {
        return Vec::new();
    }
    vec![
        Draft::new(
            "healthcheck.retries",
            "one failed health check makes a replica unhealthy, and Swarm kills it",
        )
        .set("healthcheck.retries", "3"),
    ]
}

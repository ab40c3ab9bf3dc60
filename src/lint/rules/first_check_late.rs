//! SRU005: the first health check comes late.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: "SRU005",
    name: "first-check-late",
    severity: Severity::Warning,
    title: "the first health check comes so late that updates are slow",
    why: "The first check runs one interval after the start, and a replica serves only after it. With \
          stop-first its place is empty for that long.",
    page: "\
Warning if the first check begins more than 10 s after the start of a container and the update is
stop-first, hint if it is start-first. The first check comes one `interval` after the start; in a start
period it comes one `start_interval`, whose default is 5 s from engine 27 on and the `interval` before.

The figures are the first check, and a good update as `rollproof plan` predicts it.

Sources: moby daemon/health.go; moby#35126.",
    check,
};

/// A replica that is ready sooner than that should not wait for its first check.
const LATE: Offset = Offset::from_millis(10_000);

fn check(s: &Subject) -> Vec<Draft> {
    let Some(health) = s.health().filter(|health| health.first_check - s.setting.hops.check > LATE)
    else {
        return Vec::new();
    };
    let first = wording::length(health.first_check);
    let finished = s.good().and_then(Outcome::finished);
    let cost = match finished {
        Some(at) if s.is_replicated() => {
            let all = counted(s.replicas, "replica");
            format!(", and an update of {all} takes {}", wording::length(at))
        }
        _ => String::new(),
    };
    let severity = if s.is_start_first() { Severity::Hint } else { Severity::Warning };
    let message = format!("a new replica is not used before its first check after {first}{cost}");
    let mut draft = Draft::new("healthcheck.interval", message)
        .severity(severity)
        .time("first_check_s", health.first_check)
        .time("good_update_s", finished)
        .set("healthcheck.interval", "5s");
    if s.spec().health.as_ref().is_some_and(|check| check.start_period <= 0.0) {
        // Otherwise a slow start would now be killed after a few short intervals.
        draft = draft.set("healthcheck.start_period", "60s");
    }
    vec![draft]
}

//! SRU030: tasks are killed before they are done.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: rules::GRACE_SHORT,
    name: "grace-short",
    severity: Severity::Error,
    title: "a stopping task may be killed before it has answered",
    why: "After `stop_grace_period` the engine kills what still runs, with the requests that it has open.",
    page: "\
Error if `--stop TIME` says that the program needs longer than `stop_grace_period` to end. Hint for a
service that users reach and that does not set it: the default is 10 s, which has to be longer than the
longest request.

Sources: moby daemon/stop.go; moby#31174.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    let grace = s.spec().stop_grace;
    if let Some(stop) = s.conditions.stop.map(Offset::as_secs_f64).filter(|stop| *stop > grace) {
        let message = format!(
            "a task that needs {} to end is killed after {}",
            wording::setting(stop),
            wording::setting(grace)
        );
        let longer = remedy::longer_grace(stop);
        return vec![Draft::new("stop_grace_period", message).remedy(longer)];
    }
    if s.sets("stop_grace_period") || !s.serves_users() || s.conditions.stop.is_some() {
        return Vec::new();
    }
    let message = "a stopping task is killed after 10 s (the default), whatever it still answers";
    vec![
        Draft::new("service", message)
            .severity(Severity::Hint)
            .set("stop_grace_period", "30s")
            .help("longer than the longest request"),
    ]
}

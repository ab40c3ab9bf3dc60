//! SRU031: Swarm does not wait that long.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: "SRU031",
    name: "grace-over-a-minute",
    severity: Severity::Warning,
    title: "stop-first waits for the old task for a minute at most",
    why: "After one minute Swarm starts the new task although the old one still stops, so both run: with \
          a volume or a port in host mode that fails.",
    page: "\
Warning if `stop_grace_period` is longer than 60 s and the service is updated stop-first, unless
`--stop TIME` says that it ends sooner. Hint if it has neither a volume nor a port in host mode.

Sources: swarmkit manager/orchestrator/restart/restart.go (`defaultOldTaskTimeout`); moby#36111.",
    check,
};

/// How long stop-first waits for the old task.
const WAITS: f64 = 60.0;

fn check(s: &Subject) -> Vec<Draft> {
    let grace = s.spec().stop_grace;
    let soon = s.conditions.stop.is_some_and(|stop| stop.as_secs_f64() <= WAITS);
    if grace <= WAITS || s.update().order != Order::StopFirst || soon {
        return Vec::new();
    }
    let collides = s.has_host_port() || s.keeps_data();
    let message = format!(
        "`stop_grace_period` is {}, but stop-first starts the new task after 60 s at the latest",
        wording::setting(grace)
    );
    vec![
        Draft::new("stop_grace_period", message)
            .severity(if collides { Severity::Warning } else { Severity::Hint })
            .set("stop_grace_period", "60s"),
    ]
}

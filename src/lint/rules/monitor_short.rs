//! SRU022: Swarm looks away before a failure shows.

use super::prelude::*;
use crate::plan::Blind;

pub(super) static RULE: Rule = Rule {
    number: rules::MONITOR_SHORT,
    name: "monitor-short",
    severity: Severity::Warning,
    title: "`monitor` ends before a failing health check is noticed",
    why: "Swarm counts a failure only within `monitor` of the task's start. A version that is healthy \
          once and then fails its checks needs longer to fail, so the update is called completed.",
    page: "\
Warning if there is an `update_config`, and the model finds that an update to a version which becomes
healthy and then fails every check at once goes unnoticed because of `monitor`. The fix has the shortest
`monitor` with which it is noticed: all `retries` intervals, the 2 s in which Swarm takes the task out of
the load balancer, and its stop. The default of 5 s is too short for almost every health check.

Checks that hang instead of failing take `timeout` longer each. `rollproof plan` shows all kinds of
failure.

Sources: swarmkit manager/orchestrator/update/updater.go; moby daemon/health.go and
daemon/cluster/executor/container/controller.go.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    if s.spec().health.is_none() || !s.sets("update_config") {
        return Vec::new();
    }
    let blind = s.detection(FailureKind::HealthyThenSick).and_then(|found| found.blind);
    let Some(Blind::MonitorTooShort { needed_s }) = blind else { return Vec::new() };
    let needed = needed_s.as_secs_f64();
    let default = if s.sets("update_config.monitor") { "" } else { " (the default)" };
    let message = format!(
        "`monitor` is {}{default}, but a version that becomes unhealthy fails only after {}",
        wording::setting(s.update().monitor),
        wording::setting(needed)
    );
    vec![
        Draft::new("update_config.monitor", message)
            .figure("needed_monitor_s", needed)
            .remedy(remedy::longer_monitor(needed, true)),
    ]
}

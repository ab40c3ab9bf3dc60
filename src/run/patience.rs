//! How long an update may reasonably take.

use std::time::Duration;

use crate::record::StackFacts;
use crate::stack::ServiceBody;
use crate::swarm::{HealthCheck, UpdatePolicy};

/// How long to wait for an update and its rollback: upper bounds worked out from the stack's own
/// settings (`docs/waiting.md`), so that nothing waits for ever and nothing slow is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// The longest time in which nothing at all may change.
    pub no_progress: Duration,
    /// The longest time for everything.
    pub whole: Duration,
    /// The longest time from a terminal update state until the tasks are at rest.
    pub to_rest: Duration,
}

/// Scheduling, creating and starting a container on a slow machine.
const START: f64 = 30.0;

/// What Swarm adds to the stop grace period: one second until the agent reacts, two for the
/// gossip to converge, some more to report (swarmkit `agent/task.go`, moby
/// `daemon/cluster/executor/container/controller.go`).
const STOP: f64 = 10.0;

/// However fast a simulated swarm is, the machine it runs on may pause for some seconds.
const LEAST: f64 = 8.0;

impl Patience {
    /// The bounds for a service, whichever of its two health checks is slower: a service without
    /// one gets the engine's default timings when a broken one is set.
    #[must_use]
    pub fn of(facts: &StackFacts, body: &ServiceBody, speed: f64) -> Self {
        let broken = {
            let mut broken = body.clone();
            broken.set_health_cmd("false");
            broken.effective_healthcheck(None)
        };
        let check = facts.healthcheck.as_ref().or(broken.as_ref());
        let (update, rollback) = (&facts.update_config, &facts.rollback_config);
        Self::new(facts.replicas, update, rollback, check, body.stop_grace_period(), speed)
    }

    /// The longer of each bound.
    #[must_use]
    pub fn longer(self, other: Self) -> Self {
        Self {
            no_progress: self.no_progress.max(other.no_progress),
            whole: self.whole.max(other.whole),
            to_rest: self.to_rest.max(other.to_rest),
        }
    }

    /// Works the bounds out for `slots` replicas. `check` is the health check that is slower to
    /// judge, of the old and the new version; `stop_grace` is in seconds. What no setting decides goes
    /// by the swarm's time, which passes `speed` times faster than real.
    #[must_use]
    fn new(
        slots: u64,
        update: &UpdatePolicy,
        rollback: &UpdatePolicy,
        check: Option<&HealthCheck>,
        stop_grace: f64,
        speed: f64,
    ) -> Self {
        let judged = check.map_or(0.0, |check| {
            let tries = f64::from(u32::try_from(check.retries).unwrap_or(u32::MAX));
            check.start_period + (tries + 1.0) * (check.interval + check.timeout)
        });
        let slot = (START + STOP + stop_grace) / speed + judged;
        let least = if speed > 1.0 { LEAST } else { 0.0 };
        let secs = |own: f64, more: f64| secs((own + more / speed).max(least));
        let phase = |policy: &UpdatePolicy| {
            let at_once = if policy.parallelism == 0 { slots } else { policy.parallelism };
            let waves = slots.max(1).div_ceil(at_once.clamp(1, slots.max(1)));
            let waves = f64::from(u32::try_from(waves).unwrap_or(u32::MAX));
            waves * (slot + policy.delay) + policy.monitor.max(policy.delay + 1.0 / speed)
        };
        let quiet = slot + update.delay.max(rollback.delay) + update.monitor.max(rollback.monitor);
        Self {
            no_progress: secs(quiet, 30.0),
            whole: secs(phase(update) + phase(rollback), 60.0),
            to_rest: secs(slot, 30.0),
        }
    }
}

fn secs(secs: f64) -> Duration {
    Duration::try_from_secs_f64(secs).unwrap_or(Duration::from_secs(24 * 3600))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swarm::{FailureAction, Order};

    #[test]
    fn a_hanging_check_of_thirty_seconds_is_waited_for() {
        let policy = UpdatePolicy {
            parallelism: 2,
            delay: 10.0,
            failure_action: FailureAction::Rollback,
            monitor: 5.0,
            max_failure_ratio: 0.0,
            order: Order::StopFirst,
        };
        let check = HealthCheck {
            test: vec!["CMD-SHELL".into(), "x".into()],
            interval: 30.0,
            timeout: 30.0,
            retries: 3,
            start_period: 0.0,
            start_interval: None,
        };
        let patience = Patience::new(6, &policy, &policy, Some(&check), 10.0, 1.0);
        // Three probes that hang: 180 s, in one slot after the other.
        assert!(patience.no_progress > Duration::from_secs(180), "{patience:?}");
        assert!(patience.whole > Duration::from_secs(3 * 180), "{patience:?}");
        let none = Patience::new(6, &policy, &policy, None, 10.0, 1.0);
        assert!(none.whole < patience.whole / 2, "{none:?}");
    }
}

//! What a busy machine may have done to the service itself.

use super::machine::Machine;
use super::scene::Scene;
use super::task_life::TaskLife;
use super::trust_checks::trust;
use super::{Check, Verdict};
use crate::Offset;
use crate::record::Expects;
use crate::swarm::HealthCheck;

/// How long failing health checks take to make a task unhealthy, if the record does not tell.
const UNHEALTHY_IN: Offset = Offset::from_millis(5_000);

/// Why this machine, and not the service, may have broken what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MachineFault(String);

impl MachineFault {
    /// Absent if the machine had the time for what broke. `in_time` is whether requests were sent
    /// when they were due: where they were not, a health check may have come late just as well.
    pub(super) fn of(
        scene: &Scene,
        machine: &Machine,
        healthcheck: Option<&HealthCheck>,
        in_time: bool,
    ) -> Option<Self> {
        let takes = healthcheck.map_or(UNHEALTHY_IN, unhealthy_in);
        // That the broken version fails is what is expected.
        let sound = |life: &&TaskLife| {
            scene.expects != Expects::Rollback || life.last.generation == scene.old
        };
        let starved = |life: &&TaskLife| {
            let unhealthy = life.unhealthy.filter(|at| {
                *at >= scene.started && life.told_to_stop.is_none_or(|told| *at < told)
            });
            unhealthy.is_some_and(|at| {
                // One that was healthy before needs less of an explanation.
                (life.running.is_some() && !in_time) || machine.was_starved(at - takes, at)
            })
        };
        let mut lives = scene.tasks.lives.iter().filter(sound);
        if let Some(life) = lives.clone().find(starved) {
            return Some(Self(format!(
                "a task of slot {} failed its health check while this machine was too busy to run \
                 it in time",
                life.last.slot
            )));
        }
        let failed = lives.any(|life| life.failed.is_some_and(|at| at >= scene.started));
        let late = scene.end.deadline().is_some()
            && !failed
            && machine.was_starved(scene.started, scene.ended);
        late.then(|| Self("this machine was too busy to do it in time".to_owned()))
    }

    /// The check that tells of it.
    pub(super) fn check(self) -> Check {
        trust("tasks-had-time", false, "too little", "processor time for every task", self.0).remedy(
            "run on a machine with more free processor time, or with longer health check timeouts",
        )
    }

    /// The same check, of which nothing is proven any more if it did not hold.
    pub(super) fn excuse(check: &mut Check) {
        if check.verdict == Verdict::Fail {
            check.verdict = Verdict::Inconclusive;
            check.because.push_str("; the busy machine may be the reason");
            check.remedy = None;
        }
    }
}

/// How long failing health checks take to make a task unhealthy, if each runs into its time limit.
fn unhealthy_in(healthcheck: &HealthCheck) -> Offset {
    let once = Offset::from_secs_f64(healthcheck.interval + healthcheck.timeout);
    let retries = i64::try_from(healthcheck.retries).unwrap_or(i64::MAX);
    Offset::from_nanos(once.as_nanos().saturating_mul(retries))
}

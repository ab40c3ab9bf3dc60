//! How busy the machine was that the probes ran on, and what that may have done to the service.

use super::check::{Check, Verdict, trust};
use super::limits::Limits;
use super::remedies::{OWN_PROCESSORS, TIME_FOR_TASKS};
use super::scene::Scene;
use super::tasks::TaskLife;
use crate::Offset;
use crate::record::{EventKind, Expects, MachineLoad};
use crate::stats::Times;
use crate::swarm::HealthCheck;

/// At this share of used and stolen processor time, in thousandths, a machine is full.
const FULL: u16 = 950;
/// At this share of the time in which something waited for a processor, in thousandths, a
/// request may have waited too.
const WAITING: u16 = 500;
/// How often a load is recorded; it is the mean since the one before.
const TOLD_EVERY: Offset = Offset::from_millis(1_000);
/// A load is the mean of about the second before it was recorded; a request may have met it anywhere
/// in it or just beside it.
const AROUND: Offset = Offset::from_millis(1_500);

/// How busy the machine was during a scenario, about once a second.
pub(super) struct Machine {
    loads: Vec<(Offset, MachineLoad)>,
}

impl Machine {
    pub(super) fn of(scene: &Scene) -> Self {
        let loads = scene.events.iter().filter_map(|event| match event.kind {
            EventKind::Machine(load) => Some((event.at, load)),
            _ => None,
        });
        Self { loads: loads.collect() }
    }

    /// The times in which the machine had no processor time left, so that requests of its own
    /// came late.
    pub(super) fn starved(&self) -> Times {
        let starved = self.loads.iter().filter(|(_, load)| is_starved(*load));
        Times::of(starved.map(|(at, _)| (*at - AROUND, *at + AROUND)))
    }

    /// Whether the machine had no processor time left for half of this time or more.
    pub(super) fn was_starved(&self, from: Offset, to: Offset) -> bool {
        let within = |at: Offset| at >= from && at <= to + TOLD_EVERY;
        let loads = || self.loads.iter().filter(|(at, _)| within(*at));
        let starved = loads().filter(|(_, load)| is_starved(*load)).count();
        starved > 0 && 2 * starved >= loads().count()
    }

    /// The check that the hypervisor left the machine its processors; absent if the record does
    /// not say. A busy machine alone is no flaw: `probe-lag` shows whether that did harm.
    pub(super) fn check(&self, limits: &Limits) -> Option<Check> {
        let of = |part: fn(&MachineLoad) -> u16| {
            let values = || self.loads.iter().map(|(_, load)| f64::from(part(load)) / 10.0);
            let worst = values().fold(0.0, f64::max);
            (mean(values()), worst)
        };
        let (busy, busiest) = of(|load| load.busy);
        let (stolen, most_stolen) = of(|load| load.stolen);
        let (busy, stolen) = (busy?, stolen?);
        let told = self.loads.iter().filter_map(|(_, load)| load.waiting);
        let waiting = mean(told.map(|waiting| f64::from(waiting) / 10.0));
        let good = stolen <= limits.stolen * 100.0;
        let because = if good {
            "the hypervisor left this machine its processors".to_owned()
        } else {
            format!(
                "the hypervisor gave {stolen:.0} % of this machine's processor time to other \
                 machines: the measurement is not the service's alone"
            )
        };
        let check = trust(
            "machine-free",
            good,
            format!(
                "busy {busy:.0} %, at worst {busiest:.0} %; stolen {stolen:.0} %, at worst \
                 {most_stolen:.0} %{}",
                waiting.map(|waiting| format!("; waiting {waiting:.0} %")).unwrap_or_default()
            ),
            format!("stolen at most {:.0} % on average", limits.stolen * 100.0),
            because,
        );
        Some(check.remedy(OWN_PROCESSORS))
    }
}

/// Whether the processors, those that others took among them, were full and something waited.
fn is_starved(load: MachineLoad) -> bool {
    load.busy + load.stolen >= FULL && load.waiting.is_none_or(|waiting| waiting >= WAITING)
}

/// The mean; absent if there are no values.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

/// How long failing health checks take to make a task unhealthy, if the record does not say.
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
                "{} failed its health check while this machine was too busy to run the check in \
                 time",
                life.whom()
            )));
        }
        let failed = lives.any(|life| life.failed.is_some_and(|at| at >= scene.started));
        let late = scene.end.deadline().is_some()
            && !failed
            // The engine says why a task waits: that is no lack of processor time.
            && scene.stuck_task().is_none()
            && scene.nodes.is_empty()
            && machine.was_starved(scene.started, scene.ended);
        late.then(|| Self("this machine was too busy to finish in time".to_owned()))
    }

    /// The check that says so.
    pub(super) fn check(self) -> Check {
        trust("tasks-had-time", false, "too little", "processor time for every task", self.0)
            .remedy(TIME_FOR_TASKS)
    }

    /// The same check, of which nothing is proven any more if it did not hold.
    pub(super) fn excuse(check: &mut Check) {
        if check.verdict == Verdict::Fail {
            check.verdict = Verdict::Inconclusive;
            check.because.push_str(" (the busy machine may be the reason)");
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

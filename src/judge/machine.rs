//! How busy the machines of the probes and of the engine were, and what that may have done to the
//! service.

use std::iter;

use super::check::{Check, Verdict, trust};
use super::limits::Limits;
use super::remedies::{OWN_PROCESSORS, TIME_FOR_TASKS};
use super::scene::Scene;
use super::tasks::TaskLife;
use crate::Offset;
use crate::record::{EventKind, Expects, MachineLoad, Purpose, Run, Shot};
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
/// The control target does next to nothing for a request and nothing changes it. If its requests
/// wait this long on average, its machine has no processor time left: on a machine with time they
/// wait 0.1 to 2 ms, in a guest whose engine could not start a container in time 40 ms. Programs
/// that need more of the processor wait longer.
const SLOW_CONTROL: Offset = Offset::from_millis(25);
/// Fewer requests have no average.
const CONTROLS: usize = 3;

/// How busy the machines were during a scenario.
pub(super) struct Machine {
    /// The load of the machine that the probes ran on, about once a second.
    loads: Vec<(Offset, MachineLoad)>,
    /// When the engine's machine, which may be another one, was so busy that it shows.
    slow: Times,
}

impl Machine {
    pub(super) fn of(run: &Run, scene: &Scene) -> Self {
        let loads = scene.events.iter().filter_map(|event| match event.kind {
            EventKind::Machine(load) => Some((event.at, load)),
            _ => None,
        });
        Self { loads: loads.collect(), slow: slow_control(run) }
    }

    /// The times in which a machine had no processor time left, so that requests came late for
    /// that.
    pub(super) fn starved(&self) -> Times {
        let starved = self.loads.iter().filter(|(_, load)| is_starved(*load));
        let of_probes = starved.map(|(at, _)| (*at - AROUND, *at + AROUND));
        Times::of(of_probes.chain(self.slow.stretches()))
    }

    /// Whether a machine had no processor time left for half of this time or more.
    pub(super) fn was_starved(&self, from: Offset, to: Offset) -> bool {
        let slow = self.slow.within(from, to).length();
        if slow > Offset::ZERO && slow + slow >= to - from {
            return true;
        }
        let within = |at: Offset| at >= from && at <= to + TOLD_EVERY;
        let loads = || self.loads.iter().filter(|(at, _)| within(*at));
        let starved = loads().filter(|(_, load)| is_starved(*load)).count();
        starved > 0 && 2 * starved >= loads().count()
    }

    /// Which machine was too busy: that of the probes, where its load shows it.
    fn whose(&self) -> &'static str {
        if self.loads.iter().any(|(_, load)| is_starved(*load)) {
            "this machine"
        } else {
            "the engine's machine"
        }
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

/// When requests to the control target waited long, apart from those that the probe sent late.
fn slow_control(run: &Run) -> Times {
    let control = run.shots.iter().filter(|(facts, _)| facts.purpose == Purpose::Control);
    Times::of(control.flat_map(|(_, shots)| slow_times(shots)))
}

fn slow_times(shots: &[Shot]) -> Vec<(Offset, Offset)> {
    let mut took: Vec<(Offset, Offset)> =
        shots.iter().filter_map(|shot| Some((shot.sent?, shot.done? - shot.sent?))).collect();
    took.sort_unstable();
    // What the way there takes at best is no waiting.
    let Some(best) = took.iter().map(|(_, took)| *took).min() else { return Vec::new() };
    // Sums from the beginning, so that a dense stream takes no longer for each of its requests.
    let waited: Vec<i64> = iter::once(0)
        .chain(took.iter().scan(0, |sum, (_, took)| {
            *sum += (*took - best).as_nanos();
            Some(*sum)
        }))
        .collect();
    let first_from = |at: Offset| took.partition_point(|(sent, _)| *sent < at);
    let slow = took.iter().filter(|(sent, _)| {
        let (from, to) = (first_from(*sent - AROUND), first_from(*sent + AROUND));
        let count = i64::try_from(to - from).unwrap_or(i64::MAX);
        to - from >= CONTROLS && (waited[to] - waited[from]) / count >= SLOW_CONTROL.as_nanos()
    });
    slow.map(|(sent, _)| (*sent - AROUND, *sent + AROUND)).collect()
}

/// The mean; absent if there are no values.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

/// How long failing health checks take to make a task unhealthy, if the record does not say.
const UNHEALTHY_IN: Offset = Offset::from_millis(5_000);

/// Why a machine or the engine, and not the service, may have broken what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MachineFault(String);

impl MachineFault {
    /// Absent if the machines had the time for what broke. `in_time` is whether requests were sent
    /// when they were due: where they were not, a health check may have come late just as well.
    pub(super) fn of(
        scene: &Scene,
        machine: &Machine,
        healthcheck: Option<&HealthCheck>,
        in_time: bool,
    ) -> Option<Self> {
        let takes = healthcheck.map_or(UNHEALTHY_IN, unhealthy_in);
        // That the broken version fails is what is expected.
        let sound = |life: &&TaskLife| match scene.expects {
            Expects::Rollback => life.last.generation == scene.old,
            Expects::Declared => life.last.generation != scene.new_generation(),
            Expects::Update | Expects::NoChange => true,
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
                "{} failed its health check while {} was too busy to run the check in time",
                life.whom(),
                machine.whose()
            )));
        }
        let out_of_time = |life: &&TaskLife| {
            life.failed.is_some_and(|at| at >= scene.started)
                && life.failure().is_some_and(|failure| failure.is_the_engines())
        };
        if let Some(life) = lives.clone().find(out_of_time) {
            return Some(Self(format!(
                "{} could not be started because the engine ran out of time",
                life.whom()
            )));
        }
        let failed = lives.any(|life| life.failed.is_some_and(|at| at >= scene.started));
        let planned = scene.must.is_some_and(|must| must.watch.is_some());
        let late = scene.end.deadline().is_some()
            // Nothing was to finish.
            && scene.submitted.is_some()
            && !planned
            && !failed
            // The engine says why a task waits: that is no lack of processor time.
            && scene.stuck_task().is_none()
            && scene.others.iter().all(|other| other.scene.stuck_task().is_none())
            && scene.nodes.is_empty()
            && machine.was_starved(scene.started, scene.ended);
        late.then(|| Self(format!("{} was too busy to finish in time", machine.whose())))
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

//! Which kinds of failure an update notices, after which time, and why it does not notice the
//! others.

use serde::Serialize;

use super::setting::Setting;
use crate::Offset;
use crate::swarm::{FailureAction, UpdateState};
use crate::swarm_model::{
    Behaviour, CheckResult, CheckTimings, End, Outcome, StartResult, StopReaction, What, Which,
    simulate,
};

/// A way in which a new version fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// Its image is missing.
    ImageMissing,
    /// Its process ends with an error right after its start.
    CrashAtStart,
    /// Its process ends with exit code 0 right after its start.
    ExitsWithZero,
    /// Its health checks never pass.
    NeverHealthy,
    /// Its health checks never answer.
    CheckHangs,
    /// Its health checks never pass, and it stops with exit code 0 when it is told to.
    NeverHealthyStopsWithZero,
    /// It is ready, and then its health checks begin to fail.
    HealthyThenSick,
    /// It is ready, and then its process ends with an error some seconds later.
    CrashAfterReady,
    /// It gives wrong answers, but its health checks pass.
    WrongButHealthy,
}

/// How long after it is ready a version of [`FailureKind::CrashAfterReady`] crashes.
const CRASH_AFTER_READY: Offset = Offset::from_millis(3_000);

impl FailureKind {
    /// All kinds, the quickest to notice first.
    pub const ALL: [Self; 9] = [
        Self::ImageMissing,
        Self::CrashAtStart,
        Self::ExitsWithZero,
        Self::NeverHealthy,
        Self::NeverHealthyStopsWithZero,
        Self::CheckHangs,
        Self::CrashAfterReady,
        Self::HealthyThenSick,
        Self::WrongButHealthy,
    ];

    /// In plain words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ImageMissing => "its image is missing",
            Self::CrashAtStart => "exits with 1 at its start",
            Self::ExitsWithZero => "exits with 0 at its start",
            Self::NeverHealthy => "never healthy",
            Self::CheckHangs => "its health check hangs",
            Self::NeverHealthyStopsWithZero => "never healthy, stops with 0",
            Self::HealthyThenSick => "healthy, then sick",
            Self::CrashAfterReady => "exits 3 s after it is ready",
            Self::WrongButHealthy => "wrong answers, but healthy",
        }
    }

    /// How a version that fails like this behaves. It is as quick as a sound one otherwise.
    #[must_use]
    pub fn behaviour(self, setting: &Setting) -> Behaviour {
        let sound = setting.sound.clone();
        let dirty_stop = StopReaction { code: 143, ..sound.stop };
        let at_start = Offset::from_millis(50);
        match self {
            Self::ImageMissing => Behaviour { start: StartResult::ImageMissing, ..sound },
            Self::CrashAtStart => sound.exits(at_start, 1),
            Self::ExitsWithZero => sound.exits(at_start, 0),
            Self::NeverHealthy => Behaviour { stop: dirty_stop, ..sound.never_healthy() },
            Self::CheckHangs => Behaviour {
                stop: dirty_stop,
                checks: vec![(Offset::ZERO, CheckResult::Hang)],
                ..sound
            },
            Self::NeverHealthyStopsWithZero => sound.never_healthy(),
            Self::HealthyThenSick => {
                let sick = sick_from(setting);
                Behaviour { stop: dirty_stop, ..sound.sick_after(sick) }
            }
            Self::CrashAfterReady => {
                let ready = ready_at(setting);
                sound.exits(ready + CRASH_AFTER_READY, 1)
            }
            Self::WrongButHealthy => sound,
        }
    }

    /// Whether the kind says something about a service: some need a health check.
    fn needs_health_check(self) -> bool {
        matches!(
            self,
            Self::NeverHealthy
                | Self::CheckHangs
                | Self::NeverHealthyStopsWithZero
                | Self::HealthyThenSick
        )
    }
}

/// When a sound container of the service serves, counted from its start.
fn ready_at(setting: &Setting) -> Offset {
    let Some(check) = &setting.spec.health else { return setting.sound.boot };
    let timings = CheckTimings::of(check, setting.engine);
    let course = crate::swarm_model::health_course(timings, &setting.sound, setting.hops.check);
    course.healthy.unwrap_or(setting.sound.boot)
}

/// The worst moment to become sick: right after the check that made it healthy.
fn sick_from(setting: &Setting) -> Offset {
    ready_at(setting) + Offset::from_millis(1)
}

/// Whether and when an update notices a kind of failure, if the whole new version fails like that.
#[derive(Debug, Clone, Serialize)]
pub struct Detection {
    /// The kind.
    pub kind: FailureKind,
    /// Whether Swarm acts: it pauses or rolls back.
    pub noticed: bool,
    /// When it acts, in seconds after the request.
    pub acts_after_s: Option<Offset>,
    /// Time from the start of the failure to its effect on the update: until the first failed task
    /// counts as failed.
    pub task_fails_after_s: Option<Offset>,
    /// The last state of the update.
    pub final_state: UpdateState,
    /// The slots that had a task of the new version.
    pub touched: u64,
    /// The fewest replicas that can answer.
    pub lowest_answering: u64,
    /// Whether Swarm then goes on to replace failed tasks, without a limit, because each fails too.
    pub churns: bool,
    /// Why it goes unnoticed.
    pub blind: Option<Blind>,
}

/// Why a failure goes unnoticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Blind {
    /// With `failure_action: continue` Swarm does not watch.
    NotWatched,
    /// Nothing checks it: the service has no health check, or the check passes.
    NotChecked,
    /// `monitor` ends before the task has failed.
    MonitorTooShort {
        /// The shortest `monitor`, in whole seconds, with which Swarm acts.
        needed_s: Offset,
    },
    /// `max_failure_ratio` tolerates as many failures as there are.
    Tolerated,
    /// The task never fails, so Swarm waits for ever.
    WaitsForEver,
}

/// Whether and when the update of a setting notices a kind of failure.
#[must_use]
pub fn detection(kind: FailureKind, setting: &Setting) -> Detection {
    let outcome = play(kind, setting);
    let noticed = outcome.trigger().is_some();
    Detection {
        kind,
        noticed,
        acts_after_s: outcome.trigger().map(|(at, _)| at),
        task_fails_after_s: failure_time(&outcome),
        final_state: outcome.final_state(),
        touched: outcome.touched.len() as u64,
        lowest_answering: outcome.lowest_answering(),
        churns: outcome.churns,
        blind: if noticed { None } else { why_blind(kind, setting, &outcome) },
    }
}

/// The detections of all kinds that say something about a service.
#[must_use]
pub fn detections(setting: &Setting) -> Vec<Detection> {
    let checked = setting.spec.health.is_some();
    FailureKind::ALL
        .into_iter()
        .filter(|kind| checked || !kind.needs_health_check())
        .map(|kind| detection(kind, setting))
        .collect()
}

fn play(kind: FailureKind, setting: &Setting) -> Outcome {
    simulate(&setting.input(setting.sound.clone(), kind.behaviour(setting)))
}

/// From the start of the first task that failed to its end.
fn failure_time(outcome: &Outcome) -> Option<Offset> {
    let of_new = |task: u32| outcome.tasks[task as usize].version == Which::New;
    let failed = outcome.steps.iter().find(|step| {
        of_new(step.task)
            && matches!(step.what, What::Ended(state) if state != crate::swarm::TaskState::Shutdown)
    })?;
    let started =
        outcome.steps.iter().find(|step| step.task == failed.task && step.what == What::Started)?;
    Some(failed.at - started.at)
}

/// The longest `monitor` that is tried to explain a blind spot.
const LONGEST_MONITOR: u32 = 3_600;

fn why_blind(kind: FailureKind, setting: &Setting, outcome: &Outcome) -> Option<Blind> {
    if kind == FailureKind::WrongButHealthy {
        return Some(Blind::NotChecked);
    }
    if outcome.end == End::Hangs {
        return Some(Blind::WaitsForEver);
    }
    if outcome.states.is_empty() {
        return None;
    }
    if setting.spec.update.failure_action == FailureAction::Continue {
        return Some(Blind::NotWatched);
    }
    let acts = |monitor: u32| {
        let mut longer = setting.clone();
        longer.spec.update.monitor = f64::from(monitor);
        play(kind, &longer).trigger().is_some()
    };
    if !acts(LONGEST_MONITOR) {
        let fails = failure_time(outcome).is_some();
        return Some(if fails { Blind::Tolerated } else { Blind::NotChecked });
    }
    // The shortest that is enough: a longer one always notices what a shorter one does.
    let (mut short, mut enough) = (0, LONGEST_MONITOR);
    while enough - short > 1 {
        let middle = short.midpoint(enough);
        if acts(middle) {
            enough = middle;
        } else {
            short = middle;
        }
    }
    Some(Blind::MonitorTooShort { needed_s: Offset::from_millis(i64::from(enough) * 1_000) })
}

impl Blind {
    /// In plain words.
    #[must_use]
    pub fn explain(self, setting: &Setting) -> String {
        let monitor = crate::wording::setting(setting.spec.update.monitor);
        match self {
            Self::NotWatched => "failure_action is continue: Swarm does not watch".to_owned(),
            Self::NotChecked => "no health check looks at that".to_owned(),
            Self::MonitorTooShort { needed_s } => format!(
                "monitor is {monitor}, and it takes {}",
                crate::wording::setting(needed_s.as_secs_f64())
            ),
            Self::Tolerated => format!(
                "max_failure_ratio {} tolerates that",
                setting.spec.update.max_failure_ratio
            ),
            Self::WaitsForEver => "Swarm waits for the task without a deadline".to_owned(),
        }
    }
}

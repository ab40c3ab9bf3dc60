//! How the processes of a version behave.

use serde::{Deserialize, Serialize};

use crate::Offset;

/// How the processes of one version behave: most of them in one way, some in others.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Behaviours {
    /// How a task behaves that no exception is about.
    pub usual: Behaviour,
    /// Tasks that behave differently; the first that fits counts.
    pub exceptions: Vec<Exception>,
}

impl From<Behaviour> for Behaviours {
    fn from(usual: Behaviour) -> Self {
        Self { usual, exceptions: Vec::new() }
    }
}

impl Behaviours {
    /// How the `nth` task of this version in `slot` behaves; both count from 1.
    #[must_use]
    pub fn of(&self, slot: u64, nth: u64, seed: u64) -> &Behaviour {
        self.exceptions
            .iter()
            .find(|exception| exception.concerns(slot, nth, seed))
            .map_or(&self.usual, |exception| &exception.behaviour)
    }
}

/// Tasks of a version that behave differently from the others.
#[derive(Debug, Clone, PartialEq)]
pub struct Exception {
    /// The slots it is about; empty for all.
    pub slots: Vec<u64>,
    /// The share of slots it is about, chosen at random from the seed; 1 for all.
    pub share: f64,
    /// It is only about the first tasks of this version in a slot; 0 for all of them.
    pub first_tasks: u64,
    /// How they behave.
    pub behaviour: Behaviour,
}

impl Exception {
    fn concerns(&self, slot: u64, nth: u64, seed: u64) -> bool {
        (self.slots.is_empty() || self.slots.contains(&slot))
            && (self.first_tasks == 0 || nth <= self.first_tasks)
            && (self.share >= 1.0 || share_of(seed, slot) < self.share)
    }
}

/// A number in `0..1` for a slot: the same for the same seed.
#[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
fn share_of(seed: u64, slot: u64) -> f64 {
    (mix(seed ^ mix(slot)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Spreads the bits of a number (`SplitMix64`, Steele, Lea and Flood 2014).
pub(super) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// How one process behaves. Times count from the start of its container.
#[derive(Debug, Clone, PartialEq)]
pub struct Behaviour {
    /// Pulling the image takes this long.
    pub pull: Offset,
    /// Whether a container can be made of it at all.
    pub start: StartResult,
    /// Health checks fail before this time and pass from then on.
    pub boot: Offset,
    /// What later changes about that: from each time on, checks have this result. In order.
    pub checks: Vec<(Offset, CheckResult)>,
    /// One check takes this long; absent for [`HopTimes::check`](super::HopTimes::check).
    pub check_time: Option<Offset>,
    /// The process ends by itself.
    pub exit: Option<Exit>,
    /// How it reacts to the stop signal.
    pub stop: StopReaction,
}

impl Default for Behaviour {
    /// A sound process that is ready at once and stops within 0.1 s.
    fn default() -> Self {
        Self {
            pull: Offset::ZERO,
            start: StartResult::Starts,
            boot: Offset::ZERO,
            checks: Vec::new(),
            check_time: None,
            exit: None,
            stop: StopReaction::default(),
        }
    }
}

impl Behaviour {
    /// A sound process: ready after `boot`, gone `stop` after its stop signal.
    #[must_use]
    pub fn sound(boot: Offset, stop: Offset) -> Self {
        let stop = StopReaction { time: Some(stop), ..StopReaction::default() };
        Self { boot, stop, ..Self::default() }
    }

    /// The same, but its health checks never pass.
    #[must_use]
    pub fn never_healthy(mut self) -> Self {
        self.checks = vec![(Offset::ZERO, CheckResult::Fail)];
        self
    }

    /// The same, but its health checks fail from `after` on.
    #[must_use]
    pub fn sick_after(mut self, after: Offset) -> Self {
        self.checks = vec![(after, CheckResult::Fail)];
        self
    }

    /// The same, but the process ends by itself.
    #[must_use]
    pub fn exits(mut self, after: Offset, code: i32) -> Self {
        self.exit = Some(Exit { after, code });
        self
    }

    /// What a health check that starts at `time` finds.
    #[must_use]
    pub fn check_at(&self, time: Offset) -> CheckResult {
        let changed = self.checks.iter().rev().find(|(from, _)| *from <= time);
        match changed {
            Some((_, result)) => *result,
            None if time < self.boot => CheckResult::Fail,
            None => CheckResult::Pass,
        }
    }

    /// When its program can answer, if it ever can, and when it no longer can.
    pub(super) fn able(&self) -> (Option<Offset>, Option<Offset>) {
        if self.checks.is_empty() {
            return (Some(self.boot), None);
        }
        let changes = || self.checks.iter().map(|(from, _)| *from);
        let mut times: Vec<Offset> = changes().chain([Offset::ZERO, self.boot]).collect();
        times.sort_unstable();
        let passes = |time: &Offset| self.check_at(*time) == CheckResult::Pass;
        let from = times.iter().copied().find(passes);
        let until = times
            .iter()
            .copied()
            .find(|time| from.is_some_and(|from| *time > from) && !passes(time));
        (from, until)
    }

    /// The next time after this at which the result of checks may change.
    pub(super) fn change_after(&self, time: Offset) -> Option<Offset> {
        let changes = self.checks.iter().map(|(from, _)| *from).chain([self.boot]);
        changes.filter(|from| *from > time).min()
    }
}

/// What a health check finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckResult {
    /// It passes.
    Pass,
    /// It fails.
    Fail,
    /// It does not answer before its timeout.
    Hang,
}

/// Whether a container can be made of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartResult {
    /// It starts.
    Starts,
    /// Its image is missing: the node rejects the task or, from 29.0 on, tries for ever.
    ImageMissing,
    /// The node rejects the task: a mount or network is missing.
    Rejected,
    /// The container is made, but its command cannot be run: the task fails.
    CommandMissing,
}

/// The end of a process that nobody stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// When.
    pub after: Offset,
    /// Its exit code.
    pub code: i32,
}

/// How a process reacts to its stop signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopReaction {
    /// It ends after this long; absent if it ignores the signal and has to be killed.
    pub time: Option<Offset>,
    /// Its exit code then.
    pub code: i32,
}

impl Default for StopReaction {
    fn default() -> Self {
        Self { time: Some(Offset::from_millis(100)), code: 0 }
    }
}

/// The exit code of a process that was killed: 128 + SIGKILL.
pub(super) const KILLED: i32 = 137;

impl StopReaction {
    /// When the process has ended after the signal, and its exit code.
    #[must_use]
    pub fn within(self, grace: Offset) -> (Offset, i32) {
        match self.time {
            Some(time) if time <= grace => (time, self.code),
            _ => (grace, KILLED),
        }
    }
}

//! Changes of tasks that can make requests fail, and what was measured just around them.

use serde::Serialize;

use super::cause::Nearest;
use super::other_services::OtherService;
use super::scene::Scene;
use super::tasks::{TaskLife, Tasks};
use crate::Offset;
use crate::record::{Outcome, Purpose, Run, Shot, StreamFacts};
use crate::stats::{Times, error_rate_upper_95};

/// One change of one task.
#[derive(Debug, Clone, Copy)]
pub(super) struct Transition<'a> {
    pub at: Offset,
    pub event: &'static str,
    /// Index of the task in [`Tasks::lives`].
    pub life: usize,
    pub task: &'a str,
    pub slot: u64,
}

impl<'a> Transition<'a> {
    /// All changes of these tasks from `from` on, in order.
    pub(super) fn all(tasks: &Tasks<'a>, from: Offset) -> Vec<Self> {
        let mut all: Vec<Self> = tasks
            .lives
            .iter()
            .enumerate()
            .flat_map(|(index, life)| Self::of(life, index))
            .filter(|transition| transition.at >= from)
            .collect();
        all.sort_by_key(|transition| transition.at);
        all
    }

    fn of(life: &TaskLife<'a>, index: usize) -> impl Iterator<Item = Self> + use<'a> {
        let (task, slot) = (life.last.task.as_str(), life.last.slot);
        let ended = if life.failed.is_some() { "failed" } else { "ended" };
        [
            ("started", life.started),
            ("running", life.running),
            ("told-to-stop", life.told_to_stop),
            ("stop-signal", life.signalled),
            (ended, life.ended),
        ]
        .into_iter()
        .filter_map(move |(event, at)| Some(Self { at: at?, event, life: index, task, slot }))
    }

    /// The one nearest to an instant, of those that `which` chooses.
    pub(super) fn nearest(
        all: &[Self],
        at: Offset,
        which: impl Fn(&Self) -> bool,
    ) -> Option<&Self> {
        let place = all.partition_point(|transition| transition.at <= at);
        let before = all[..place].iter().rev().find(|transition| which(transition));
        let after = all[place..].iter().find(|transition| which(transition));
        match (before, after) {
            (Some(before), Some(after)) if at - before.at > after.at - at => Some(after),
            (before, after) => before.or(after),
        }
    }

    /// As it stands in a report, seen from a request at that instant.
    pub(super) fn seen_from(&self, at: Offset) -> Nearest {
        Nearest {
            service: None,
            event: self.event,
            slot: self.slot,
            task: self.task.to_owned(),
            dt_s: at - self.at,
        }
    }
}

/// A window begins this long before a change of a task.
const BEFORE: Offset = Offset::from_millis(1_000);
/// A window ends this long after a change of a task.
const AFTER: Offset = Offset::from_millis(5_000);

/// What one stream measured from 1 s before to 5 s after each change of a task. Requests in
/// quiet times say little about an update, so this bound is the honest one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TransitionWindow {
    /// The stream.
    pub stream: String,
    /// How long all windows are together; what overlaps counts once.
    pub length_s: Offset,
    /// Requests sent in them.
    pub sent: u64,
    /// Requests in them that failed.
    pub failed: u64,
    /// 95 % upper bound of the error rate in them (Clopper–Pearson).
    pub error_rate_upper_95: f64,
}

impl TransitionWindow {
    /// One for each stream of the users and of the control.
    pub(super) fn all(run: &Run, scene: &Scene) -> Vec<Self> {
        // A proxy that is replaced and a node that goes away cost requests just as well.
        let others = OtherService::all(run, scene);
        let mut changes: Vec<Offset> = std::iter::once(&scene.tasks)
            .chain(others.iter().map(|other| &other.tasks))
            .flat_map(|tasks| Transition::all(tasks, scene.submitted_at()))
            .map(|transition| transition.at)
            .collect();
        changes.extend(scene.nodes.iter().map(|loss| loss.noticed_at));
        let windows = Times::of(
            changes
                .iter()
                .map(|at| (*at - BEFORE, *at + AFTER))
                .map(|(from, to)| (from.max(scene.started), to.min(scene.ended))),
        );
        let length_s = windows.length();
        let of_stream = |(facts, shots): &(StreamFacts, Vec<Shot>)| {
            let (mut sent, mut failed) = (0, 0);
            for shot in shots.iter().filter(|shot| windows.contain(shot.intended)) {
                sent += u64::from(shot.outcome != Outcome::Unsent);
                failed += u64::from(shot.outcome.is_failure());
            }
            Self {
                stream: facts.name.clone(),
                length_s,
                sent,
                failed,
                error_rate_upper_95: error_rate_upper_95(failed, sent),
            }
        };
        run.shots
            .iter()
            .filter(|(facts, _)| matches!(facts.purpose, Purpose::Users | Purpose::Control))
            .map(of_stream)
            .collect()
    }
}

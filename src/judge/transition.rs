//! Changes of tasks that can make requests fail.

use super::Nearest;
use super::task_life::TaskLife;
use super::tasks::Tasks;
use crate::Offset;

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
            event: self.event,
            slot: self.slot,
            task: self.task.to_owned(),
            dt_s: at - self.at,
        }
    }
}

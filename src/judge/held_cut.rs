//! Which task a held connection ended with.

use super::attribution::{Attribution, CLOSE, SLACK};
use super::cause::Cause;
use super::tasks::TaskLife;
use crate::Offset;
use crate::record::{HeldEnd, Outcome, Shot};

impl Attribution<'_> {
    /// Why a held connection ended, and the task that it is about, if the request failed for its
    /// end. `known` is the task that had it, as far as it named itself.
    pub(super) fn of_held(
        &self,
        shot: &Shot,
        known: Option<usize>,
        proxied: bool,
    ) -> Option<(Cause, Option<usize>)> {
        let end = shot.end?;
        match shot.outcome {
            Outcome::Cut => Some(self.cut_with(&end, known)),
            // Its user was told, and then found nobody.
            Outcome::Closed => Some(self.turned_away(shot, end.at, proxied)),
            _ => None,
        }
    }

    fn cut_with(&self, end: &HeldEnd, known: Option<usize>) -> (Cause, Option<usize>) {
        let lives = || self.lives.iter().enumerate();
        let distance = |life: &TaskLife| steps(life, end).min();
        let life = match known {
            // A program that stops may cut it at any time until its end.
            Some(known) => Some(known).filter(|known| stops(&self.lives[*known], end)),
            None => lives()
                .filter_map(|(index, life)| Some((distance(life)?, index)))
                .filter(|(distance, _)| *distance <= CLOSE)
                .min()
                .map(|(_, index)| index),
        };
        match life {
            Some(life) if self.lives[life].failed.is_some() => (Cause::ReplicaFailed, Some(life)),
            Some(life) => (Cause::HeldConnectionCut, Some(life)),
            None => (Cause::Unexplained, known),
        }
    }
}

/// How far the steps of a task's stop are from the end of a connection that was open then.
fn steps(life: &TaskLife, end: &HeldEnd) -> impl Iterator<Item = Offset> {
    let steps = [life.failed, life.signalled, life.killed, life.ended].into_iter().flatten();
    let end = *end;
    steps.filter(move |at| *at >= end.since).map(move |at| (end.at - at).abs())
}

/// Whether a task was stopping when a connection ended, or ended just then.
fn stops(life: &TaskLife, end: &HeldEnd) -> bool {
    let near = |at: Offset| (end.at - at).abs() <= CLOSE;
    let stopping = life.signalled.is_some_and(|at| at <= end.at + SLACK);
    stopping || [life.failed, life.killed, life.ended].into_iter().flatten().any(near)
}

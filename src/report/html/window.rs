//! The stretch of time that the timeline shows, and its axis.

use crate::Offset;
use crate::record::{EventKind, Purpose, Run, Shot};
use crate::wording::span;

/// Room before the first request and after the last sign of the run.
const ROOM: Offset = Offset::from_millis(500);
/// The most ticks on the axis.
const TICKS: i64 = 8;
/// Distances of ticks, in seconds.
const STEPS: [i64; 15] = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200];

/// The stretch of time that the timeline shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub from: Offset,
    pub to: Offset,
}

/// A label on the axis.
pub(super) struct Tick {
    pub at: i64,
    pub label: String,
}

impl Window {
    /// From the first request of users to the last sign of the run: what was deployed before is not
    /// under test.
    pub(super) fn of(run: &Run) -> Self {
        let users = run.shots.iter().filter(|(facts, _)| facts.purpose == Purpose::Users);
        let shots = || users.clone().flat_map(|(_, shots)| shots);
        let first_event = run.events.first().map(|event| event.at);
        let started = run.events.iter().find_map(|event| match event.kind {
            EventKind::ScenarioStarted { .. } => Some(event.at),
            _ => None,
        });
        let first = shots().map(|shot| shot.intended).min();
        let from = [first, started].into_iter().flatten().min().or(first_event).unwrap_or_default();
        let last_shot = shots().map(Shot::ended).max().unwrap_or(from);
        let after = run.events.iter().rev().find(|event| {
            matches!(event.kind, EventKind::ScenarioEnded { .. } | EventKind::Submitted { .. })
        });
        let last = after.map_or(last_shot, |event| event.at.max(last_shot));
        let to = if last > from {
            last
        } else {
            run.events.iter().map(|event| event.at).max().unwrap_or(from)
        };
        let from = from - ROOM;
        Self { from, to: (to + ROOM).max(from + Offset::from_millis(1_000)) }
    }

    /// Milliseconds of the run.
    pub(super) fn millis(at: Offset) -> i64 {
        at.as_nanos().div_euclid(1_000_000)
    }

    /// Where an instant is on the axis; what lies outside is at its end.
    pub(super) fn x(self, at: Offset) -> i64 {
        Self::millis(at.clamp(self.from, self.to))
    }

    pub(super) fn start(self) -> i64 {
        Self::millis(self.from)
    }

    /// Its length in milliseconds.
    pub(super) fn length(self) -> i64 {
        Self::millis(self.to) - Self::millis(self.from)
    }

    pub(super) fn contains(self, at: Offset) -> bool {
        at >= self.from && at <= self.to
    }

    /// Whether a stretch is long enough for a text in it.
    pub(super) fn has_room(self, from: Offset, to: Offset) -> bool {
        (self.x(to) - self.x(from)) * 25 >= self.length()
    }

    pub(super) fn ticks(self) -> Vec<Tick> {
        let length = self.length();
        let step = STEPS.into_iter().find(|step| length / (step * 1_000) <= TICKS);
        let step = step.unwrap_or(86_400) * 1_000;
        let first = self.start().div_euclid(step) + 1;
        let last = Self::millis(self.to).div_euclid(step);
        (first..=last)
            .map(|number| number * step)
            .map(|at| Tick { at, label: span(Offset::from_millis(at)) })
            .collect()
    }
}

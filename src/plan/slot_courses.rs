//! What each slot does over time.

use super::course::{Doing, SlotCourse, Span};
use crate::Offset;
use crate::swarm_model::{Outcome, What, Which};

/// Tasks of a slot in one state, by version.
#[derive(Debug, Clone, Default)]
struct Counts {
    serving: [u32; 2],
    starting: [u32; 2],
}

impl Counts {
    fn doing(&self) -> Doing {
        let [old, new] = self.serving.map(|count| count > 0);
        let [old_starts, new_starts] = self.starting.map(|count| count > 0);
        match (old, new) {
            (_, true) if old_starts => Doing::NewServesOldStarts,
            (_, true) => Doing::NewServes,
            (true, false) if new_starts => Doing::OldServesNewStarts,
            (true, false) => Doing::OldServes,
            (false, false) => Doing::NothingServes,
        }
    }
}

/// What a task is to its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    None,
    Starting,
    Serving,
}

/// What each slot does over time, from the request to the end of the simulation.
pub(super) fn slot_courses(outcome: &Outcome) -> Vec<SlotCourse> {
    let slots = outcome.tasks.iter().map(|task| task.slot).max().unwrap_or(0);
    let slots = usize::try_from(slots).unwrap_or(0);
    let mut counts = vec![Counts::default(); slots];
    let mut courses: Vec<SlotCourse> =
        (1..).take(slots).map(|slot| SlotCourse { slot, spans: Vec::new() }).collect();
    let mut parts = vec![Part::None; outcome.tasks.len()];
    for step in &outcome.steps {
        let part = match step.what {
            What::Wanted | What::HeldBack => Part::Starting,
            What::Running => Part::Serving,
            What::ToldToStop | What::Died | What::Ended(_) => Part::None,
            _ => continue,
        };
        let before = parts[step.task as usize];
        let ended = before == Part::None && part != Part::Starting;
        if before == part || ended {
            continue;
        }
        parts[step.task as usize] = part;
        let task = outcome.tasks[step.task as usize];
        let Some(slot) = usize::try_from(task.slot).ok().and_then(|slot| slot.checked_sub(1))
        else {
            continue;
        };
        let version = usize::from(task.version == Which::New);
        let counts = &mut counts[slot];
        count(counts, before, version, false);
        count(counts, part, version, true);
        change(&mut courses[slot].spans, step.at, counts.doing());
    }
    for course in &mut courses {
        if let Some(last) = course.spans.last_mut() {
            last.to_s = outcome.until;
        }
        course.spans.retain(|span| span.to_s > span.from_s);
        course.spans.dedup_by(|next, span| {
            let same = next.doing == span.doing;
            if same {
                span.to_s = next.to_s;
            }
            same
        });
    }
    courses
}

fn count(counts: &mut Counts, part: Part, version: usize, more: bool) {
    let count = match part {
        Part::None => return,
        Part::Starting => &mut counts.starting[version],
        Part::Serving => &mut counts.serving[version],
    };
    *count = if more { *count + 1 } else { count.saturating_sub(1) };
}

fn change(spans: &mut Vec<Span>, at: Offset, doing: Doing) {
    let at = at.max(Offset::ZERO);
    if let Some(last) = spans.last_mut() {
        last.to_s = at;
    }
    spans.push(Span { from_s: at, to_s: at, doing });
}

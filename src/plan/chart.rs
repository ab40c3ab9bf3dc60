//! A predicted update as a chart: a row for each slot, time from left to right.

use super::course::{Course, Doing, SlotCourse};
use crate::Offset;

/// The most rows of a chart.
const MOST_ROWS: usize = 16;

/// The width of the column of slots.
const LABEL: usize = 10;

impl Doing {
    /// Its sign in a chart.
    fn sign(self) -> char {
        match self {
            Self::OldServes => '=',
            Self::OldServesNewStarts => '+',
            Self::NewServes => '#',
            Self::NewServesOldStarts => '*',
            Self::NothingServes => '.',
        }
    }

    /// Which of several in one cell is shown: what matters most.
    fn weight(self) -> u8 {
        match self {
            Self::NothingServes => 4,
            Self::NewServesOldStarts => 3,
            Self::OldServesNewStarts => 2,
            Self::NewServes => 1,
            Self::OldServes => 0,
        }
    }
}

/// What the signs mean.
pub(super) const LEGEND: &str =
    "= old serves, + a new one starts; # new serves, * an old one starts; . none";

/// The rows of a chart of at most `width` characters. Slots that do the same share a row.
pub(super) fn chart(course: &Course, width: usize) -> Vec<String> {
    let end = shown_until(course);
    let cells = width.saturating_sub(LABEL).max(10);
    let mut rows: Vec<(Vec<u64>, String)> = Vec::new();
    for slot in &course.slots {
        let row = row(slot, end, cells);
        match rows.iter_mut().find(|(_, known)| *known == row) {
            Some((slots, _)) => slots.push(slot.slot),
            None => rows.push((vec![slot.slot], row)),
        }
    }
    let mut lines = vec![axis(end, cells)];
    let more = rows.len().saturating_sub(MOST_ROWS);
    lines.extend(
        rows.iter().take(MOST_ROWS).map(|(slots, row)| format!("  {:<8}{row}", ranges(slots))),
    );
    if more > 0 {
        lines.push(format!("  and {more} more rows"));
    }
    lines
}

/// How much time is shown: until everything has come to rest.
fn shown_until(course: &Course) -> Offset {
    let last_change = course
        .slots
        .iter()
        .filter_map(|slot| slot.spans.last().map(|span| span.from_s))
        .max()
        .unwrap_or_default();
    let end = course.finished_s.unwrap_or_default().max(last_change);
    // A little rest shows that it has come to rest.
    let end = Offset::from_nanos(end.as_nanos().saturating_add(end.as_nanos() / 20));
    end.max(Offset::from_millis(1_000))
}

fn row(slot: &SlotCourse, end: Offset, cells: usize) -> String {
    let cell = |index: usize| instant(end, index, cells);
    (0..cells)
        .map(|index| {
            let (from, to) = (cell(index), cell(index + 1));
            let spans = slot.spans.iter().filter(|span| span.from_s < to && span.to_s > from);
            let heaviest = spans.max_by_key(|span| span.doing.weight());
            let last = slot.spans.last().map(|span| span.doing);
            heaviest.map(|span| span.doing).or(last).map_or(' ', Doing::sign)
        })
        .collect()
}

/// The instant at the left edge of a cell.
fn instant(end: Offset, index: usize, cells: usize) -> Offset {
    let share = i128::from(end.as_nanos()) * i128::try_from(index).unwrap_or(0)
        / i128::try_from(cells).unwrap_or(1);
    Offset::from_nanos(i64::try_from(share).unwrap_or(i64::MAX))
}

/// The line with the times.
fn axis(end: Offset, cells: usize) -> String {
    const STEPS: [f64; 15] = [
        1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, 7_200.0,
        21_600.0, 86_400.0,
    ];
    let seconds = end.as_secs_f64();
    let step = STEPS.into_iter().find(|step| seconds / step <= 7.0).unwrap_or(seconds / 5.0);
    let mut line = format!("  {:<8}", "slot");
    let mut time = 0.0;
    while time < seconds {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a column of a terminal"
        )]
        let column = LABEL + (time / seconds * cells as f64).round() as usize;
        let label = crate::wording::span(Offset::from_secs_f64(time));
        if column + label.len() <= LABEL + cells && column >= line.len() {
            line = format!("{line:<column$}{label}");
        }
        time += step;
    }
    line
}

/// `1`, `1-3`, `2,5-7`, cut to the label's width.
fn ranges(slots: &[u64]) -> String {
    let mut parts: Vec<(u64, u64)> = Vec::new();
    for slot in slots {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == *slot => *last = *slot,
            _ => parts.push((*slot, *slot)),
        }
    }
    let words: Vec<String> = parts
        .iter()
        .map(|(from, to)| if from == to { from.to_string() } else { format!("{from}-{to}") })
        .collect();
    let text = words.join(",");
    if text.len() < LABEL - 2 { text } else { format!("{} slots", slots.len()) }
}

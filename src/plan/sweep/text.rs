//! A sweep as text for people.

use std::fmt::Write as _;

use super::plot::plot;
use super::{Row, Sweep};
use crate::Offset;
use crate::wording::{counted, length, wrap};

/// The width of the text, unless many settings are varied.
pub(super) const WIDTH: usize = 80;

/// Rows of a table that are shown without being asked for.
const MOST_ROWS: usize = 40;

/// The table, the plot of the best rows, and which of them to choose. A long table has only the
/// best rows unless `every` asks for all.
#[must_use]
pub fn sweep_text(sweep: &Sweep, every: bool) -> String {
    let mut text = String::new();
    let title = format!(
        "{}: {}; {}, each played with a good update and a broken one ({})",
        sweep.service,
        counted(sweep.replicas, "replica"),
        counted(sweep.rows.len() as u64, "combination"),
        sweep.broken
    );
    paragraph(&mut text, &title);
    text.push('\n');
    table(&mut text, sweep, every || sweep.rows.len() <= MOST_ROWS);
    paragraph(
        &mut text,
        "* none is better in one of the four without being worse in another; update: how long a \
         good one takes; recovers: from the request for a bad one until every old replica serves \
         again; lowest: replicas that can answer; unnoticed: kinds of failure",
    );
    text.push('\n');
    for line in plot(&sweep.rows) {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    best(&mut text, sweep);
    text
}

fn paragraph(text: &mut String, words: &str) {
    for line in wrap(words, WIDTH, usize::MAX) {
        text.push_str(&line);
        text.push('\n');
    }
}

fn table(text: &mut String, sweep: &Sweep, all: bool) {
    let figures = ["update", "recovers", "lowest", "unnoticed"];
    let head = [""].iter().chain(&sweep.varied).chain(&figures).map(ToString::to_string);
    let mut lines: Vec<Vec<String>> = vec![head.collect(), cells(&sweep.current)];
    let shown = sweep.rows.iter().filter(|row| all || row.pareto);
    lines.extend(shown.map(cells));
    aligned(text, &lines);
    if !all {
        let hidden = sweep.rows.iter().filter(|row| !row.pareto).count() as u64;
        let _ = writeln!(text, "and {} that others beat: -v shows all", counted(hidden, "row"));
    }
}

/// Writes lines of cells with their columns below each other.
pub(super) fn aligned(text: &mut String, lines: &[Vec<String>]) {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| {
        lines.iter().filter_map(|line| Some(line.get(column)?.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for line in lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let row = cells.collect::<Vec<_>>().join("  ");
        let _ = writeln!(text, "{}", row.trim_end());
    }
}

/// A time, or what there is instead.
pub(super) fn after(at: Option<Offset>, never: &str) -> String {
    at.map_or_else(|| never.to_owned(), length)
}

fn cells(row: &Row) -> Vec<String> {
    let number = match row.number {
        0 => "now".to_owned(),
        number => format!("{} {number:>3}", if row.pareto { '*' } else { ' ' }),
    };
    let figures = [
        after(row.good_s, "fails"),
        after(row.recovers_s, "never"),
        format!("{}/{}", row.lowest, row.replicas),
        row.undetected.len().to_string(),
    ];
    [number].into_iter().chain(row.values.iter().cloned()).chain(figures).collect()
}

fn best(text: &mut String, sweep: &Sweep) {
    text.push('\n');
    let Some(row) = sweep.best.and_then(|number| sweep.row(number)) else {
        paragraph(text, "No good update completes: see `rollproof plan` for the reason");
        return;
    };
    let settings: Vec<String> = sweep
        .varied
        .iter()
        .zip(&row.values)
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mut words = format!(
        "Row {} loses least capacity, then leaves the fewest kinds of failure unnoticed, and then \
         takes the least time for a good update and a recovery together: {}",
        row.number,
        settings.join(" ")
    );
    let kinds: Vec<&str> = row.undetected.iter().map(|kind| kind.as_str()).collect();
    if !kinds.is_empty() {
        let _ = write!(words, ". Swarm does not notice: {}", kinds.join("; "));
    }
    paragraph(text, &words);
}

//! The rows of a sweep as points: time for a good update against time to recover from a bad one.

use super::Row;
use crate::Offset;
use crate::wording::length;

/// The size of the plot, in cells.
const WIDTH: usize = 60;
const HEIGHT: usize = 10;

/// The width of the numbers at the left.
const LABEL: usize = 9;

/// A row in the plot.
struct Point {
    column: usize,
    line: usize,
    label: Option<usize>,
}

/// The lines of the plot: a row's number for those that none beats, a dot for the others. Rows that
/// never recover are in a line of their own above; those whose good update does not complete are left out.
pub(super) fn plot(rows: &[Row]) -> Vec<String> {
    let shown: Vec<(&Row, Offset)> =
        rows.iter().filter_map(|row| Some((row, row.good_s?))).collect();
    if shown.is_empty() {
        return Vec::new();
    }
    let across = Scale::of(shown.iter().map(|(_, good)| *good), WIDTH);
    let up = Scale::of(shown.iter().filter_map(|(row, _)| row.recovers_s), HEIGHT);
    let place = |(row, good): &(&Row, Offset)| Point {
        column: across.cell(*good),
        line: row.recovers_s.map_or(HEIGHT, |time| up.cell(time)),
        label: row.pareto.then_some(row.number),
    };
    let points: Vec<Point> = shown.iter().map(place).collect();
    let mut lines = vec![format!("{:>LABEL$}", "recovers")];
    let recover = shown.iter().any(|(row, _)| row.recovers_s.is_some());
    if shown.iter().any(|(row, _)| row.recovers_s.is_none()) {
        lines.push(format!("{:>LABEL$} |{}", "never", cells(&points, HEIGHT)));
    }
    for line in (0..HEIGHT).rev().filter(|_| recover) {
        let label = match line {
            0 => length(up.from),
            _ if line == HEIGHT - 1 && up.to > up.from => length(up.to),
            _ => String::new(),
        };
        lines.push(format!("{label:>LABEL$} |{}", cells(&points, line)));
    }
    lines.push(format!("{:>LABEL$} +{}", "", "-".repeat(WIDTH)));
    let from = length(across.from);
    let to = if across.to > across.from { length(across.to) } else { String::new() };
    let gap = WIDTH.saturating_sub(from.chars().count());
    lines.push(format!("{:LABEL$}  {from}{to:>gap$}", ""));
    lines.push(format!("{:LABEL$}  {:>WIDTH$}", "", "update"));
    lines
}

/// One line of the plot. Numbers that would overlap are joined: `3+` stands for 3 and others.
fn cells(points: &[Point], line: usize) -> String {
    let mut labels: Vec<(usize, String)> = Vec::new();
    let mut marked: Vec<(usize, usize)> = points
        .iter()
        .filter(|point| point.line == line)
        .filter_map(|point| Some((point.column, point.label?)))
        .collect();
    marked.sort_unstable();
    for (column, number) in marked {
        match labels.last_mut() {
            Some((start, text)) if *start + text.len() >= column => {
                if !text.ends_with('+') {
                    text.push('+');
                }
            }
            _ => labels.push((column, number.to_string())),
        }
    }
    let mut row = vec![' '; WIDTH + 4];
    for point in points.iter().filter(|point| point.line == line) {
        row[point.column] = '.';
    }
    for (column, text) in labels {
        for (cell, sign) in row[column..].iter_mut().zip(text.chars()) {
            *cell = sign;
        }
    }
    row.into_iter().collect::<String>().trim_end().to_owned()
}

/// A range of times, in cells.
struct Scale {
    from: Offset,
    to: Offset,
    cells: usize,
}

impl Scale {
    fn of(times: impl Iterator<Item = Offset> + Clone, cells: usize) -> Self {
        let (from, to) = (times.clone().min(), times.max());
        Self { from: from.unwrap_or_default(), to: to.unwrap_or_default(), cells }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a cell of the plot"
    )]
    fn cell(&self, time: Offset) -> usize {
        let range = (self.to - self.from).as_secs_f64();
        if range <= 0.0 {
            return 0;
        }
        let share = (time - self.from).as_secs_f64() / range;
        (share * (self.cells - 1) as f64).round() as usize
    }
}

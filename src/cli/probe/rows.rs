//! Lines of a label and a value.

use crate::wording::wrap;

/// Columns of the summary.
pub(super) const WIDTH: usize = 80;
/// Columns before the values: a label and its margins.
pub(super) const LABEL: usize = 15;

/// A label and its value, in at most two lines.
pub(super) fn row(lines: &mut Vec<String>, label: &str, value: &str) {
    rows(lines, label, &wrap(value, WIDTH - LABEL, 2));
}

/// A label and the lines of its value.
pub(super) fn rows(lines: &mut Vec<String>, label: &str, values: &[String]) {
    for (number, line) in values.iter().enumerate() {
        let label = if number == 0 { label } else { "" };
        lines.push(labelled(label, line));
    }
}

pub(super) fn labelled(label: &str, value: &str) -> String {
    format!("  {label:<width$}{value}", width = LABEL - 2)
}

//! A place in a user's file, as text.

use std::fmt::Write as _;

use super::clean;
use crate::Place;

/// The longest part of a user's line that is shown around the caret, in characters.
const SHOWN: usize = 120;

/// The place, its line and a caret under the column, in the manner of rustc. `frame` paints what
/// stands around the line, `caret` the caret.
#[must_use]
pub fn excerpt(
    place: &Place,
    frame: &dyn Fn(&str) -> String,
    caret: &dyn Fn(&str) -> String,
) -> String {
    let mut text = String::new();
    let number = place.line.to_string();
    let margin = number.len();
    let named = clean(&place.to_string()).into_owned();
    _ = writeln!(text, "{:margin$}{} {named}", "", frame("-->"));
    if place.text.trim().is_empty() {
        return text;
    }
    let bar = frame("|");
    let (shown, before) = window(&place.text, place.column);
    _ = writeln!(text, "{:margin$} {bar}", "");
    _ = writeln!(text, "{} {bar} {shown}", frame(&number));
    _ = writeln!(text, "{:margin$} {bar} {:before$}{}", "", "", caret("^"));
    text
}

/// The part of `line` around `column` (from 1, in characters), and how many terminal cells
/// of it stand before the column.
fn window(line: &str, column: usize) -> (String, usize) {
    let chars: Vec<char> = line.chars().collect();
    // A column past the end points behind the last character: "something is missing here".
    let caret = column.saturating_sub(1).min(chars.len());
    let start = if chars.len() <= SHOWN { 0 } else { caret.saturating_sub(SHOWN / 2) };
    let end = chars.len().min(start + SHOWN);
    let part = |range: &[char]| -> String {
        let text: String = range.iter().collect();
        clean(&text.replace('\t', "    ")).into_owned()
    };
    let mut shown = part(&chars[start..end]);
    let mut before = console::measure_text_width(&part(&chars[start..caret]));
    if start > 0 {
        shown.insert(0, '…');
        before += 1;
    }
    if end < chars.len() {
        shown.push('…');
    }
    (shown, before)
}

//! Lines of a label and wrapped text.

use std::fmt::Write as _;

/// The greatest width of a line, in characters.
pub(super) const WIDTH: usize = 100;
/// Where the text begins.
const INDENT: usize = 14;

/// Appends a label and its text, wrapped at [`WIDTH`] with the text in one column. `label` is
/// what is shown, `plain` the same without colours.
pub(super) fn row(out: &mut String, label: &str, plain: &str, text: &str) {
    let pad = INDENT.saturating_sub(2 + plain.chars().count()).max(1);
    let first = 2 + plain.chars().count() + pad;
    let lines = wrap(text, WIDTH - first.max(INDENT));
    for (index, line) in lines.iter().enumerate() {
        let _ = if index == 0 {
            writeln!(out, "  {label}{:pad$}{line}", "")
        } else {
            writeln!(out, "{:INDENT$}{line}", "")
        };
    }
}

/// Appends a text below a row, in the same column.
pub(super) fn more(out: &mut String, text: &str) {
    for line in wrap(text, WIDTH - INDENT) {
        let _ = writeln!(out, "{:INDENT$}{line}", "");
    }
}

/// Appends sentences, each with a dash before it.
pub(super) fn reasons(out: &mut String, reasons: &[String]) {
    for reason in reasons {
        for (index, line) in wrap(reason, WIDTH - 4).into_iter().enumerate() {
            let _ = writeln!(out, "{}{line}", if index == 0 { "  - " } else { "    " });
        }
    }
}

/// Breaks a text at spaces, but not between a number and its unit; a word that is longer than a
/// line is broken too, so that no line is ever wider.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in words(text) {
        let mut word: Vec<char> = word.chars().collect();
        if used > 0 && used + 1 + word.len() > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        while word.len() > width {
            let rest = word.split_off(width);
            lines.push(word.into_iter().collect());
            word = rest;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        used += word.len();
        line.extend(word);
    }
    if used > 0 || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// The words of a text, a number with its unit being one.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let is_unit = matches!(word.trim_end_matches([',', ';', '.', ')']), "s" | "ms" | "%");
        match words.last_mut() {
            Some(last) if is_unit && last.ends_with(|c: char| c.is_ascii_digit()) => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_stands_in_one_column() {
        let mut out = String::new();
        row(&mut out, "why", "why", &"word ".repeat(30));
        let lines: Vec<&str> = out.lines().collect();
        assert!(lines[0].starts_with("  why         word"), "{out}");
        assert!(lines[1].starts_with("              word"), "{out}");
    }

    #[test]
    fn a_number_keeps_its_unit() {
        assert_eq!(wrap("after 12.5 s, p99", 10), ["after", "12.5 s,", "p99"]);
    }

    proptest! {
        #[test]
        fn no_line_is_too_wide_and_no_word_is_lost(text in "[a-zé ]{0,300}", width in 1_usize..60) {
            let lines = wrap(&text, width);
            prop_assert!(lines.iter().all(|line| line.chars().count() <= width));
            let letters = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }
}

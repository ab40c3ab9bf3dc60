//! How an error looks. This is the one place where errors become text.

use std::error::Error as StdError;
use std::fmt::Write as _;

use super::mode::{BAD, FRAME, NOTE, Palette};
use crate::error::Error;
use crate::stack::Warning;
use crate::wording::{clean, excerpt};

/// The error as the user sees it, in the manner of cargo and rustc: the message, its causes,
/// the place in the user's file with a caret, and the hints. Ends with a line break.
///
/// An [`Error`] among the causes adds its place and its hints: whoever wrapped it need not
/// copy them. Errors that were found at the same time follow, each after an empty line.
#[must_use]
pub fn render_error(error: &Error, colour: bool) -> String {
    let texts: Vec<String> = error.all().map(|error| render_one(error, colour)).collect();
    texts.join("\n")
}

/// A warning about a stack file, in the same form.
#[must_use]
pub fn render_warning(warning: &Warning, colour: bool) -> String {
    let palette = Palette { colour };
    let mut text = String::new();
    entry(&mut text, &palette.paint(NOTE.bold(), "warning"), &warning.message, 9);
    if let Some(place) = &warning.place {
        text.push_str(&excerpt(place, &|text| palette.paint(FRAME, text), &|text| {
            palette.paint(NOTE.bold(), text)
        }));
    }
    if let Some(hint) = &warning.hint {
        entry(&mut text, &format!("  {}", palette.paint(NOTE, "hint")), hint, 8);
    }
    text
}

fn render_one(error: &Error, colour: bool) -> String {
    let palette = Palette { colour };
    let mut text = String::new();
    let mut place = error.place();
    let mut hints: Vec<&str> = error.hints().iter().map(String::as_str).collect();
    entry(&mut text, &palette.paint(BAD.bold(), "error"), error.message(), 7);

    let mut printed = error.message().to_owned();
    let mut next = error.source();
    while let Some(cause) = next {
        let message = cause.to_string();
        // Many libraries repeat the cause in their own message; once is enough.
        if !message.is_empty() && !printed.contains(&message) {
            entry(&mut text, &format!("  {}", palette.paint(FRAME, "cause")), &message, 9);
            printed = message;
        }
        if let Some(inner) = cause.downcast_ref::<Error>() {
            place = place.or(inner.place());
            for hint in inner.hints() {
                if !hints.contains(&hint.as_str()) {
                    hints.push(hint);
                }
            }
        }
        next = cause.source();
    }
    if let Some(place) = place {
        text.push_str(&excerpt(place, &|text| palette.paint(FRAME, text), &|text| {
            palette.paint(BAD.bold(), text)
        }));
    }
    for hint in hints {
        entry(&mut text, &format!("  {}", palette.paint(NOTE, "hint")), hint, 8);
    }
    text
}

/// `label: message`, with later lines of the message below its first one.
fn entry(text: &mut String, label: &str, message: &str, indent: usize) {
    let mut lines = message.trim_end().lines();
    let first = lines.next().unwrap_or_default();
    _ = writeln!(text, "{label}: {}", clean(first));
    for line in lines {
        _ = writeln!(text, "{:indent$}{}", "", clean(line));
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::Place;

    fn place(column: usize, text: &str) -> Place {
        Place { file: "stack.yml".into(), line: 12, column, text: text.into() }
    }

    #[test]
    fn all_parts_in_order() {
        let error = Error::stack("service `app`: `replicas` is not a number")
            .caused_by(io::Error::other("invalid digit found in string"))
            .at(place(17, "      replicas: six"))
            .hint("write `replicas: 6`");
        assert_eq!(
            render_error(&error, false),
            "\
error: service `app`: `replicas` is not a number
  cause: invalid digit found in string
  --> stack.yml:12:17
   |
12 |       replicas: six
   |                 ^
  hint: write `replicas: 6`
"
        );
    }

    #[test]
    fn a_message_alone_is_one_line() {
        assert_eq!(render_error(&Error::usage("no such stack"), false), "error: no such stack\n");
    }

    #[test]
    fn causes_of_causes_are_told_once() {
        let low = Error::environment("connection refused").hint("start the engine");
        let middle = Error::environment("cannot reach the engine: connection refused")
            .caused_by(low)
            .hint("start the engine");
        let top = Error::environment("failed to deploy").caused_by(middle).hint("try again");
        assert_eq!(
            render_error(&top, false),
            "error: failed to deploy\n  \
             cause: cannot reach the engine: connection refused\n  \
             hint: try again\n  hint: start the engine\n"
        );
    }

    #[test]
    fn the_place_of_a_cause_is_shown() {
        let inner = Error::stack("not a mapping").at(place(1, "- a"));
        let text = render_error(&Error::stack("cannot read the stack").caused_by(inner), false);
        assert!(text.contains("12 | - a\n   | ^\n"), "{text}");
    }

    #[test]
    fn several_lines_are_indented() {
        let error = Error::environment("build failed").caused_by(io::Error::other("one\ntwo\n"));
        assert_eq!(
            render_error(&error, false),
            "error: build failed\n  cause: one\n         two\n"
        );
    }

    #[test]
    fn the_caret_stands_under_its_column() {
        for (column, text, shown, caret) in [
            (1, "a: b", "12 | a: b", "   | ^"),
            (5, "a: b", "12 | a: b", "   |     ^"),
            (99, "a: b", "12 | a: b", "   |     ^"),
            (0, "a: b", "12 | a: b", "   | ^"),
            (2, "\tx", "12 |     x", "   |     ^"),
            (4, "日本: x", "12 | 日本: x", "   |      ^"),
        ] {
            let rendered = render_error(&Error::stack("m").at(place(column, text)), false);
            let lines: Vec<&str> = rendered.lines().collect();
            assert_eq!((lines[3], lines[4]), (shown, caret), "column {column} of {text:?}");
        }
    }

    #[test]
    fn a_very_long_line_is_cut_around_the_caret() {
        let line = format!("{}X{}", "a".repeat(500), "b".repeat(500));
        let rendered = render_error(&Error::stack("m").at(place(501, &line)), false);
        let lines: Vec<&str> = rendered.lines().collect();
        let caret = lines[4].chars().position(|c| c == '^').unwrap();
        assert_eq!(lines[3].chars().nth(caret), Some('X'));
        assert!(lines[3].chars().count() < 140 && lines[3].ends_with('…'));
    }

    #[test]
    fn an_empty_line_has_no_excerpt() {
        let rendered = render_error(&Error::stack("is empty").at(place(1, "")), false);
        assert_eq!(rendered, "error: is empty\n  --> stack.yml:12:1\n");
    }

    #[test]
    fn foreign_escapes_do_not_reach_the_terminal() {
        let error = Error::stack("bad \u{1b}[2Jname").at(place(1, "\u{1b}]0;x\u{7}"));
        assert!(!render_error(&error, false).contains(['\u{1b}', '\u{7}']));
    }

    #[test]
    fn colour_adds_escapes_and_nothing_else() {
        let error = Error::stack("m").at(place(2, "a: b")).hint("h");
        let coloured = render_error(&error, true);
        assert!(coloured.contains('\u{1b}'));
        assert_eq!(console::strip_ansi_codes(&coloured), render_error(&error, false));
    }
}

//! How times, numbers, lists and other people's text are worded.

use std::borrow::Cow;

use console::{measure_text_width, truncate_str};

use crate::Offset;

/// Text that came from elsewhere (an engine, a file, a container), made safe to print: control
/// characters, which could move the cursor or retitle the window, become spaces.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) {
        Cow::Owned(text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// A length of time in as few characters as say it: `0.4s`, `12s`, `1m 05s`, `2h 00m`.
pub(super) fn span(length: Offset) -> String {
    let length = length.to_duration();
    let (secs, tenths) = (length.as_secs(), length.subsec_millis() / 100);
    match secs {
        0..10 if tenths == 0 => format!("{secs}s"),
        0..10 => format!("{secs}.{tenths}s"),
        10..60 => format!("{secs}s"),
        60..3600 => format!("{}m {:02}s", secs / 60, secs % 60),
        _ => format!("{}h {:02}m", secs / 3600, secs / 60 % 60),
    }
}

/// A setting of the stack file, in seconds, as one would write it: `5 s`, `0.5 s`.
pub(super) fn setting(seconds: f64) -> String {
    format!("{} s", (seconds * 1000.0).round() / 1000.0)
}

/// A length of time that was measured: `0.8 ms`, `12 ms`, `1.24 s`.
pub(super) fn precise(length: Offset) -> String {
    let millis = length.as_secs_f64() * 1e3;
    if millis < 9.95 {
        format!("{millis:.1} ms")
    } else if millis < 999.5 {
        format!("{millis:.0} ms")
    } else {
        format!("{:.2} s", millis / 1e3)
    }
}

/// A count with its thousands apart: `12,345`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

/// A task's id as `docker service ps` shortens it.
pub(super) fn short_id(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// `text` in lines of at most `width` cells, broken between words, and at most `most` of them;
/// what does not fit is left out with an ellipsis.
pub(super) fn wrap(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if lines.len() + 1 >= most {
            lines.push(cut(rest, width));
            break;
        }
        let mut end = 0;
        for (space, _) in rest.match_indices(' ').chain([(rest.len(), "")]) {
            if end > 0 && measure_text_width(&rest[..space]) > width {
                break;
            }
            end = space;
        }
        lines.push(cut(&rest[..end], width));
        rest = rest[end..].trim_start();
    }
    lines
}

/// `text` in at most `width` cells, with an ellipsis for what is left out.
pub(super) fn cut(text: &str, width: usize) -> String {
    truncate_str(text, width, "…").into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (millis, text) in [
            (0, "0s"),
            (449, "0.4s"),
            (9_999, "9.9s"),
            (10_000, "10s"),
            (59_999, "59s"),
            (65_000, "1m 05s"),
            (7_260_000, "2h 01m"),
            (-5, "0s"),
        ] {
            assert_eq!(span(Offset::from_millis(millis)), text);
        }
    }

    #[test]
    fn numbers() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(setting(5.0), "5 s");
        assert_eq!(setting(0.5), "0.5 s");
        assert_eq!(precise(Offset::from_nanos(812_000)), "0.8 ms");
        assert_eq!(precise(Offset::from_millis(12)), "12 ms");
        assert_eq!(precise(Offset::from_millis(1_240)), "1.24 s");
    }

    #[test]
    fn lists() {
        let items: Vec<String> = ["1", "2", "3"].map(String::from).to_vec();
        assert_eq!(list(&items[..0]), "");
        assert_eq!(list(&items[..1]), "1");
        assert_eq!(list(&items[..2]), "1 and 2");
        assert_eq!(list(&items), "1, 2 and 3");
    }

    #[test]
    fn wrapping() {
        assert_eq!(wrap("", 10, 3), Vec::<String>::new());
        assert_eq!(wrap("one two three", 9, 3), ["one two", "three"]);
        assert_eq!(wrap("one two three", 13, 3), ["one two three"]);
        assert_eq!(wrap("one two three four", 9, 2), ["one two", "three fo…"]);
        assert_eq!(wrap("unbreakable word", 6, 3), ["unbre…", "word"]);
        assert_eq!(wrap("日本 日本", 5, 3), ["日本", "日本"]);
    }

    #[test]
    fn other_peoples_text_cannot_drive_the_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\r\n"), "a [2Jb  ");
        assert!(matches!(clean("plain → text"), Cow::Borrowed(_)));
    }
}

//! Lists, lines and text that came from elsewhere.

use std::borrow::Cow;

use console::{measure_text_width, truncate_str};

/// Text that came from elsewhere (an engine, a file, a container), made safe to print: control
/// characters, which could move the cursor or retitle the window, become spaces, and so do those
/// that turn the direction of text around, and what XML and terminals have no character for.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.contains(is_unsafe) {
        Cow::Owned(text.chars().map(|c| if is_unsafe(c) { ' ' } else { c }).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// The same for a text of several lines, which it keeps.
#[must_use]
pub fn clean_lines(text: &str) -> Cow<'_, str> {
    if text.contains(|c| is_unsafe(c) && c != '\n') {
        Cow::Owned(text.lines().map(clean).collect::<Vec<_>>().join("\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Control characters, directional formatting characters (UAX #9) and noncharacters.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(u32::from(c) & 0xffff, 0xfffe | 0xffff)
        || matches!(c, '\u{fdd0}'..='\u{fdef}')
}

/// `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn list<S: AsRef<str>>(items: &[S]) -> String {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    match &items[..] {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

/// A task's or container's id as `docker ps` shortens it.
#[must_use]
pub fn short_id(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// `text` in lines of at most `width` cells, and at most `most` of them: broken at spaces, but
/// not between a number and its unit. What does not fit is left out with an ellipsis.
#[must_use]
pub fn wrap(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in words(text) {
        let joined = if line.is_empty() { word.clone() } else { format!("{line} {word}") };
        if line.is_empty() || measure_text_width(&joined) <= width || lines.len() + 1 >= most {
            line = joined;
            continue;
        }
        lines.push(cut(&line, width));
        line = word;
    }
    if !line.is_empty() {
        lines.push(cut(&line, width));
    }
    lines
}

/// `text` in at most `width` cells, with an ellipsis for what is left out.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    truncate_str(text, width, "…").into_owned()
}

/// The words of a text; a number and its unit are one.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let is_unit = matches!(word.trim_end_matches([',', ';', '.', ')', ':']), "s" | "ms" | "%");
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
    use super::*;

    #[test]
    fn text_from_elsewhere_cannot_move_the_cursor() {
        assert_eq!(clean("a\x1b[2Jb\nc"), "a [2Jb c");
        assert_eq!(clean("plain ünïcode"), "plain ünïcode");
        assert_eq!(clean("a\u{202e}b\u{ffff}c"), "a b c");
        assert_eq!(clean_lines("a\x07b\r\nc"), "a b\nc");
    }

    #[test]
    fn lines_break_between_words_but_not_before_a_unit() {
        assert_eq!(
            wrap("it took 12 ms, then 4 s more", 12, 9),
            ["it took", "12 ms, then", "4 s more"]
        );
        assert_eq!(wrap("one two three four", 8, 2), ["one two", "three f…"]);
        assert_eq!(wrap("", 8, 2), Vec::<String>::new());
    }

    #[test]
    fn lists_read_like_sentences() {
        assert_eq!(list::<&str>(&[]), "");
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
    }
}

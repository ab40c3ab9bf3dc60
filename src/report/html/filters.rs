//! What the template does with a sentence before it prints it.

#![expect(clippy::inline_always, clippy::unused_self, reason = "`filter_fn` writes such a method")]

use std::fmt::Display;

use askama::filters::{Html, Safe, escape};
use askama::{Result, Values};

/// A sentence as HTML: escaped, what stands between backticks as code, and a number never parted from
/// its unit at the end of a line.
///
/// # Errors
/// Those of the value's own `Display`.
#[askama::filter_fn]
pub fn prose(value: impl Display, _: &dyn Values) -> Result<Safe<String>> {
    let escaped = escape(value, Html)?.to_string();
    let mut html = String::with_capacity(escaped.len());
    let mut parts = escaped.split('`').peekable();
    let mut code = false;
    while let Some(part) = parts.next() {
        // A backtick without a partner is only a backtick.
        if code && parts.peek().is_none() {
            html.push('`');
            html.push_str(&with_units(part));
        } else if code {
            html.push_str("<code>");
            html.push_str(part);
            html.push_str("</code>");
        } else {
            html.push_str(&with_units(part));
        }
        code = !code;
    }
    Ok(Safe(html))
}

/// The text with a no-break space between a number and its unit.
fn with_units(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut words = text.split(' ').peekable();
    while let Some(word) = words.next() {
        joined.push_str(word);
        if let Some(next) = words.peek() {
            let number = word.ends_with(|last: char| last.is_ascii_digit());
            let unit = next.trim_end_matches(|last: char| ".,;:)".contains(last));
            let parted = number && ["ms", "s", "%"].contains(&unit);
            joined.push(if parted { '\u{a0}' } else { ' ' });
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::prose;

    fn html(text: &str) -> String {
        prose::default().execute(text, askama::NO_VALUES).unwrap().to_string()
    }

    #[test]
    fn backticks_become_code_and_nothing_else_becomes_markup() {
        assert_eq!(html("make the `healthcheck` ask"), "make the <code>healthcheck</code> ask");
        assert_eq!(html("one ` alone"), "one ` alone");
        assert_eq!(html("`a` and ` b"), "<code>a</code> and ` b");
        let hostile = html("`<script>` & <b>");
        assert!(!hostile.contains("<script>") && !hostile.contains("<b>"), "{hostile}");
    }

    #[test]
    fn a_number_keeps_its_unit() {
        assert_eq!(html("outage 12.8 s, of 30 requests"), "outage 12.8\u{a0}s, of 30 requests");
        assert_eq!(html("(27.8 s)"), "(27.8\u{a0}s)");
    }
}

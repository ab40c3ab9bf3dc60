//! Plain texts in flow collections, where yaml.v3 and YAML 1.2 disagree about `?` and `:`.

use std::borrow::Cow;

/// What yaml.v3 reads of a plain text in a flow collection, `after` which the source goes on;
/// nothing if it refuses it. It ends a text at any question mark, which begins a key, takes a
/// colon at the start for the sign of a value, and one at the end for a part of the text.
pub(super) fn read<'t>(text: Cow<'t, str>, after: &str, key: bool) -> Option<Cow<'t, str>> {
    if text.starts_with(':') {
        return None;
    }
    let text = match text.strip_prefix('?') {
        Some(rest) if key => Cow::Owned(rest.trim().to_owned()),
        _ => text,
    };
    if text.contains('?') {
        return None;
    }
    let mut after = after.chars();
    match (after.next(), after.next()) {
        (Some(':'), Some(',' | '}' | ']')) => Some(Cow::Owned(format!("{text}:"))),
        (Some(':'), Some('{' | '[')) => None,
        _ => Some(text),
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn texts() {
        for (text, after, key, expected) in [
            ("a", ", b]", false, Some("a")),
            ("a", ": b}", true, Some("a")),
            ("a", ":}", true, Some("a:")),
            ("a", ":[b]}", true, None),
            ("?a", ": b}", true, Some("a")),
            ("?a", "]", false, None),
            ("a?b", "]", false, None),
            (":a", "]", false, None),
        ] {
            assert_eq!(read(text.into(), after, key).as_deref(), expected, "{text}{after}");
        }
    }
}

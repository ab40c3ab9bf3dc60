//! One string with variables. The grammar, which ignores case:
//! `$$ | $name[op] | ${name[op]}` with `name = [_a-z][_a-z0-9]*`, `op = :?[-?][^}]*`.

use std::collections::BTreeMap;

/// The result of interpolating a string.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome<'a> {
    pub(super) text: String,
    /// The error that is left at the end.
    pub(super) error: Option<Flaw>,
    pub(super) oddities: Vec<Oddity>,
    /// The variables without a default.
    pub(super) plain: Vec<Variable<'a>>,
}

/// A variable without a default.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Variable<'a> {
    pub(super) name: &'a str,
    /// The variable as written: `$X` or `${X}`.
    pub(super) written: &'a str,
    /// Whether the caller has set it.
    pub(super) set: bool,
}

/// Why a string is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// A `$` begins no variable.
    Dollar,
    /// A required variable is missing: the client's message.
    Missing(String),
}

/// Something the client does that users do not expect.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Oddity {
    /// An error was lost because a later variable resolved.
    Lost(Flaw),
    /// `${X:?a-b}` was read as a default `b`.
    DefaultInError(String),
}

/// Replaces the variables of a string.
///
/// The client keeps one error for the whole string and overwrites it at every later variable
/// (docker/cli `template.go`), so only the last one counts.
pub(super) fn substitute<'a>(template: &'a str, env: &BTreeMap<String, String>) -> Outcome<'a> {
    let mut outcome =
        Outcome { text: String::new(), error: None, oddities: Vec::new(), plain: Vec::new() };
    let mut rest = template;
    while let Some(at) = rest.find('$') {
        outcome.text.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(tail) = after.strip_prefix('$') {
            outcome.text.push('$');
            rest = tail;
            continue;
        }
        let Some((variable, tail)) = variable(after) else {
            outcome.error = Some(Flaw::Dollar);
            rest = after;
            continue;
        };
        if !variable.contains(['-', '?']) {
            let written = &rest[at..rest.len() - tail.len()];
            let set = env.contains_key(variable);
            outcome.plain.push(Variable { name: variable, written, set });
        }
        rest = tail;
        match evaluate(variable, env, &mut outcome.oddities) {
            Ok(value) => {
                outcome.text.push_str(value);
                outcome.oddities.extend(outcome.error.take().map(Oddity::Lost));
            }
            Err(error) => outcome.error = Some(Flaw::Missing(error)),
        }
    }
    outcome.text.push_str(rest);
    outcome
}

/// Whether a string seems to contain a password hash whose `$` are not escaped: `$2y$05$…`,
/// `$apr1$…` and other schemes of crypt(5).
pub(super) fn has_password_hash(text: &str) -> bool {
    const SCHEMES: &[&str] = &[
        "1", "2", "2a", "2b", "2x", "2y", "5", "6", "7", "y", "gy", "apr1", "argon2i", "argon2d",
        "argon2id", "scrypt", "sha1",
    ];
    let mut parts = text.split('$').skip(1).peekable();
    while let Some(part) = parts.next() {
        if part.is_empty() {
            // `$$`: an escaped one.
            parts.next();
        } else if SCHEMES.contains(&part) && parts.peek().is_some_and(|next| !next.is_empty()) {
            return true;
        }
    }
    false
}

/// The variable with its operator at the start of a string, and what follows it.
fn variable(text: &str) -> Option<(&str, &str)> {
    if let Some(braced) = text.strip_prefix('{') {
        let end = reach(braced)?;
        let tail = braced[end..].strip_prefix('}')?;
        return Some((&braced[..end], tail));
    }
    reach(text).map(|end| text.split_at(end))
}

/// Where a variable with its operator ends.
fn reach(text: &str) -> Option<usize> {
    text.chars().next().filter(|c| is_letter(*c))?;
    let name = text.find(|c: char| !is_letter(c) && !c.is_ascii_digit()).unwrap_or(text.len());
    let operator = text[name..].strip_prefix(':').unwrap_or(&text[name..]);
    if operator.starts_with(['-', '?']) {
        return Some(text[name..].find('}').map_or(text.len(), |at| name + at));
    }
    Some(name)
}

/// Go folds case by Unicode, so the long s and the Kelvin sign are letters too.
fn is_letter(c: char) -> bool {
    c == '_' || c.is_ascii_alphabetic() || c == '\u{17F}' || c == '\u{212A}'
}

/// The client looks for each operator in this order anywhere in the variable.
fn evaluate<'a>(
    variable: &'a str,
    env: &'a BTreeMap<String, String>,
    oddities: &mut Vec<Oddity>,
) -> Result<&'a str, String> {
    let value = |name: &str| env.get(name).map(String::as_str);
    if let Some((name, default)) = variable.split_once(":-") {
        if name.contains('?') {
            oddities.push(Oddity::DefaultInError(variable.to_owned()));
        }
        return Ok(value(name).filter(|value| !value.is_empty()).unwrap_or(default));
    }
    if let Some((name, default)) = variable.split_once('-') {
        if name.contains('?') {
            oddities.push(Oddity::DefaultInError(variable.to_owned()));
        }
        return Ok(value(name).unwrap_or(default));
    }
    let missing = |name: &str, message: &str| {
        Err(format!("required variable {name} is missing a value: {message}"))
    };
    if let Some((name, message)) = variable.split_once(":?") {
        return match value(name) {
            Some(value) if !value.is_empty() => Ok(value),
            _ => missing(name, message),
        };
    }
    if let Some((name, message)) = variable.split_once('?') {
        return value(name).map_or_else(|| missing(name, message), Ok);
    }
    Ok(value(variable).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn env() -> BTreeMap<String, String> {
        [("FOO", "first"), ("EMPTY", ""), ("foo_1", "low")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    }

    fn run(text: &str) -> Result<String, String> {
        let outcome = substitute(text, &env());
        match outcome.error {
            None => Ok(outcome.text),
            Some(Flaw::Dollar) => Err("a dollar".to_owned()),
            Some(Flaw::Missing(message)) => Err(message),
        }
    }

    #[test]
    fn values_and_defaults() {
        for (text, expected) in [
            ("plain", "plain"),
            ("$FOO", "first"),
            ("${FOO}x", "firstx"),
            ("$foo_1", "low"),
            ("$$FOO", "$FOO"),
            ("$NONE.", "."),
            ("$FOO-bar baz", "first"),
            ("$NONE-bar baz", "bar baz"),
            ("${NONE:-d}", "d"),
            ("${EMPTY:-d}", "d"),
            ("${EMPTY-d}", ""),
            ("${NONE-d}", "d"),
            ("${FOO:?e}", "first"),
            ("${EMPTY?e}", ""),
            ("${NONE:-${FOO}}", "${FOO}"),
            ("${NONE:?a-b}", "b"),
            ("${NONE:?one} $FOO", " first"),
            ("$} $FOO", "} first"),
            ("${NONE:-a\nb}", "a\nb"),
        ] {
            assert_eq!(run(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn errors() {
        for (text, expected) in [
            ("${", "a dollar"),
            ("$", "a dollar"),
            ("$1", "a dollar"),
            ("${}", "a dollar"),
            ("${ X}", "a dollar"),
            ("${X!}", "a dollar"),
            ("${FOO:+x}", "a dollar"),
            ("${NONE:?e}", "required variable NONE is missing a value: e"),
            ("${NONE?e}", "required variable NONE is missing a value: e"),
            ("${EMPTY:?e}", "required variable EMPTY is missing a value: e"),
            ("$FOO ${NONE:?one}", "required variable NONE is missing a value: one"),
            ("${NONE:?one} $$", "required variable NONE is missing a value: one"),
        ] {
            assert_eq!(run(text), Err(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_users_do_not_expect_is_noted() {
        let lost = substitute("${NONE:?one} $FOO", &env()).oddities;
        assert!(matches!(lost.as_slice(), [Oddity::Lost(Flaw::Missing(_))]));
        let read = substitute("${NONE:?a-b}", &env()).oddities;
        assert!(matches!(read.as_slice(), [Oddity::DefaultInError(_)]));
        assert!(substitute("${NONE:-a-b} ${NONE-a?b}", &env()).oddities.is_empty());
    }

    #[test]
    fn variables_without_a_default_are_noted() {
        let env = env();
        let noted = substitute("${FOO} $NONE. ${NONE:-x} ${EMPTY:?} $$X $EMPTY", &env).plain;
        let shown: Vec<_> = noted.iter().map(|v| (v.name, v.written, v.set)).collect();
        let expected =
            [("FOO", "${FOO}", true), ("NONE", "$NONE", false), ("EMPTY", "$EMPTY", true)];
        assert_eq!(shown, expected);
    }

    #[test]
    fn password_hashes() {
        for text in ["admin:$2y$05$abc/def.", "a:$apr1$H6uskkkW$IgX", "$6$salt$hash", "$y$j9T$x"] {
            assert!(has_password_hash(text), "{text}");
        }
        for text in [
            "admin:$$2y$$05$$abc",
            "$$apr1$$H6$$Ig",
            "$HOME$PATH",
            "${TAG}",
            "$1",
            "a$",
            "$1$",
            "^/(.*)$",
            "5$6",
        ] {
            assert!(!has_password_hash(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_handled(text in "[${}:?A-Za-z_ \\-]{0,40}") {
            let outcome = substitute(&text, &env());
            prop_assert!(text.contains('$') || outcome.text == text);
        }
    }
}

//! One pattern of a `.dockerignore` file.

use regex::Regex;

/// One pattern of a `.dockerignore` file, with the rules of Docker's own matcher: those of Go's
/// `filepath.Match`, and `**` for any number of folders.
///
/// No crate follows these rules; they are not those of `.gitignore` (a pattern without a slash
/// matches at the top only), and not a shell's (`*` matches a leading dot).
#[derive(Debug, Clone)]
pub(super) struct IgnorePattern {
    /// Whether it takes files back in (`!`).
    pub takes_back: bool,
    regex: Regex,
}

impl IgnorePattern {
    /// Reads a line that is neither a comment nor empty.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(line: &str) -> Result<Self, String> {
        let (takes_back, pattern) = match line.trim().strip_prefix('!') {
            Some("") => return Err("`!` needs a pattern after it".to_owned()),
            Some(rest) => (true, clean(rest.trim())),
            None => (false, clean(line.trim())),
        };
        let regex = translate(pattern.strip_prefix('/').unwrap_or(&pattern))?;
        let regex = Regex::new(&regex).map_err(|error| error.to_string())?;
        Ok(Self { takes_back, regex })
    }

    /// Whether it matches this path itself, which is relative to the context's folder.
    pub fn matches(&self, path: &str) -> bool {
        self.regex.is_match(path)
    }
}

/// The shortest equal path, by its text alone, as Go's `filepath.Clean` has it.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let rooted = path.starts_with('/');
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if rooted { format!("/{joined}") } else { joined }
}

/// The pattern as a regular expression.
fn translate(pattern: &str) -> Result<String, String> {
    // `s`: a file name may hold a line end.
    let mut regex = String::from("(?s)^");
    // `**x` with nothing special in `x` is "ends with x"; anywhere else `**` goes by folders.
    let plain = |rest: &str| !rest.contains(['*', '?', '[', '\\']);
    if let Some(rest) = pattern.strip_prefix("**").filter(|rest| plain(rest)) {
        let (any, rest) = rest.strip_prefix('/').map_or((".*", rest), |rest| ("(.*/)?", rest));
        return Ok(format!("{regex}{any}{}$", regex::escape(rest)));
    }
    let mut rest = pattern.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '*' if rest.next_if_eq(&'*').is_some() => {
                rest.next_if_eq(&'/');
                regex.push_str(if rest.peek().is_some() { "(.*/)?" } else { ".*" });
            }
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            '\\' => match rest.next() {
                Some(literal) => push_literal(&mut regex, literal),
                None => return Err("nothing stands after the last `\\`".to_owned()),
            },
            '[' => class(&mut rest, &mut regex)?,
            literal => push_literal(&mut regex, literal),
        }
    }
    regex.push('$');
    Ok(regex)
}

/// A class, after its opening bracket: `^` for not, characters, ranges, `\` before a literal one.
fn class(rest: &mut impl Iterator<Item = char>, regex: &mut String) -> Result<(), String> {
    let open = || "a `[` without its `]`".to_owned();
    let mut rest = rest.peekable();
    regex.push('[');
    if rest.next_if_eq(&'^').is_some() {
        regex.push('^');
    }
    let mut members = 0;
    loop {
        match rest.next().ok_or_else(open)? {
            ']' if members > 0 => break,
            ']' => return Err("an empty `[]`".to_owned()),
            '-' => return Err("a range without its beginning".to_owned()),
            '\\' => push_literal(regex, rest.next().ok_or_else(open)?),
            member => push_literal(regex, member),
        }
        members += 1;
        if rest.next_if_eq(&'-').is_some() {
            regex.push('-');
            match rest.next().ok_or_else(open)? {
                ']' | '-' => return Err("a range without its end".to_owned()),
                '\\' => push_literal(regex, rest.next().ok_or_else(open)?),
                end => push_literal(regex, end),
            }
        }
    }
    regex.push(']');
    Ok(())
}

fn push_literal(regex: &mut String, literal: char) {
    regex.push_str(&regex::escape(literal.encode_utf8(&mut [0; 4])));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_what_docker_matches() {
        for (pattern, path, expected) in [
            ("a", "a", true),
            ("a", "b/a", false),
            ("/a", "a", true),
            ("./a/../b/", "b", true),
            ("*", "a", true),
            ("*", "a/b", false),
            ("*", ".hidden", true),
            ("*/temp*", "x/temporary", true),
            ("*/temp*", "x/y/temp", false),
            ("temp?", "tempa", true),
            ("temp?", "temp", false),
            ("temp?", "temp/", false),
            ("**", "a/b/c", true),
            ("**/*.go", "main.go", true),
            ("**/*.go", "a/b/main.go", true),
            ("**/foo", "foo", true),
            ("**/foo", "a/foo", true),
            ("**/foo", "a/barfoo", false),
            ("**foo", "a/barfoo", true),
            ("a/**", "a/b", true),
            ("a/**", "a", false),
            ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true),
            ("a/**/b", "ab", false),
            ("a**", "abc/d", true),
            ("[a-c]x", "bx", true),
            ("[a-c]x", "dx", false),
            ("[^a]", "b", true),
            ("[^a]", "a", false),
            (r"[\]]", "]", true),
            (r"a\*b", "a*b", true),
            (r"a\*b", "axb", false),
            ("a.b", "axb", false),
            ("(a|b)+{2}$^", "(a|b)+{2}$^", true),
            ("ünïcode?", "ünïcodeß", true),
            (".", "a", false),
        ] {
            let parsed = IgnorePattern::parse(pattern).unwrap();
            assert_eq!(parsed.matches(path), expected, "{pattern} {path} {parsed:?}");
        }
    }

    #[test]
    fn broken_patterns_are_refused() {
        for pattern in ["!", "! ", "[a", "[]", "[-a]", "[a-]", "a\\", "[z-a]", "[\\"] {
            assert!(IgnorePattern::parse(pattern).is_err(), "{pattern}");
        }
        assert!(IgnorePattern::parse(" ! a ").unwrap().takes_back);
    }

    proptest::proptest! {
        #[test]
        fn a_path_without_special_characters_matches_itself_only(
            path in "[a-z.+$(){}^|#~ü-]{1,8}(/[a-z.]{1,5}z){0,3}",
            other in "[a-z.]{1,8}",
        ) {
            proptest::prop_assume!(!path.starts_with(['.', '#']));
            let pattern = IgnorePattern::parse(&path).unwrap();
            proptest::prop_assert!(pattern.matches(&path));
            proptest::prop_assert_eq!(pattern.matches(&other), path == other);
        }
    }
}

//! `.dockerignore` files.

use std::path::Path;

use regex::Regex;

use crate::{Error, Place, Result};

/// The patterns of a `.dockerignore` file, which exclude files from a build context.
#[derive(Debug, Clone, Default)]
pub struct IgnoreFile {
    patterns: Vec<IgnorePattern>,
}

impl IgnoreFile {
    /// Parses the text of the file. `file` is its path, for errors.
    ///
    /// # Errors
    /// When Docker would refuse a pattern too, with its place.
    pub fn parse(file: &Path, text: &str) -> Result<Self> {
        let mut patterns = Vec::new();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (index, line) in text.lines().enumerate() {
            // A comment starts in the first column: spaces are not trimmed first.
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            patterns.push(IgnorePattern::parse(line).map_err(|why| {
                let indent = line.chars().take_while(|next| next.is_whitespace()).count();
                Error::usage(format!("invalid .dockerignore pattern: {why}")).at(Place {
                    file: file.to_owned(),
                    line: index + 1,
                    column: indent + 1,
                    text: line.to_owned(),
                })
            })?);
        }
        Ok(Self { patterns })
    }

    /// Whether `path` (relative to the context, with slashes) is excluded. The last pattern that
    /// matches it or a parent folder decides.
    #[must_use]
    pub fn ignores(&self, path: &str) -> bool {
        let matches = |pattern: &IgnorePattern| {
            let mut folders = path.match_indices('/').map(|(end, _)| &path[..end]);
            pattern.matches(path) || folders.any(|folder| pattern.matches(folder))
        };
        let last = self.patterns.iter().rev().find(|pattern| matches(pattern));
        last.is_some_and(|pattern| !pattern.includes_again)
    }

    /// Whether any pattern includes files again (`!`).
    #[must_use]
    pub fn includes_again(&self) -> bool {
        self.patterns.iter().any(|pattern| pattern.includes_again)
    }
}

/// One pattern of a `.dockerignore` file, with the rules of Docker's matcher: those of Go's
/// `filepath.Match`, plus `**` for any number of folders.
///
/// No crate follows these rules. They differ from `.gitignore` (a pattern without a slash matches
/// only at the top level) and from a shell (`*` matches a leading dot).
#[derive(Debug, Clone)]
struct IgnorePattern {
    /// Whether it includes files again (`!`).
    includes_again: bool,
    regex: Regex,
}

impl IgnorePattern {
    /// Parses a line that is neither a comment nor empty.
    ///
    /// # Errors
    /// What is wrong with the pattern.
    fn parse(line: &str) -> Result<Self, String> {
        let (includes_again, pattern) = match line.trim().strip_prefix('!') {
            Some("") => return Err("no pattern after `!`".to_owned()),
            Some(rest) => (true, clean(rest.trim())),
            None => (false, clean(line.trim())),
        };
        let regex = translate(pattern.strip_prefix('/').unwrap_or(&pattern))?;
        let regex = Regex::new(&regex).map_err(|error| error.to_string())?;
        Ok(Self { includes_again, regex })
    }

    /// Whether it matches exactly this path, relative to the context's folder.
    fn matches(&self, path: &str) -> bool {
        self.regex.is_match(path)
    }
}

/// The shortest equivalent path, without looking at the disk, like Go's `filepath.Clean`.
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
    // `s`: a file name may contain a line break.
    let mut regex = String::from("(?s)^");
    // `**x` without special characters in `x` means "ends with x"; elsewhere `**` means folders.
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
                None => return Err("nothing follows the last `\\`".to_owned()),
            },
            '[' => class(&mut rest, &mut regex)?,
            literal => push_literal(&mut regex, literal),
        }
    }
    regex.push('$');
    Ok(regex)
}

/// The rest of a class after `[`: `^` negates; then characters, ranges, and `\` escapes.
fn class(rest: &mut impl Iterator<Item = char>, regex: &mut String) -> Result<(), String> {
    let open = || "`[` without `]`".to_owned();
    let mut rest = rest.peekable();
    regex.push('[');
    if rest.next_if_eq(&'^').is_some() {
        regex.push('^');
    }
    let mut members = 0;
    loop {
        match rest.next().ok_or_else(open)? {
            ']' if members > 0 => break,
            ']' => return Err("empty `[]`".to_owned()),
            '-' => return Err("range without a start".to_owned()),
            '\\' => push_literal(regex, rest.next().ok_or_else(open)?),
            member => push_literal(regex, member),
        }
        members += 1;
        if rest.next_if_eq(&'-').is_some() {
            regex.push('-');
            match rest.next().ok_or_else(open)? {
                ']' | '-' => return Err("range without an end".to_owned()),
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

    fn ignored<'a>(text: &str, paths: &[&'a str]) -> Vec<&'a str> {
        let file = IgnoreFile::parse(Path::new(".dockerignore"), text).unwrap();
        paths.iter().copied().filter(|path| file.ignores(path)).collect()
    }

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let paths = ["README.md", "README-secret.md", "README-x.md", "notes.md", "a/b.md"];
        assert_eq!(
            ignored("*.md\n!README*.md\nREADME-secret.md", &paths),
            ["README-secret.md", "notes.md"]
        );
        assert_eq!(ignored("*.md\nREADME-secret.md\n!README*.md", &paths), ["notes.md"]);
    }

    #[test]
    fn the_content_of_an_excluded_folder_is_excluded_until_included_again() {
        let paths = ["a", "a/b", "a/b/c", "a/keep", "b/a"];
        assert_eq!(ignored("a", &paths), ["a", "a/b", "a/b/c", "a/keep"]);
        assert_eq!(ignored("a\n!a/keep", &paths), ["a", "a/b", "a/b/c"]);
        assert_eq!(ignored("a\n!**/c", &paths), ["a", "a/b", "a/keep"]);
        assert_eq!(ignored("*\n!b", &paths), ["a", "a/b", "a/b/c", "a/keep"]);
    }

    #[test]
    fn comments_spaces_and_line_ends_are_read_as_docker_reads_them() {
        let text = "\u{feff}# all\r\n\r\n  a \r\n # b\r\n! c\r\n";
        assert_eq!(ignored(text, &["a", "b", "# b", "c"]), ["a", "# b"]);
    }

    #[test]
    fn an_invalid_pattern_is_reported_with_its_place() {
        let error = IgnoreFile::parse(Path::new("x/.dockerignore"), "a\n  [b\n").unwrap_err();
        let place = error.place().unwrap();
        assert_eq!(place.to_string(), "x/.dockerignore:2:3");
        assert_eq!(place.text, "  [b");
    }

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
    fn invalid_patterns_are_refused() {
        for pattern in ["!", "! ", "[a", "[]", "[-a]", "[a-]", "a\\", "[z-a]", "[\\"] {
            assert!(IgnorePattern::parse(pattern).is_err(), "{pattern}");
        }
        assert!(IgnorePattern::parse(" ! a ").unwrap().includes_again);
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

//! `# rollproof: ignore SRU013 reason`: what a file tells the linter to ignore.
//!
//! Behind something, the comment is about that line; alone on a line, about the next line that has
//! something. If that line opens a block (a service, `deploy`, `update_config`), it is about the
//! whole block.

use std::path::Path;

use crate::Place;

/// A comment that tells the linter to ignore something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ignore {
    /// The numbers of the rules, as written.
    pub(super) rules: Vec<String>,
    pub(super) reason: String,
    /// Where the comment is.
    pub(super) place: Place,
    /// The first and the last line that it is about.
    lines: (usize, usize),
}

impl Ignore {
    /// Whether it is about a rule at a place.
    pub(super) fn covers(&self, rule: &str, place: &Place) -> bool {
        self.rules.iter().any(|number| number.eq_ignore_ascii_case(rule))
            && place.file == self.place.file
            && (self.lines.0..=self.lines.1).contains(&place.line)
    }
}

/// The comments of a file.
pub(super) fn ignores(name: &str, text: &str) -> Vec<Ignore> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some((column, words)) = comment(line) else { continue };
        let (rules, reason) = read(words);
        let alone = line.trim_start().starts_with('#');
        let target = if alone {
            (index + 1..lines.len()).find(|at| !is_blank(lines[*at])).unwrap_or(index)
        } else {
            index
        };
        let place = Place {
            file: Path::new(name).to_owned(),
            line: index + 1,
            column,
            text: (*line).to_owned(),
        };
        let lines = (target + 1, last_of_block(&lines, target) + 1);
        found.push(Ignore { rules, reason, place, lines });
    }
    found
}

/// The column of a comment for the linter, and what follows `ignore`.
fn comment(line: &str) -> Option<(usize, &str)> {
    let mut from = 0;
    while let Some(at) = line[from..].find('#').map(|at| from + at) {
        let begins = line[..at].chars().next_back().is_none_or(char::is_whitespace);
        let rest = line[at + 1..].trim_start().strip_prefix("rollproof:");
        let rest = rest.and_then(|rest| rest.trim_start().strip_prefix("ignore"));
        if let Some(words) = rest.filter(|_| begins)
            && !words.starts_with(|c: char| c.is_alphanumeric())
        {
            return Some((line[..at].chars().count() + 1, words));
        }
        from = at + 1;
    }
    None
}

/// The rules and the reason.
fn read(words: &str) -> (Vec<String>, String) {
    let mut rules = Vec::new();
    let mut rest = words.trim_start_matches([':', ' ', '\t', ',']);
    while let Some(word) = rest.split([' ', '\t', ',']).next().filter(|word| is_number(word)) {
        rules.push(word.trim_end_matches(':').to_owned());
        rest = rest[word.len()..].trim_start_matches([' ', '\t', ',']);
    }
    let reason = rest.trim_start_matches(['-', ':', '–', ' ']).trim().to_owned();
    (rules, reason)
}

/// Whether a word is the number of a rule, whether there is one or not.
fn is_number(word: &str) -> bool {
    let word = word.trim_end_matches(':').as_bytes();
    word.len() > 3
        && word[..3].eq_ignore_ascii_case(b"SRU")
        && word[3..].iter().all(u8::is_ascii_digit)
}

fn is_blank(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

/// The last line of the block that a line opens; the line itself if it opens none. The items of a
/// list may stand as far left as its key.
fn last_of_block(lines: &[&str], first: usize) -> usize {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let own = indent(lines[first]);
    let opens = code(lines[first]).trim_end().ends_with(':');
    let mut last = first;
    for (at, line) in lines.iter().enumerate().skip(first + 1) {
        if is_blank(line) {
            continue;
        }
        let item = opens && indent(line) == own && line.trim_start().starts_with("- ");
        if indent(line) <= own && !item {
            break;
        }
        last = at;
    }
    last
}

/// A line without its comment.
fn code(line: &str) -> &str {
    line.find(" #").map_or(line, |at| &line[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> (Vec<String>, String, (usize, usize)) {
        let found = ignores("f", text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        let ignore = found[0].clone();
        (ignore.rules, ignore.reason, ignore.lines)
    }

    #[test]
    fn what_a_comment_is_about() {
        let text = "services:\n  app:\n    image: a # rollproof: ignore SRU050 a demo\n    x: 1\n";
        assert_eq!(one(text), (vec!["SRU050".into()], "a demo".into(), (3, 3)));
        let text = "services:\n  # rollproof: ignore SRU001, SRU015: no check\n  # more\n\n  app:\n    image: a\n\n    deploy:\n      a: 1\n  b:\n    image: c\n";
        let expected = (vec!["SRU001".into(), "SRU015".into()], "no check".into(), (5, 9));
        assert_eq!(one(text), expected);
        let text =
            "a:\n  ports: # rollproof: ignore SRU016 one node each\n  - 80\n  - 81\n  b: 1\n";
        assert_eq!(one(text).2, (2, 4));
    }

    #[test]
    fn what_is_no_such_comment() {
        for text in ["a: b#rollproof: ignore SRU001", "# rollproof: ignored", "# ignore SRU001"] {
            assert_eq!(ignores("f", text), [], "{text}");
        }
        assert_eq!(one("# rollproof:ignore\na: 1"), (vec![], String::new(), (2, 2)));
        assert_eq!(one("a: 1 # rollproof: ignore sru001").0, ["sru001"]);
        assert_eq!(one("# rollproof: ignore SRU001 at the end").2, (1, 1));
    }
}

//! Where yaml.v3, which the client uses, and the YAML 1.2 parser disagree: what only yaml.v3
//! refuses (tabs, an escape, some anchors), what only yaml.v3 accepts (some indentation, escapes
//! and comments), and plain scalars in flow collections, which the two read differently.

use std::borrow::Cow;

use granit_parser::{ErrorKind, ScanError};

use crate::stack::diagnostic::Mark;
use crate::stack::fault::Fault;

/// Where the parts of a file are, in characters from its start.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Ranges where tabs are harmless: flow collections, quoted scalars, block scalars.
    covered: Vec<(usize, usize)>,
    /// Where each part ends, in order; for a plain scalar that is not a key, also the column that
    /// its further lines must reach.
    ends: Vec<(usize, Option<usize>)>,
    /// Plain scalars that are not keys: start, end, and the same column.
    plains: Vec<(usize, usize, usize)>,
    /// Flow collections that are still open.
    flows: Vec<usize>,
    /// Columns of the block collections that are still open.
    blocks: Vec<usize>,
}

impl Layout {
    /// A collection begins.
    pub(super) fn open(&mut self, flow: bool, start: usize, column: usize) {
        if flow {
            self.flows.push(start);
        } else {
            self.blocks.push(column);
        }
        self.ends.push((start, None));
    }

    /// A collection ends.
    pub(super) fn close(&mut self, flow: bool, end: usize) {
        if !flow {
            self.blocks.pop();
        } else if let Some(start) = self.flows.pop() {
            self.covered.push((start, end));
            self.ends.push((end, None));
        }
    }

    /// A scalar or alias; `continues` if it is a plain scalar that may have further lines.
    pub(super) fn scalar(&mut self, start: usize, end: usize, continues: bool) {
        let indent = self.blocks.last().map_or(0, |column| column + 1);
        if continues {
            self.plains.push((start, end, indent));
        } else {
            self.covered.push((start, end));
        }
        self.ends.push((end, continues.then_some(indent)));
    }

    /// Refuses tabs where yaml.v3 accepts only spaces: at the start of a line, and after a `-`,
    /// `?` or `:` that begins an entry. `end` is where the document ends.
    pub(super) fn check(&mut self, text: &str, end: usize, file: u32) -> Result<(), Fault> {
        if !text.contains('\t') {
            return Ok(());
        }
        self.covered.sort_unstable();
        let (mut line, mut column) = (1_u32, 0_usize);
        // Whether the line so far has only whitespace, or only whitespace and indicators.
        let (mut blank, mut indicators) = (true, true);
        let mut last = '\n';
        // Whether there are only whitespace and comments since a line with a comment: yaml.v3 reads
        // further comments together with that one, whatever precedes them.
        let mut comment = false;
        for (index, (at, c)) in text.char_indices().enumerate() {
            if index >= end {
                break;
            }
            if c == '\t' && comment && blank && before_comment(&text[at..]) {
                (column, last) = (column + 1, c);
                continue;
            }
            if blank && !matches!(c, ' ' | '\t' | '\r' | '\n') {
                comment = c == '#' && !self.covers(index);
            }
            match c {
                '\n' => {
                    (line, column, blank, indicators, last) = (line + 1, 0, true, true, c);
                    continue;
                }
                '\t' if indicators
                    && !self.covers(index)
                    && !self.harmless(index, column, blank) =>
                {
                    let column = u32::try_from(column).unwrap_or(u32::MAX).saturating_add(1);
                    return Err(Fault::at(
                        Mark { file, line, column },
                        "yaml: found a tab where only spaces are allowed",
                    ));
                }
                ' ' | '\t' | '\r' => {}
                '-' | '?' | ':' if matches!(last, ' ' | '\t' | '\n') => blank = false,
                _ => (blank, indicators) = (false, false),
            }
            column += 1;
            last = c;
        }
        Ok(())
    }

    fn covers(&self, index: usize) -> bool {
        let after = self.covered.partition_point(|(start, _)| *start < index);
        self.covered[..after].iter().any(|(_, end)| index < *end)
    }

    /// Lines within a plain scalar, and blank lines after it, belong to the scalar while they are
    /// indented enough.
    fn harmless(&self, index: usize, column: usize, blank: bool) -> bool {
        let within = self.plains.partition_point(|(start, ..)| *start < index);
        let within = within.checked_sub(1).and_then(|at| self.plains.get(at));
        if let Some((_, end, indent)) = within
            && index < *end
        {
            return column >= *indent;
        }
        let before = self.ends.partition_point(|(end, _)| *end <= index);
        let last = before.checked_sub(1).and_then(|at| self.ends.get(at));
        blank && last.is_some_and(|(_, indent)| indent.is_some_and(|indent| column >= indent))
    }
}

/// Whether a comment follows after whitespace.
fn before_comment(text: &str) -> bool {
    text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('#')
}

/// Refuses the one escape of YAML 1.2 that yaml.v3 does not know. `source` is a double-quoted
/// scalar as written.
pub(super) fn check_escapes(source: &str, mark: Mark) -> Result<(), Fault> {
    let mut chars = source.chars();
    while let Some(c) = chars.next() {
        if c == '\\' && chars.next() == Some('/') {
            return Err(Fault::at(mark, "yaml: found unknown escape character \\/"));
        }
    }
    Ok(())
}

/// Refuses an anchor with characters that yaml.v3 does not accept.
pub(super) fn check_anchor(name: &str, mark: Mark) -> Result<(), Fault> {
    if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        return Ok(());
    }
    Err(Fault::at(mark, "yaml: did not find expected alphabetic or numeric character")
        .hint("an anchor's name may have letters, digits, `_` and `-`"))
}

/// Deeper than any block is indented.
const DEEP: &str =
    "                                                                                ";

/// A file in a form that the parser can read.
pub(super) struct Repaired<'a> {
    /// What is parsed.
    pub(super) text: Cow<'a, str>,
    /// The same with the user's tabs; it has as many characters as `text`.
    pub(super) original: Cow<'a, str>,
}

impl<'a> Repaired<'a> {
    /// A file without repairs.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text: Cow::Borrowed(text), original: Cow::Borrowed(text) }
    }

    /// Repairs what the parser's error is about, or returns `None` if yaml.v3 refuses it too.
    pub(super) fn repair(self, error: &ScanError) -> Option<Self> {
        if matches!(error.kind(), ErrorKind::UnknownQuotedScalarEscape) {
            return self.repair_escape(error.marker().byte_offset()?);
        }
        if matches!(error.kind(), ErrorKind::CommentNotSeparated) {
            return self.separate_comment(error.marker().byte_offset()?);
        }
        let start = match error.marker().line().checked_sub(2) {
            None => 0,
            Some(before) => self.text.match_indices('\n').nth(before)?.0 + 1,
        };
        let (before, line) = self.text.split_at(start);
        let rest = line.trim_start_matches([' ', '\t']);
        let blanks = &line[..line.len() - rest.len()];
        if blanks.contains('\t') {
            let text = format!("{before}{}{rest}", blanks.replace('\t', " "));
            return Some(Self { text: Cow::Owned(text), original: self.original });
        }
        let quoted = matches!(error.kind(), ErrorKind::InvalidQuotedScalarIndent);
        if !quoted || blanks.len() >= DEEP.len() {
            return None;
        }
        // Repairs keep the bytes before and after them, so `start` is right for both.
        let deeper = |text: &str| Cow::Owned(format!("{}{DEEP}{}", &text[..start], &text[start..]));
        Some(Self { text: deeper(&self.text), original: deeper(&self.original) })
    }

    /// After a quoted scalar, yaml.v3 lets a comment begin without a space.
    fn separate_comment(self, at: usize) -> Option<Self> {
        if !self.text.get(at..)?.starts_with('#') {
            return None;
        }
        let apart = |text: &str| Cow::Owned(format!("{} {}", &text[..at], &text[at..]));
        Some(Self { text: apart(&self.text), original: apart(&self.original) })
    }

    /// In double quotes, yaml.v3 reads `\\'` as a single quote. `start` is where the scalar with
    /// that escape begins.
    fn repair_escape(self, start: usize) -> Option<Self> {
        let quoted = self.text.get(start..)?;
        let mut escaped = false;
        let at = quoted.char_indices().find(|(_, c)| {
            let found = escaped && *c == '\'';
            escaped = *c == '\\' && !escaped;
            found
        })?;
        let at = start + at.0 - 1;
        let shorter = |text: &str| Cow::Owned(format!("{}{}", &text[..at], &text[at + 1..]));
        Some(Self { text: shorter(&self.text), original: shorter(&self.original) })
    }
}

/// A plain scalar in a flow collection as yaml.v3 reads it, or `None` if yaml.v3 refuses it.
/// `after` is what follows in the file. For yaml.v3 a question mark ends the scalar and begins a
/// key, a colon at the start begins a value, and a colon at the end belongs to the scalar.
pub(super) fn flow_text<'t>(text: Cow<'t, str>, after: &str, key: bool) -> Option<Cow<'t, str>> {
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
    use super::flow_text;

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
            assert_eq!(flow_text(text.into(), after, key).as_deref(), expected, "{text}{after}");
        }
    }
}

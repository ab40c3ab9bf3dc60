//! Where yaml.v3, which the client uses, and the YAML 1.2 parser disagree: what only yaml.v3 refuses
//! (tabs, an escape, some anchors), what only yaml.v3 accepts (some indentation and escapes), and
//! plain texts in flow collections, which the two read differently.

use std::borrow::Cow;

use granit_parser::{ErrorKind, ScanError};

use crate::stack::diagnostic::{Fault, Mark};

/// Where things stand in a text, in characters from its start.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Stretches where tabs are harmless: flow collections, quoted texts, block texts.
    covered: Vec<(usize, usize)>,
    /// Where each thing ends, in order; for a plain text that is no key, the column that its
    /// further lines must reach.
    ends: Vec<(usize, Option<usize>)>,
    /// Plain texts that are no keys, with the same column.
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

    /// A scalar or alias; `continues` if its further lines are plain text.
    pub(super) fn scalar(&mut self, start: usize, end: usize, continues: bool) {
        let indent = self.blocks.last().map_or(0, |column| column + 1);
        if continues {
            self.plains.push((start, end, indent));
        } else {
            self.covered.push((start, end));
        }
        self.ends.push((end, continues.then_some(indent)));
    }

    /// Refuses tabs that yaml.v3 does not take for a blank: at the start of a line, and after a
    /// `-`, `?` or `:` that begins an entry. `end` is where the document ends.
    pub(super) fn check(&mut self, text: &str, end: usize, file: u32) -> Result<(), Fault> {
        if !text.contains('\t') {
            return Ok(());
        }
        self.covered.sort_unstable();
        let (mut line, mut column) = (1_u32, 0_usize);
        // Whether the line so far has only blanks, or only blanks and indicators.
        let (mut blank, mut indicators) = (true, true);
        let mut last = '\n';
        // Whether only blanks and comments stand between here and a line with a comment: yaml.v3
        // takes further comments together with it, whatever is before them.
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

    /// Lines within plain text, and blank ones after it, belong to that text while they are
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

/// Whether a comment is the next thing that is no blank.
fn before_comment(text: &str) -> bool {
    text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('#')
}

/// Refuses the one escape of YAML 1.2 that yaml.v3 does not know. `source` is a text in double
/// quotes as written.
pub(super) fn check_escapes(source: &str, mark: Mark) -> Result<(), Fault> {
    let mut chars = source.chars();
    while let Some(c) = chars.next() {
        if c == '\\' && chars.next() == Some('/') {
            return Err(Fault::at(mark, "yaml: found unknown escape character \\/"));
        }
    }
    Ok(())
}

/// Refuses an anchor with characters that yaml.v3 does not take.
pub(super) fn check_anchor(name: &str, mark: Mark) -> Result<(), Fault> {
    if name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        return Ok(());
    }
    Err(Fault::at(mark, "yaml: did not find expected alphabetic or numeric character")
        .hint("an anchor's name may have letters, digits, `_` and `-`"))
}

/// More than any block is indented.
const DEEP: &str =
    "                                                                                ";

/// A text that the parser can read.
pub(super) struct Repaired<'a> {
    /// What is parsed.
    pub(super) text: Cow<'a, str>,
    /// The same with the user's tabs; character for character as long as `text`.
    pub(super) original: Cow<'a, str>,
}

impl<'a> Repaired<'a> {
    /// A text without repairs.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text: Cow::Borrowed(text), original: Cow::Borrowed(text) }
    }

    /// Repairs what an error is about; nothing if it needs no repair.
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
        // Repairs keep bytes for bytes what stands before and after, so `start` fits both.
        let deeper = |text: &str| Cow::Owned(format!("{}{DEEP}{}", &text[..start], &text[start..]));
        Some(Self { text: deeper(&self.text), original: deeper(&self.original) })
    }

    /// After a text in quotes yaml.v3 lets a comment begin without a blank.
    fn separate_comment(self, at: usize) -> Option<Self> {
        if !self.text.get(at..)?.starts_with('#') {
            return None;
        }
        let apart = |text: &str| Cow::Owned(format!("{} {}", &text[..at], &text[at..]));
        Some(Self { text: apart(&self.text), original: apart(&self.original) })
    }

    /// In double quotes yaml.v3 knows `\\'`, which means the quote. `start` is where the text
    /// with the odd escape begins.
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

/// What yaml.v3 reads of a plain text in a flow collection, `after` which the source goes on;
/// nothing if it refuses it. It ends a text at any question mark, which begins a key, takes a
/// colon at the start for the sign of a value, and one at the end for a part of the text.
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

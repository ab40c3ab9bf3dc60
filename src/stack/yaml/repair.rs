//! Lines that yaml.v3 accepts and the YAML 1.2 parser refuses: tabs at their start inside flow
//! collections and quoted texts, and lines of quoted texts that are indented too little. In both
//! places leading blanks mean nothing, so they can be changed.

use std::borrow::Cow;

use granit_parser::{ErrorKind, ScanError};

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

//! How a report for people looks.

use std::path::Path;

use anstyle::{AnsiColor, Effects};

use crate::judge::Verdict;

/// How a report for people looks.
#[derive(Debug, Clone, Copy)]
pub struct Style<'a> {
    /// Whether to use colours. No meaning is carried by colour alone.
    pub colour: bool,
    /// The width of a line, in characters; taken as at least 40 and at most 120.
    pub width: usize,
    /// Where the record is, to be named at the end.
    pub record: Option<&'a Path>,
}

impl Default for Style<'_> {
    fn default() -> Self {
        Self { colour: false, width: 80, record: None }
    }
}

impl Style<'_> {
    /// The width that lines may have.
    pub(super) fn columns(self) -> usize {
        self.width.clamp(40, 120)
    }

    pub(super) fn verdict(self, verdict: Verdict, word: &str) -> String {
        let colour = match verdict {
            Verdict::Pass => AnsiColor::Green,
            Verdict::Fail => AnsiColor::Red,
            Verdict::Inconclusive => AnsiColor::Yellow,
        };
        self.paint(colour.on_default().bold(), word)
    }

    /// A whole's verdict as it stands at its head.
    pub(super) fn head(self, verdict: Verdict) -> String {
        self.verdict(verdict, &verdict.as_str().to_uppercase())
    }

    pub(super) fn title(self, word: &str) -> String {
        self.paint(anstyle::Style::new() | Effects::BOLD, word)
    }

    pub(super) fn faint(self, word: &str) -> String {
        self.paint(anstyle::Style::new() | Effects::DIMMED, word)
    }

    fn paint(self, style: anstyle::Style, word: &str) -> String {
        if self.colour && !word.is_empty() {
            format!("{style}{word}{style:#}")
        } else {
            word.into()
        }
    }
}

//! How a report for people looks.

use std::path::Path;

use anstyle::{AnsiColor, Effects};

use crate::judge::Verdict;

/// How a report for people looks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style<'a> {
    /// Whether to use colours. No meaning is carried by colour alone.
    pub colour: bool,
    /// Columns of the terminal; absent where there is none.
    pub width: Option<usize>,
    /// Where the record is, to be named at the end.
    pub record: Option<&'a Path>,
}

impl Style<'_> {
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
        if self.colour { format!("{style}{word}{style:#}") } else { word.to_owned() }
    }
}

//! What a rule is.

use std::fmt;

use serde::{Serialize, Serializer};

use super::finding::Draft;
use super::subject::Subject;
use crate::wording;

/// A rule: what it looks for, and why.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its number, such as `SRU013`. A number is never used for another rule.
    pub number: &'static str,
    /// Its name in a few words with hyphens.
    pub name: &'static str,
    /// The most serious that a finding of it can be.
    pub severity: Severity,
    /// What it finds, in one line.
    pub title: &'static str,
    /// Why that matters, in one or two sentences.
    pub why: &'static str,
    /// The rest of its page: when it fires, what helps, and where the facts come from.
    pub page: &'static str,
    /// Looks at one service.
    pub(super) check: fn(&Subject) -> Vec<Draft>,
}

/// How serious a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Hint,
    /// Costs requests or safety in ordinary cases.
    Warning,
    /// Costs an outage, or a broken version that nobody notices.
    Error,
}

impl Severity {
    /// As a word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hint => "hint",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.number.serialize(serializer)
    }
}

impl Rule {
    /// Its page, for `--explain`, in lines of at most `width` characters.
    #[must_use]
    pub fn explain(&self, width: usize) -> String {
        let Self { number, name, severity, title, why, page, .. } = self;
        let head = format!("{number} {name} ({severity})");
        let paragraphs = [head.as_str(), title, why].into_iter().chain(page.split("\n\n"));
        let paragraphs: Vec<String> = paragraphs
            .map(|paragraph| wording::wrap(paragraph, width, usize::MAX).join("\n"))
            .collect();
        paragraphs.join("\n\n") + "\n"
    }
}

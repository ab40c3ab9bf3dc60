//! What the user should know although the file is accepted.

use super::mark::Mark;
use super::source_text::SourceText;
use crate::Place;

/// Something the user should know although the file is accepted: what is ignored, what is
/// deprecated, where the client does something unexpected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What it is.
    pub message: String,
    /// Where it stands in the file.
    pub place: Option<Place>,
}

/// Warnings while the file is being read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Warnings {
    list: Vec<(Option<Mark>, String)>,
}

impl Warnings {
    /// Adds a warning about a place.
    pub(crate) fn push(&mut self, mark: Mark, message: impl Into<String>) {
        self.list.push((Some(mark), message.into()));
    }

    /// Adds a warning about the files as a whole.
    pub(crate) fn push_general(&mut self, message: impl Into<String>) {
        self.list.push((None, message.into()));
    }

    /// Adds warnings that were collected elsewhere.
    pub(crate) fn append(&mut self, mut later: Self) {
        self.list.append(&mut later.list);
    }

    /// The warnings with their places looked up, each one once.
    pub(crate) fn finish(self, texts: &[SourceText]) -> Vec<Warning> {
        let mut warnings: Vec<Warning> = Vec::new();
        for (mark, message) in self.list {
            let place = mark.and_then(|mark| SourceText::find(texts, mark));
            let warning = Warning { message, place };
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        }
        warnings
    }
}

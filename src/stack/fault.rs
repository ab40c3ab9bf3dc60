//! Why a stack file is refused, before the place has been looked up.

use super::mark::Mark;
use super::source_text::SourceText;
use crate::Error;

/// Why a stack file is refused and where; becomes an [`Error`] once the texts are at hand.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    message: String,
    mark: Option<Mark>,
    hint: Option<String>,
}

impl Fault {
    /// A fault at a place in a file.
    pub(crate) fn at(mark: Mark, message: impl Into<String>) -> Self {
        Self { message: message.into(), mark: Some(mark), hint: None }
    }

    /// The same fault with what the user can do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The error to show, with the place looked up in the texts.
    pub(crate) fn into_error(self, texts: &[SourceText]) -> Error {
        let mut error = Error::stack(self.message);
        if let Some(place) = self.mark.and_then(|mark| SourceText::find(texts, mark)) {
            error = error.at(place);
        }
        if let Some(hint) = self.hint {
            error = error.hint(hint);
        }
        error
    }
}

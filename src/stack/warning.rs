//! What the user should know, although a stack file is accepted.

use std::collections::HashSet;
use std::fmt;

use super::diagnostic::{Lines, Mark, SourceText};
use crate::Place;

/// The most warnings that are kept; more are counted.
const MOST: usize = 200;

/// Something the user should know, although the file is accepted: what is ignored or deprecated,
/// and where the client does something unexpected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What the user should know.
    pub message: String,
    /// The place in the file that it is about.
    pub place: Option<Place>,
    /// What the user can do about it.
    pub hint: Option<String>,
}

impl fmt::Display for Warning {
    /// One line; `ui` shows the file's line too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "warning: {}", self.message)?;
        if let Some(place) = &self.place {
            write!(f, " ({place})")?;
        }
        match &self.hint {
            Some(hint) => write!(f, "; hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// Warnings collected while files are read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Warnings {
    list: Vec<Noted>,
    seen: HashSet<(Option<Mark>, String)>,
    left_out: usize,
}

#[derive(Debug, Clone)]
struct Noted {
    mark: Option<Mark>,
    message: String,
    hint: Option<String>,
}

impl Warnings {
    /// Adds a warning about a place.
    pub(crate) fn push(&mut self, mark: Mark, message: impl Into<String>) {
        self.add(Some(mark), message.into(), None);
    }

    /// Adds a warning about a place, with what the user can do about it.
    pub(crate) fn push_with(
        &mut self,
        mark: Mark,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.add(Some(mark), message.into(), Some(hint.into()));
    }

    /// Adds a warning about the files as a whole.
    pub(crate) fn push_general(&mut self, message: impl Into<String>) {
        self.add(None, message.into(), None);
    }

    fn add(&mut self, mark: Option<Mark>, message: String, hint: Option<String>) {
        if self.list.len() >= MOST {
            self.left_out += 1;
        } else if self.seen.insert((mark, message.clone())) {
            self.list.push(Noted { mark, message, hint });
        }
    }

    /// Appends other warnings.
    pub(crate) fn append(&mut self, later: Self) {
        self.left_out += later.left_out;
        for Noted { mark, message, hint } in later.list {
            self.add(mark, message, hint);
        }
    }

    /// The warnings with their places looked up.
    pub(crate) fn finish(self, texts: &[SourceText]) -> Vec<Warning> {
        let lines = Lines::of(texts);
        let left_out = (self.left_out > 0).then(|| Warning {
            message: format!("there are {} more warnings", self.left_out),
            place: None,
            hint: None,
        });
        self.list
            .into_iter()
            .map(|Noted { mark, message, hint }| Warning {
                message,
                place: mark.and_then(|mark| lines.find(mark)),
                hint,
            })
            .chain(left_out)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_told_once_and_a_flood_is_cut() {
        let mut warnings = Warnings::default();
        for line in (1..=300).chain(1..=10) {
            warnings.push(Mark { file: 0, line, column: 1 }, "odd");
        }
        let list = warnings.finish(&[]);
        assert_eq!(list.len(), MOST + 1);
        assert_eq!(list[MOST].message, "there are 110 more warnings");
    }

    #[test]
    fn a_line_of_text() {
        let texts = [SourceText::decode("f", b"a: b").unwrap()];
        let mut warnings = Warnings::default();
        warnings.push_with(Mark { file: 0, line: 1, column: 4 }, "odd", "mend it");
        assert_eq!(warnings.finish(&texts)[0].to_string(), "warning: odd (f:1:4); hint: mend it");
    }
}

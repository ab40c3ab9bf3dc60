//! Why stack files are refused: every reason at once.

use std::collections::HashSet;

use super::diagnostic::{Lines, Mark, SourceText};
use crate::Error;

/// The most errors that are shown; more are counted.
const MOST: usize = 50;

/// Why and where a stack file is refused; becomes an [`Error`] once the texts are known.
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

    /// The fault of an empty list of faults, which nobody makes.
    fn unknown() -> Self {
        Self { message: "the file is refused".to_owned(), mark: None, hint: None }
    }

    /// Adds what the user can do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The error to show, with the place looked up in the texts.
    pub(crate) fn into_error(self, texts: &[SourceText]) -> Error {
        self.error(|mark| SourceText::find(texts, mark))
    }

    fn error(self, find: impl FnOnce(Mark) -> Option<crate::Place>) -> Error {
        let mut error = Error::stack(self.message);
        if let Some(place) = self.mark.and_then(find) {
            error = error.at(place);
        }
        if let Some(hint) = self.hint {
            error = error.hint(hint);
        }
        error
    }
}

/// All faults that were found. What an alias repeats counts once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    list: Vec<Fault>,
    seen: HashSet<(Option<Mark>, String)>,
}

impl Faults {
    /// Adds a fault, unless `what` is already known to be wrong at its place.
    pub(crate) fn push_once(&mut self, fault: Fault, what: &str) {
        if self.seen.insert((fault.mark, what.to_owned())) {
            self.list.push(fault);
        }
    }

    /// Adds a fault.
    pub(crate) fn push(&mut self, fault: Fault) {
        let what = fault.message.clone();
        self.push_once(fault, &what);
    }

    /// Adds other faults.
    pub(crate) fn append(&mut self, later: Self) {
        for fault in later.list {
            self.push(fault);
        }
    }

    /// The value, unless it is a fault, which is added.
    pub(crate) fn take<T, E: Into<Self>>(&mut self, result: Result<T, E>) -> Option<T> {
        result.map_err(|faults| self.append(faults.into())).ok()
    }

    /// The value, if there is no fault.
    ///
    /// # Errors
    /// The faults.
    pub(crate) fn or<T>(self, value: T) -> Result<T, Self> {
        if self.list.is_empty() { Ok(value) } else { Err(self) }
    }

    /// The fault that was found first.
    pub(crate) fn first(self) -> Fault {
        self.list.into_iter().next().unwrap_or_else(Fault::unknown)
    }

    /// The error to show: the faults in the order of the files, the first [`MOST`] of them.
    pub(crate) fn into_error(mut self, texts: &[SourceText]) -> Error {
        self.list.sort_by_key(|fault| (fault.mark.is_none(), fault.mark));
        let left_out = self.list.len().saturating_sub(MOST);
        let lines = Lines::of(texts);
        let mut errors =
            self.list.into_iter().take(MOST).map(|fault| fault.error(|mark| lines.find(mark)));
        let first = errors.next().unwrap_or_else(|| Fault::unknown().error(|_| None));
        let error = errors.fold(first, Error::and);
        if left_out == 0 {
            return error;
        }
        let (noun, are) = if left_out == 1 { ("error", "is") } else { ("errors", "are") };
        error.and(Error::stack(format!("{left_out} more {noun} {are} not shown")))
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        let mut faults = Self::default();
        faults.push(fault);
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(line: u32) -> Mark {
        Mark { file: 0, line, column: 1 }
    }

    #[test]
    fn faults_are_sorted_and_told_once() {
        let mut faults = Faults::default();
        for line in [3, 1, 3, 2] {
            faults.push(Fault::at(mark(line), "wrong"));
        }
        faults.push(Fault { message: "open x".to_owned(), mark: None, hint: None });
        let texts = [SourceText::decode("f", b"a\nb\nc").unwrap()];
        let error = faults.into_error(&texts);
        let lines: Vec<_> =
            error.all().map(|error| error.place().map(|place| place.line)).collect();
        assert_eq!(lines, [Some(1), Some(2), Some(3), None]);
    }

    #[test]
    fn a_flood_of_faults_is_cut() {
        let mut faults = Faults::default();
        for line in 1..=1000 {
            faults.push(Fault::at(mark(line), "wrong"));
        }
        let error = faults.into_error(&[]);
        let messages: Vec<&str> = error.all().map(Error::message).collect();
        assert_eq!(messages.len(), MOST + 1);
        assert_eq!(messages.last(), Some(&"950 more errors are not shown"));
    }
}

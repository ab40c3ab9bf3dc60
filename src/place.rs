//! A place in a user's file.

use std::fmt;
use std::path::PathBuf;

/// A place in a user's file, with the text of the line so that an error can show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file as the user gave it; `-` for standard input.
    pub file: PathBuf,
    /// The line, starting at 1.
    pub line: usize,
    /// The column in characters, starting at 1.
    pub column: usize,
    /// The text of that line, without the line ending.
    pub text: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

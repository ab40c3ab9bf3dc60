//! Places in the files, and the errors and warnings that point at them.

use std::fmt;
use std::path::PathBuf;

use crate::{Error, Place, Result};

/// A place in one of the files, small enough to store with every value. [`SourceText`] turns it
/// into a [`Place`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub(crate) struct Mark {
    /// The index of the file, in the order of reading.
    pub(crate) file: u32,
    /// Line, counted from 1.
    pub(crate) line: u32,
    /// Column in characters, counted from 1.
    pub(crate) column: u32,
}

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

    /// Adds what the user can do about it.
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

/// Something the user should know, although the file is accepted: what is ignored or deprecated,
/// and where the client does something unexpected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What the user should know.
    pub message: String,
    /// The place in the file that it is about.
    pub place: Option<Place>,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "warning: {} ({place})", self.message),
            None => write!(f, "warning: {}", self.message),
        }
    }
}

/// Warnings collected while files are read.
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

    /// Appends other warnings.
    pub(crate) fn append(&mut self, mut later: Self) {
        self.list.append(&mut later.list);
    }

    /// The warnings with their places looked up, without repetitions.
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

/// The text of one file, kept to show the line that an error is about.
#[derive(Debug, Clone)]
pub(crate) struct SourceText {
    /// The file as the user named it; `-` for standard input.
    pub(crate) name: String,
    /// Its text, without a byte order mark.
    pub(crate) text: String,
}

impl SourceText {
    /// Decodes a file as libyaml does: UTF-8, or UTF-16 with a byte order mark.
    ///
    /// # Errors
    /// Bytes that are not valid in that encoding.
    pub(crate) fn decode(name: &str, bytes: &[u8]) -> Result<Self> {
        let text = match bytes {
            [0xFF, 0xFE, rest @ ..] => from_utf16(name, rest, u16::from_le_bytes)?,
            [0xFE, 0xFF, rest @ ..] => from_utf16(name, rest, u16::from_be_bytes)?,
            _ => {
                let rest = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
                match std::str::from_utf8(rest) {
                    Ok(text) => text.to_owned(),
                    Err(error) => return Err(not_utf8(name, rest, error.valid_up_to())),
                }
            }
        };
        // libyaml reads this character as a line end everywhere.
        Ok(Self { name: name.to_owned(), text: text.replace('\u{85}', "\n") })
    }

    /// Looks up a mark among the texts.
    pub(crate) fn find(texts: &[Self], mark: Mark) -> Option<Place> {
        let source = texts.get(mark.file as usize)?;
        let line = mark.line.max(1) as usize;
        let text = source.text.split('\n').nth(line - 1).unwrap_or_default();
        Some(Place {
            file: PathBuf::from(&source.name),
            line,
            column: mark.column.max(1) as usize,
            text: text.trim_end_matches('\r').to_owned(),
        })
    }
}

fn from_utf16(name: &str, bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String> {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    match String::from_utf16(&units) {
        Ok(text) if odd.is_empty() => Ok(text),
        _ => Err(Error::stack(format!("{name} is not valid UTF-16"))),
    }
}

fn not_utf8(name: &str, bytes: &[u8], valid: usize) -> Error {
    let before = String::from_utf8_lossy(&bytes[..valid]);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let rest = bytes[valid..].split(|byte| *byte == b'\n').next().unwrap_or_default();
    let place = Place {
        file: PathBuf::from(name),
        line,
        column: before[start..].chars().count() + 1,
        text: format!("{}{}", &before[start..], String::from_utf8_lossy(rest)),
    };
    Error::stack("the file is not valid UTF-8").at(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_encoding_with_a_mark() {
        for bytes in [
            &b"a: \xC3\xA9"[..],
            b"\xEF\xBB\xBFa: \xC3\xA9",
            b"\xFF\xFEa\0:\0 \0\xE9\0",
            b"\xFE\xFF\0a\0:\0 \0\xE9",
        ] {
            assert_eq!(SourceText::decode("f", bytes).unwrap().text, "a: é");
        }
    }

    #[test]
    fn bad_bytes_are_shown_with_their_line() {
        let error = SourceText::decode("f", b"a: 1\nb: \xFFx\nc: 2").unwrap_err();
        let place = error.place().unwrap();
        assert_eq!((place.line, place.column), (2, 4));
        assert!(place.text.starts_with("b: "));
        assert!(SourceText::decode("f", b"\xFF\xFEa\0:").is_err());
    }

    #[test]
    fn a_mark_shows_its_line() {
        let texts = [SourceText::decode("f", b"a: 1\r\nb: 2\r\n").unwrap()];
        let place = SourceText::find(&texts, Mark { file: 0, line: 2, column: 4 }).unwrap();
        assert_eq!((place.text.as_str(), place.line, place.column), ("b: 2", 2, 4));
        assert!(SourceText::find(&texts, Mark { file: 1, line: 1, column: 1 }).is_none());
    }
}

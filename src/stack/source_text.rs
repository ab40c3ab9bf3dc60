//! The text of one file that was read.

use std::path::PathBuf;

use super::mark::Mark;
use crate::{Error, Place, Result};

/// The text of one file, kept to show the line an error is about.
#[derive(Debug, Clone)]
pub(crate) struct SourceText {
    /// The file as the user named it; `-` for standard input.
    pub(crate) name: String,
    /// Its text without byte order mark.
    pub(crate) text: String,
}

impl SourceText {
    /// Decodes a file as libyaml does: UTF-8, or UTF-16 with a byte order mark.
    ///
    /// # Errors
    /// Bytes that are no text in that encoding.
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
        // libyaml takes this character for a line end everywhere.
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

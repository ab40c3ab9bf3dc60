//! Places in the files, and the texts that they are looked up in.

use std::path::PathBuf;

use crate::{Error, Place, Result};

/// A place in one of the files, small enough to store with every value. [`SourceText`] turns it
/// into a [`Place`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord, Hash)]
pub(crate) struct Mark {
    /// The index of the file, in the order of reading.
    pub(crate) file: u32,
    /// Line, counted from 1.
    pub(crate) line: u32,
    /// Column in characters, counted from 1.
    pub(crate) column: u32,
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

    /// Looks up a mark among the texts. For many marks, [`Lines`] is faster.
    pub(crate) fn find(texts: &[Self], mark: Mark) -> Option<Place> {
        let source = texts.get(mark.file as usize)?;
        let line = source.text.split('\n').nth(mark.line.max(1) as usize - 1);
        Some(source.place(mark, line.unwrap_or_default()))
    }

    fn place(&self, mark: Mark, line: &str) -> Place {
        let text = line.trim_end_matches('\r').to_owned();
        // At the end of a file, the parser counts on beyond the line.
        let column = (mark.column.max(1) as usize).min(text.chars().count() + 1);
        Place { file: PathBuf::from(&self.name), line: mark.line.max(1) as usize, column, text }
    }
}

/// The texts of the files, with an index of their lines.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    texts: &'a [SourceText],
    /// Where each line of each file begins, in bytes.
    starts: Vec<Vec<usize>>,
}

impl<'a> Lines<'a> {
    /// Indexes the lines of the files.
    pub(crate) fn of(texts: &'a [SourceText]) -> Self {
        let starts = |source: &SourceText| {
            let later = source.text.match_indices('\n').map(|(at, _)| at + 1);
            std::iter::once(0).chain(later).collect()
        };
        Self { texts, starts: texts.iter().map(starts).collect() }
    }

    /// Looks up a mark.
    pub(crate) fn find(&self, mark: Mark) -> Option<Place> {
        let source = self.texts.get(mark.file as usize)?;
        let line = self.start(mark).map(|at| &source.text[at..]);
        let line = line.and_then(|rest| rest.split('\n').next()).unwrap_or_default();
        Some(source.place(mark, line))
    }

    /// The first place of `needle` in the `most` bytes after a mark.
    pub(crate) fn search(&self, mark: Mark, needle: &str, most: usize) -> Option<Mark> {
        let text = &self.texts.get(mark.file as usize)?.text;
        let start = self.start(mark)?;
        let skipped = text[start..].chars().take(mark.column.max(1) as usize - 1);
        let from = start + skipped.map(char::len_utf8).sum::<usize>();
        let mut to = (from + most).min(text.len());
        while !text.is_char_boundary(to) {
            to -= 1;
        }
        let at = from + text.get(from..to)?.find(needle)?;
        let starts = self.starts.get(mark.file as usize)?;
        let line = starts.partition_point(|start| *start <= at);
        let column = text[starts[line - 1]..at].chars().count() + 1;
        let clip = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Some(Mark { file: mark.file, line: clip(line), column: clip(column) })
    }

    fn start(&self, mark: Mark) -> Option<usize> {
        let starts = self.starts.get(mark.file as usize)?;
        starts.get(mark.line.max(1) as usize - 1).copied()
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

    #[test]
    fn an_index_finds_the_same_places() {
        let texts = [
            SourceText::decode("f", b"").unwrap(),
            SourceText::decode("g", "é: 1\r\n\nc: ${X}".as_bytes()).unwrap(),
        ];
        let lines = Lines::of(&texts);
        for (file, line) in [(0, 1), (0, 2), (1, 1), (1, 2), (1, 3), (1, 9), (2, 1)] {
            let mark = Mark { file, line, column: 2 };
            assert_eq!(lines.find(mark), SourceText::find(&texts, mark), "{mark:?}");
        }
        let start = Mark { file: 1, line: 1, column: 1 };
        let found = lines.search(start, "${X}", 100);
        assert_eq!(found, Some(Mark { file: 1, line: 3, column: 4 }));
        assert_eq!(lines.search(start, "${X}", 5), None);
        let after = Mark { file: 1, line: 3, column: 5 };
        assert_eq!(lines.search(after, "${X}", 100), None);
        assert_eq!(lines.search(Mark { column: 99, ..after }, "X", 100), None);
    }
}

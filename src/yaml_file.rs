//! What the YAML files that users write for rollproof have in common: how much of them is read, lengths
//! of time, and the place of a mistake.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::{Error, Offset, Place, whole_file};

/// The largest of these files, in bytes.
const LARGEST: u64 = 1 << 20;

/// Reads such a file.
///
/// # Errors
/// It cannot be read, or is larger than 1 MiB.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    whole_file::read(path, LARGEST)
}

/// The same as text.
///
/// # Errors
/// Those of [`read`], and bytes that are no UTF-8.
pub(crate) fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path)?).map_err(io::Error::other)
}

/// A length of time such as `500ms`, `1m30s` or 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Time(pub(crate) Offset);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "0" {
            return Ok(Self(Offset::ZERO));
        }
        let wrong = |reason: String| {
            serde::de::Error::custom(format!("`{text}` is no length of time: {reason}"))
        };
        let time = humantime::parse_duration(&text).map_err(|error| wrong(error.to_string()))?;
        if time > Duration::from_secs(7 * 24 * 3600) {
            return Err(wrong("the longest is 7 days".to_owned()));
        }
        Ok(Self(Offset::from(time)))
    }
}

/// The error for `what`, a file called `name`, that cannot be read as YAML, with its place.
pub(crate) fn refuse(what: &str, name: &str, text: &str, error: &serde_yaml::Error) -> Error {
    let error = error.without_snippet();
    let said = error.to_string();
    let location = error.location();
    // The place is shown by itself.
    let message = location.map_or(said.as_str(), |location| {
        let suffix = format!(" at line {}, column {}", location.line(), location.column());
        said.find(&suffix).map_or(said.as_str(), |end| &said[..end])
    });
    let message = message.strip_prefix("error: ").unwrap_or(message);
    refuse_at(what, name, text, location.map(|at| (at.line(), at.column())), message)
}

/// The same for a mistake that the YAML reader does not know, at a line and a column.
pub(crate) fn refuse_at(
    what: &str,
    name: &str,
    text: &str,
    at: Option<(u64, u64)>,
    message: &str,
) -> Error {
    let refused = Error::stack(format!("the {what} is not valid: {message}"));
    let Some((line, column)) = at else { return refused };
    let line = usize::try_from(line).unwrap_or(1).max(1);
    refused.at(Place {
        file: PathBuf::from(name),
        line,
        column: usize::try_from(column).unwrap_or(1).max(1),
        text: text.lines().nth(line - 1).unwrap_or_default().to_owned(),
    })
}

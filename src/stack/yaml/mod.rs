//! YAML as `gopkg.in/yaml.v3` reads it into untyped values. A library parses; what it leaves open
//! (types of scalars, merge keys, duplicate keys, aliases) is decided here.

mod compose;
mod dialect;
mod events;
mod notes;
mod scalar;

use super::diagnostic::Mark;
use super::fault::{Fault, Faults};
use super::node::{Node, Value};
use super::warning::Warnings;

/// Reads the first document of a file; the top level must be a mapping.
///
/// # Errors
/// Malformed YAML, duplicate keys, unknown or recursive aliases, excessive aliasing, a top level
/// that is not a mapping.
pub(crate) fn parse(text: &str, file: u32) -> Result<Node, Fault> {
    read(text, file, &mut Warnings::default()).map_err(Faults::first)
}

/// The same with every fault, and with warnings about what is read in another way than it looks.
///
/// # Errors
/// As [`parse`].
pub(crate) fn read(text: &str, file: u32, warnings: &mut Warnings) -> Result<Node, Faults> {
    let start = Mark { file, line: 1, column: 1 };
    let wrong_top = |mark| Faults::from(Fault::at(mark, "top-level object must be a mapping"));
    let Some(document) = events::read(text, file)? else {
        return Err(wrong_top(start));
    };
    notes::warn(&document, warnings);
    let top = compose::compose(&document)?;
    match &top.value {
        Value::Map(map) if map.odd_key.is_none() => Ok(top),
        Value::Map(map) => Err(wrong_top(map.odd_key.unwrap_or(start))),
        _ => Err(wrong_top(top.mark)),
    }
}

/// Whether a plain scalar with these characters is read as a string.
pub(crate) fn reads_as_text(text: &str) -> bool {
    text != "<<" && matches!(scalar::resolve(&text.into(), true, None), Ok(Value::Text(_)))
}

//! YAML as `gopkg.in/yaml.v3` reads it into untyped values: the parser is a library's, what it
//! leaves open (scalar types, merge keys, duplicate keys, aliases) is decided here.

mod compose;
mod dialect;
mod events;
mod scalar;

use super::diagnostic::Fault;
use super::diagnostic::Mark;
use super::node::{Node, Value};

/// Reads the first document of a text; the top must be a mapping.
///
/// # Errors
/// Malformed YAML, duplicate keys, unknown or recursive aliases, excessive aliasing, a top that
/// is no mapping.
pub(crate) fn parse(text: &str, file: u32) -> Result<Node, Fault> {
    let start = Mark { file, line: 1, column: 1 };
    let wrong_top = |mark| Fault::at(mark, "top-level object must be a mapping");
    let Some(document) = events::read(text, file)? else {
        return Err(wrong_top(start));
    };
    let top = compose::compose(&document)?;
    match &top.value {
        Value::Map(map) if map.odd_key.is_none() => Ok(top),
        Value::Map(map) => Err(wrong_top(map.odd_key.unwrap_or(start))),
        _ => Err(wrong_top(top.mark)),
    }
}

/// Whether a plain scalar with this text is read as that text.
pub(crate) fn reads_as_text(text: &str) -> bool {
    text != "<<" && matches!(scalar::resolve(&text.into(), true, None), Ok(Value::Text(_)))
}

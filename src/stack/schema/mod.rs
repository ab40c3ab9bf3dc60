//! The keys that a stack file may have, and their types, for every version from 3.0 to 3.13.
//!
//! The rules are tables: what the client accepts and refuses.

mod check;
mod hint;
mod rule;
mod service;
mod top;
mod values;

use std::fmt;

pub(crate) use check::check;

use super::diagnostic::Mark;
use super::fault::Fault;
use super::golang;
use super::node::{Node, Value};

/// The version of a file as the client reads it: absent, `""` and `"3"` mean the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    text: String,
    mark: Mark,
}

impl Version {
    /// The newest minor version.
    pub(crate) const NEWEST: u8 = 13;

    /// Reads the version from a file, before variables are replaced.
    pub(crate) fn of(top: &Node) -> Self {
        let entry = top.as_map().and_then(|map| map.entry("version"));
        let text = entry.map_or_else(String::new, |entry| match &entry.node.value {
            Value::Null => "<nil>".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Int(n) => n.to_string(),
            Value::Uint(n) => n.to_string(),
            Value::Float(n) => golang::show_float(*n),
            Value::Text(text) | Value::Time(text) => text.to_string(),
            Value::List(_) | Value::Map(_) => "not a string".to_owned(),
        });
        let text = if matches!(text.as_str(), "" | "3") { "3.13".to_owned() } else { text };
        Self { text, mark: entry.map_or(top.mark, |entry| entry.node.mark) }
    }

    /// The number after `3.`.
    ///
    /// # Errors
    /// A version the client has no schema for.
    pub(crate) fn minor(&self) -> Result<u8, Fault> {
        self.text
            .strip_prefix("3.")
            .filter(|minor| *minor == "0" || !minor.starts_with('0'))
            .and_then(|minor| {
                minor.bytes().all(|b| b.is_ascii_digit()).then(|| minor.parse::<u8>().ok())?
            })
            .filter(|minor| *minor <= Self::NEWEST)
            .ok_or_else(|| {
                Fault::at(self.mark, format!("unsupported Compose file version: {self}"))
                    .hint("remove `version`, or use \"3.0\" to \"3.13\" (in quotes)")
            })
    }

    /// Refuses a file whose version differs from the first file's.
    ///
    /// # Errors
    /// The versions differ.
    pub(crate) fn same_as(&self, first: &Self) -> Result<(), Fault> {
        if self.text == first.text {
            return Ok(());
        }
        Err(Fault::at(
            self.mark,
            format!("version mismatched between two composefiles : {first} and {self}"),
        ))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::yaml;

    #[test]
    fn versions() {
        for (text, expected) in [
            ("a: 1", Some(13)),
            ("version: ''", Some(13)),
            ("version: '3'", Some(13)),
            ("version: '3.0'", Some(0)),
            ("version: 3.8", Some(8)),
            ("version: '3.14'", None),
            ("version: '3.08'", None),
            ("version: '2.4'", None),
            ("version:", None),
        ] {
            let top = yaml::parse(text, 0).unwrap();
            assert_eq!(Version::of(&top).minor().ok(), expected, "{text}");
        }
    }
}

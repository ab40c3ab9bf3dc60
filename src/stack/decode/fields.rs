//! Values of the keys of a mapping; what is absent or null is empty.

use super::scalars;
use crate::stack::fault::Fault;
use crate::stack::golang;
use crate::stack::mark::Mark;
use crate::stack::node::{Mapping, Node, Value};

/// The keys of a mapping, matched as the client's decoder matches them: exactly, or else
/// without regard to case (this matters only where the schema lets any key through).
#[derive(Clone, Copy)]
pub(super) struct Fields<'a>(&'a Mapping);

impl<'a> Fields<'a> {
    /// The keys of a node that must be a mapping.
    pub(super) fn of(node: &'a Node) -> Result<Self, Fault> {
        node.as_map().map(Self).ok_or_else(|| scalars::wrong(node, "map"))
    }

    /// The mapping itself.
    pub(super) fn map(self) -> &'a Mapping {
        self.0
    }

    /// The value of a key, if it is there and not null.
    pub(super) fn get(self, key: &str) -> Option<&'a Node> {
        self.0
            .entry_any_case(key)
            .map(|entry| &entry.node)
            .filter(|node| !matches!(node.value, Value::Null))
    }

    /// Where the value of a key stands.
    pub(super) fn mark(self, key: &str) -> Option<Mark> {
        self.0.entry_any_case(key).map(|entry| entry.node.mark)
    }

    /// What `read` makes of a key's value.
    pub(super) fn map_to<T>(
        self,
        key: &str,
        read: impl FnOnce(&'a Node) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        self.get(key).map(read).transpose()
    }

    pub(super) fn text(self, key: &str) -> Result<String, Fault> {
        Ok(self.map_to(key, scalars::text)?.unwrap_or_default())
    }

    pub(super) fn boolean(self, key: &str) -> Result<bool, Fault> {
        Ok(self.map_to(key, scalars::boolean)?.unwrap_or_default())
    }

    pub(super) fn signed(self, key: &str) -> Result<i64, Fault> {
        Ok(self.map_to(key, scalars::signed)?.unwrap_or_default())
    }

    pub(super) fn size(self, key: &str) -> Result<i64, Fault> {
        Ok(self.map_to(key, scalars::size)?.unwrap_or_default())
    }

    /// Nanoseconds, if given.
    pub(super) fn duration(self, key: &str) -> Result<Option<i64>, Fault> {
        self.map_to(key, scalars::duration)
    }

    /// A number that is not negative, if given.
    pub(super) fn unsigned(self, key: &str) -> Result<Option<u64>, Fault> {
        self.map_to(key, scalars::unsigned)
    }

    /// A list of texts.
    pub(super) fn texts(self, key: &str) -> Result<Vec<String>, Fault> {
        Ok(self.map_to(key, texts)?.unwrap_or_default())
    }

    /// A text or a list of texts; absent is not empty.
    pub(super) fn text_or_texts(self, key: &str) -> Result<Option<Vec<String>>, Fault> {
        self.map_to(key, |node| match &node.value {
            Value::Text(text) => Ok(vec![text.to_string()]),
            _ => texts(node),
        })
    }

    /// A command: a text is split into words.
    pub(super) fn command(self, key: &str) -> Result<Vec<String>, Fault> {
        let words = self.map_to(key, |node| match &node.value {
            Value::Text(text) => golang::split_words(text)
                .map_err(|message| Fault::at(node.mark, format!("{key}: {message}"))),
            _ => texts(node),
        })?;
        Ok(words.unwrap_or_default())
    }
}

/// A list of texts.
pub(super) fn texts(node: &Node) -> Result<Vec<String>, Fault> {
    match &node.value {
        Value::List(items) => items.iter().map(scalars::text).collect(),
        _ => Err(scalars::wrong(node, "list")),
    }
}

//! A stack file as a tree of values that remember their places.

use std::sync::Arc;

use super::diagnostic::Mark;

/// A value of a stack file and its place.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) mark: Mark,
}

/// A YAML value. Strings are shared, which keeps aliases cheap.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// An integer beyond the signed range.
    Uint(u64),
    Float(f64),
    /// A timestamp, in the form Go prints. It is a string for the schema but not for the decoder.
    Time(Arc<str>),
    Text(Arc<str>),
    List(Vec<Node>),
    Map(Mapping),
}

/// A mapping in the order of the file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mapping {
    /// The entries; keys are unique.
    pub(crate) entries: Vec<Entry>,
    /// The place of a key that is not a string; the schema check refuses such a file.
    pub(crate) odd_key: Option<Mark>,
}

/// One entry of a mapping.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Arc<str>,
    /// The place of the key.
    pub(crate) mark: Mark,
    pub(crate) node: Node,
}

impl Mapping {
    /// The entry of a key.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| &*entry.key == key)
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// The entry of exactly this key, or else of one that differs only in case: this is how the
    /// client's decoder matches keys that the schema does not restrict.
    pub(crate) fn entry_any_case(&self, key: &str) -> Option<&Entry> {
        self.entry(key)
            .or_else(|| self.entries.iter().find(|entry| entry.key.eq_ignore_ascii_case(key)))
    }
}

impl Node {
    /// The mapping, if it is one.
    pub(crate) fn as_map(&self) -> Option<&Mapping> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The value of a key, if this is a mapping that has the key.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.get(key)
    }
}

//! A stack file as a tree of values that remember where they were written.

use std::sync::Arc;

use super::diagnostic::Mark;

/// A value of a stack file and where it was written.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) mark: Mark,
}

/// What YAML's scalars and collections became. Texts are shared, so that aliases stay cheap.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// A whole number beyond the signed range.
    Uint(u64),
    Float(f64),
    /// A timestamp, in the form Go prints it. It is text to the schema but not to the decoder.
    Time(Arc<str>),
    Text(Arc<str>),
    List(Vec<Node>),
    Map(Mapping),
}

/// A mapping in the order of the file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mapping {
    /// Keys are unique.
    pub(crate) entries: Vec<Entry>,
    /// Where a key stands that is no text: such a file is refused by the schema check.
    pub(crate) odd_key: Option<Mark>,
}

/// One entry of a mapping.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Arc<str>,
    /// Where the key stands.
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

    /// The entry whose key differs at most in letter case, the exact one first: this is how
    /// the client's decoder matches keys that the schema does not restrict.
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

    /// The value of a key, if it is a mapping that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.get(key)
    }
}

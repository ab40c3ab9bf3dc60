//! A YAML tree whose entries keep their order.

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_yaml::DoubleQuoted;

use crate::stack::golang;
use crate::stack::model::{MaybeTexts, Texts};
use crate::stack::node::{Node, Value};
use crate::stack::yaml::reads_as_text;

/// A YAML value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Text(String),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

impl Serialize for Tree {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(n) => serializer.serialize_i64(*n),
            Self::Uint(n) => serializer.serialize_u64(*n),
            Self::Float(n) => serializer.serialize_f64(*n),
            // Strings that docker would read as another type are quoted.
            Self::Text(text) if reads_as_text(text) => serializer.serialize_str(text),
            Self::Text(text) => DoubleQuoted(text).serialize(serializer),
            Self::List(items) => items.serialize(serializer),
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    if reads_as_text(key) {
                        map.serialize_entry(key, value)?;
                    } else {
                        map.serialize_entry(&DoubleQuoted(key), value)?;
                    }
                }
                map.end()
            }
        }
    }
}

/// A mapping under construction that omits empty values.
#[derive(Debug, Default)]
pub(super) struct Keys(Vec<(String, Tree)>);

impl Keys {
    pub(super) fn set(mut self, key: &str, value: Tree) -> Self {
        self.0.push((key.to_owned(), value));
        self
    }

    pub(super) fn maybe(self, key: &str, value: Option<Tree>) -> Self {
        match value {
            Some(value) => self.set(key, value),
            None => self,
        }
    }

    pub(super) fn text(self, key: &str, text: &str) -> Self {
        if text.is_empty() { self } else { self.set(key, Tree::Text(text.to_owned())) }
    }

    pub(super) fn flag(self, key: &str, flag: bool) -> Self {
        if flag { self.set(key, Tree::Bool(true)) } else { self }
    }

    pub(super) fn int(self, key: &str, number: i64) -> Self {
        if number == 0 { self } else { self.set(key, Tree::Int(number)) }
    }

    pub(super) fn uint(self, key: &str, number: Option<u64>) -> Self {
        self.maybe(key, number.map(Tree::Uint))
    }

    pub(super) fn duration(self, key: &str, nanos: Option<i64>) -> Self {
        self.maybe(key, nanos.map(|nanos| Tree::Text(golang::show_duration(nanos))))
    }

    pub(super) fn size(self, key: &str, bytes: i64) -> Self {
        if bytes == 0 { self } else { self.set(key, Tree::Text(bytes.to_string())) }
    }

    pub(super) fn list<T>(self, key: &str, items: &[T], item: impl Fn(&T) -> Tree) -> Self {
        if items.is_empty() {
            self
        } else {
            self.set(key, Tree::List(items.iter().map(item).collect()))
        }
    }

    pub(super) fn lines(self, key: &str, lines: &[String]) -> Self {
        self.list(key, lines, |line| Tree::Text(line.clone()))
    }

    pub(super) fn texts(self, key: &str, texts: &Texts) -> Self {
        let entries = texts.iter().map(|(key, value)| (key.clone(), Tree::Text(value.clone())));
        self.map(key, entries.collect())
    }

    pub(super) fn maybe_texts(self, key: &str, texts: &MaybeTexts) -> Self {
        let value = |value: &Option<String>| value.clone().map_or(Tree::Null, Tree::Text);
        self.map(key, texts.iter().map(|(key, text)| (key.clone(), value(text))).collect())
    }

    /// Sets a mapping unless it is empty.
    pub(super) fn map(self, key: &str, entries: Vec<(String, Tree)>) -> Self {
        if entries.is_empty() { self } else { self.set(key, Tree::Map(entries)) }
    }

    /// Sets another mapping unless it is empty.
    pub(super) fn keys(self, key: &str, keys: Self) -> Self {
        self.map(key, keys.0)
    }

    /// Adds nodes as they are.
    pub(super) fn extras<'a>(
        mut self,
        extras: impl Iterator<Item = (&'a String, &'a Node)>,
    ) -> Self {
        self.0.extend(extras.map(|(key, node)| (key.clone(), from_node(node))));
        self
    }

    pub(super) fn finish(self) -> Tree {
        Tree::Map(self.0)
    }
}

/// A value as it was read.
fn from_node(node: &Node) -> Tree {
    match &node.value {
        Value::Null => Tree::Null,
        Value::Bool(value) => Tree::Bool(*value),
        Value::Int(n) => Tree::Int(*n),
        Value::Uint(n) => Tree::Uint(*n),
        Value::Float(n) => Tree::Float(*n),
        Value::Text(text) | Value::Time(text) => Tree::Text(text.to_string()),
        Value::List(items) => Tree::List(items.iter().map(from_node).collect()),
        Value::Map(map) => {
            let mut entries: Vec<(String, Tree)> = map
                .entries
                .iter()
                .map(|entry| (entry.key.to_string(), from_node(&entry.node)))
                .collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Tree::Map(entries)
        }
    }
}

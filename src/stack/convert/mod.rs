//! From the model to request bodies, as in the client's `compose/convert`. What the client omits
//! when it is empty is omitted here; the rest is sent even if it is null.

mod container;
mod files;
mod mounts;
mod networks;
mod service;

use serde_json::{Map, Value, json};

pub(crate) use files::{Contents, file_objects};
pub(crate) use networks::{external_networks, networks};
pub(crate) use service::services;

use super::STACK_LABEL;
use super::model::Texts;

/// A name with the stack's prefix.
fn scope(namespace: &str, name: &str) -> String {
    format!("{namespace}_{name}")
}

/// The name that was given, or else the key with the stack's prefix.
fn name_or_scoped(namespace: &str, key: &str, name: &str) -> String {
    if name.is_empty() { scope(namespace, key) } else { name.to_owned() }
}

/// Labels plus the stack's own label, which cannot be overridden.
fn labels(namespace: &str, labels: &Texts) -> Texts {
    let mut labels = labels.clone();
    labels.insert(STACK_LABEL.to_owned(), namespace.to_owned());
    labels
}

/// A JSON object under construction, with methods for Go's `omitempty`.
#[derive(Debug, Default)]
struct Body(Map<String, Value>);

impl Body {
    /// Sets a key, whatever the value.
    fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// Sets a key if there is a value.
    fn maybe(self, key: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.set(key, value),
            None => self,
        }
    }

    /// Sets a string unless it is empty.
    fn text(self, key: &str, text: &str) -> Self {
        if text.is_empty() { self } else { self.set(key, text) }
    }

    /// Sets a flag if it is true.
    fn flag(self, key: &str, flag: bool) -> Self {
        if flag { self.set(key, true) } else { self }
    }

    /// Sets a number unless it is 0.
    fn number<T: Into<Value> + PartialEq + Default>(self, key: &str, number: T) -> Self {
        if number == T::default() { self } else { self.set(key, number) }
    }

    /// Sets a list unless it is empty.
    fn list<T: Into<Value>>(self, key: &str, items: Vec<T>) -> Self {
        if items.is_empty() { self } else { self.set(key, items) }
    }

    /// Sets a map of strings unless it is empty.
    fn texts(self, key: &str, texts: &Texts) -> Self {
        if texts.is_empty() { self } else { self.set(key, json!(texts)) }
    }

    /// The finished object.
    fn finish(self) -> Value {
        Value::Object(self.0)
    }
}

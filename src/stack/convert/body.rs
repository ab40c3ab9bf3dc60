//! A JSON object that leaves out what Go's `omitempty` leaves out.

use serde_json::{Map, Value, json};

use crate::stack::model::Texts;

/// A JSON object under construction.
#[derive(Debug, Default)]
pub(super) struct Body(Map<String, Value>);

impl Body {
    /// Sets a key, whatever the value.
    pub(super) fn set(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// Sets a key if there is a value.
    pub(super) fn maybe(self, key: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.set(key, value),
            None => self,
        }
    }

    /// Sets a text unless it is empty.
    pub(super) fn text(self, key: &str, text: &str) -> Self {
        if text.is_empty() { self } else { self.set(key, text) }
    }

    /// Sets a flag if it is true.
    pub(super) fn flag(self, key: &str, flag: bool) -> Self {
        if flag { self.set(key, true) } else { self }
    }

    /// Sets a number unless it is 0.
    pub(super) fn number<T: Into<Value> + PartialEq + Default>(self, key: &str, number: T) -> Self {
        if number == T::default() { self } else { self.set(key, number) }
    }

    /// Sets a list unless it is empty.
    pub(super) fn list<T: Into<Value>>(self, key: &str, items: Vec<T>) -> Self {
        if items.is_empty() { self } else { self.set(key, items) }
    }

    /// Sets a map of texts unless it is empty.
    pub(super) fn texts(self, key: &str, texts: &Texts) -> Self {
        if texts.is_empty() { self } else { self.set(key, json!(texts)) }
    }

    /// The finished object.
    pub(super) fn finish(self) -> Value {
        Value::Object(self.0)
    }
}

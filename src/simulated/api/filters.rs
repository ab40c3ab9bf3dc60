//! Filters of lists.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Reply;

/// Filters: an object fits if for each name one of its values does.
#[derive(Debug, Default)]
pub(in crate::simulated) struct Filters(BTreeMap<String, Vec<String>>);

impl Filters {
    /// Reads `{"label": ["a=b"]}`, or the older `{"label": {"a=b": true}}`.
    pub(super) fn read(text: Option<&str>) -> Result<Self, Reply> {
        let Some(text) = text else { return Ok(Self::default()) };
        let invalid = || Reply::error(400, "invalid filter");
        let value: Value = serde_json::from_str(text).map_err(|_| invalid())?;
        let of = |value: &Value| match value {
            Value::Array(values) => {
                values.iter().map(|value| value.as_str().map(str::to_owned)).collect()
            }
            Value::Object(values) => Some(values.keys().cloned().collect()),
            _ => None,
        };
        let map = value.as_object().ok_or_else(invalid)?;
        let all = map.iter().map(|(key, value)| Some((key.clone(), of(value)?)));
        all.collect::<Option<_>>().map(Self).ok_or_else(invalid)
    }

    /// The values of a filter; none if it is not set.
    pub(super) fn values(&self, name: &str) -> &[String] {
        self.0.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a filter is absent, or one of its values fits.
    pub(super) fn allow(&self, name: &str, fits: impl Fn(&str) -> bool) -> bool {
        let values = self.values(name);
        values.is_empty() || values.iter().any(|value| fits(value))
    }

    /// Whether every wanted label is there.
    pub(super) fn allow_labels(&self, labels: &Value) -> bool {
        self.values("label").iter().all(|wanted| match wanted.split_once('=') {
            Some((key, value)) => labels[key] == value,
            None => labels.get(wanted.as_str()).is_some(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_spellings_are_read() {
        for text in [r#"{"label":["a=b"],"name":[]}"#, r#"{"label":{"a=b":true}}"#] {
            let filters = Filters::read(Some(text)).ok().unwrap();
            assert!(filters.allow_labels(&json!({"a": "b"})));
            assert!(!filters.allow_labels(&json!({"a": "c"})));
            assert!(filters.allow("name", |_| false), "no value is no filter");
        }
        assert!(Filters::read(Some("[1]")).is_err());
    }
}

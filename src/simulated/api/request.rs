//! What the engine is asked.

use std::collections::BTreeMap;

use bytes::Bytes;
use hyper::Method;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::Reply;
use super::filters::Filters;

/// A request, without the version in front of its path.
pub(in crate::simulated) struct Asked {
    pub(in crate::simulated) method: Method,
    pub(in crate::simulated) path: Vec<String>,
    query: BTreeMap<String, String>,
    pub(super) body: Bytes,
}

impl Asked {
    /// Reads method, path and query.
    pub(in crate::simulated) fn new(method: Method, path: &str, query: &str, body: Bytes) -> Self {
        let parts = path.split('/').filter(|part| !part.is_empty());
        let mut path: Vec<String> =
            parts.map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned()).collect();
        let versioned = path.first().is_some_and(|first| {
            first
                .strip_prefix('v')
                .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        });
        if versioned {
            path.remove(0);
        }
        let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Self { method, path, query, body }
    }

    /// A parameter of the query; an empty one is none.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether a parameter is set to true.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.parameter(name).is_some_and(|value| !matches!(value, "0" | "false" | "False"))
    }

    /// The filters of a list.
    pub(super) fn filters(&self) -> Result<Filters, Reply> {
        Filters::read(self.parameter("filters"))
    }

    /// The body as JSON.
    pub(super) fn json(&self) -> Result<Value, Reply> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Reply::error(400, format!("invalid JSON: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lose_their_version_and_their_escapes() {
        let asked =
            Asked::new(Method::GET, "/v1.51/images/a%2Fb:1/json", "x=%7B%7D&y", Bytes::new());
        assert_eq!(asked.path, ["images", "a/b:1", "json"]);
        assert_eq!((asked.parameter("x"), asked.parameter("y")), (Some("{}"), None));
        let volumes = Asked::new(Method::GET, "/volumes", "", Bytes::new());
        assert_eq!(volumes.path, ["volumes"]);
    }
}

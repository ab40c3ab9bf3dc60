//! Regular expressions that a good response matches.

use hyper::HeaderMap;
use regex::bytes::{Regex, RegexBuilder};

use super::{BodyExpect, Expect};
use crate::{Error, Result};

/// The expressions of a stream, compiled once.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    /// What the body must match.
    pub body: Option<Regex>,
    headers: Vec<(String, Regex)>,
}

impl Patterns {
    /// # Errors
    /// A usage error for an expression that is not valid.
    pub fn of(expect: &Expect) -> Result<Self> {
        let body = match &expect.body {
            BodyExpect::Regex(text) => Some(compile(text)?),
            _ => None,
        };
        let header = |(name, text): &(String, String)| Ok((name.clone(), compile(text)?));
        let headers = expect.header_patterns.iter().map(header).collect::<Result<_>>()?;
        Ok(Self { body, headers })
    }

    /// Whether the headers match.
    pub fn fit(&self, headers: &HeaderMap) -> bool {
        self.headers.iter().all(|(name, pattern)| {
            headers.get_all(name).iter().any(|value| pattern.is_match(value.as_bytes()))
        })
    }
}

/// Bytes, not characters: a body may be anything. `.` matches no line break, as usual.
fn compile(text: &str) -> Result<Regex> {
    RegexBuilder::new(text).unicode(false).build().map_err(|error| {
        Error::usage(format!("`{text}` is not a regular expression"))
            .caused_by(error)
            .hint("https://docs.rs/regex describes the syntax")
    })
}

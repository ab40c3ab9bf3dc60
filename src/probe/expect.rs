//! What a good response looks like.

use hyper::HeaderMap;
use regex::bytes::Regex;
use serde::{Deserialize, Serialize};

use super::patterns::Patterns;
use crate::record::Outcome;

/// What a good response looks like. Anything else is a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expect {
    /// The status; `None`: any except 5xx.
    pub status: Option<u16>,
    /// Other statuses that are as good.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<u16>,
    /// The body.
    pub body: BodyExpect,
    /// The versions that may answer, from the header `X-Rollproof-Version`; empty: any, or none.
    pub versions: Vec<String>,
    /// Headers that it must have, with these values; names in any case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// Headers that it must have, with values that match these regular expressions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub header_patterns: Vec<(String, String)>,
}

/// What the body of a good response must be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BodyExpect {
    /// Anything, as long as it is complete.
    #[default]
    Any,
    /// Anything that starts with these bytes.
    Prefix(String),
    /// Exactly these bytes.
    Exact(String),
    /// Anything that matches this regular expression, in its first [`SEARCHED`] bytes.
    Regex(String),
}

/// How much of a body is searched, in bytes: a body is not kept without a limit.
const SEARCHED: usize = 1 << 20;

impl Default for Expect {
    fn default() -> Self {
        Self {
            status: Some(200),
            also: Vec::new(),
            body: BodyExpect::Any,
            versions: Vec::new(),
            headers: Vec::new(),
            header_patterns: Vec::new(),
        }
    }
}

impl Expect {
    /// The first expected header that a response lacks, with the wanted value.
    #[must_use]
    pub fn missing_header(&self, headers: &HeaderMap) -> Option<&(String, String)> {
        let is_there = |(name, wanted): &(String, String)| {
            headers.get_all(name.as_str()).iter().any(|value| value.as_bytes() == wanted.as_bytes())
        };
        self.headers.iter().find(|wanted| !is_there(wanted))
    }

    /// What is wrong with the status and the version of a response, if anything. `from_app`: it carried the
    /// application's header; `app_known`: an earlier good response did.
    ///
    /// 502, 503 and 504 without the header come from a proxy. Other 5xx come from the application,
    /// unless it is known to mark its responses and this one is not marked.
    pub(super) fn head(
        &self,
        status: u16,
        version: Option<&str>,
        from_app: bool,
        app_known: bool,
    ) -> Option<Outcome> {
        let as_expected = match self.status {
            Some(wanted) => status == wanted || self.also.contains(&status),
            None => status < 500,
        };
        if as_expected {
            let wrong = !self.versions.is_empty()
                && !version.is_some_and(|version| self.versions.iter().any(|v| v == version));
            return wrong.then_some(Outcome::WrongVersion);
        }
        Some(match status {
            500..=599 if from_app => Outcome::AppError,
            502 => Outcome::Proxy502,
            503 => Outcome::Proxy503,
            504 => Outcome::Proxy504,
            500..=599 if !app_known => Outcome::AppError,
            _ => Outcome::WrongStatus,
        })
    }
}

/// Compares a body with what is expected, piece by piece, without keeping it.
#[derive(Debug)]
pub(super) struct BodyCheck<'a> {
    wanted: &'a [u8],
    exact: bool,
    matched: usize,
    wrong: bool,
    search: Option<(&'a Regex, Vec<u8>)>,
}

impl<'a> BodyCheck<'a> {
    pub fn new(expect: &'a BodyExpect, patterns: &'a Patterns) -> Self {
        let (wanted, exact) = match expect {
            BodyExpect::Any | BodyExpect::Regex(_) => (&[][..], false),
            BodyExpect::Prefix(text) => (text.as_bytes(), false),
            BodyExpect::Exact(text) => (text.as_bytes(), true),
        };
        let search = patterns.body.as_ref().map(|pattern| (pattern, Vec::new()));
        Self { wanted, exact, matched: 0, wrong: false, search }
    }

    /// The next piece.
    pub fn feed(&mut self, piece: &[u8]) {
        let left = &self.wanted[self.matched..];
        let common = left.len().min(piece.len());
        self.wrong |= left[..common] != piece[..common];
        self.wrong |= self.exact && piece.len() > left.len();
        self.matched += common;
        if let Some((_, body)) = &mut self.search {
            let room = SEARCHED.saturating_sub(body.len()).min(piece.len());
            body.extend_from_slice(&piece[..room]);
        }
    }

    /// Whether anything must come.
    pub fn wants_bytes(&self) -> bool {
        !self.wanted.is_empty() || self.search.is_some()
    }

    /// Whether what came so far is right whatever follows, or wrong whatever follows. Of an exact
    /// body, nothing more is awaited.
    pub fn decided(&self) -> Option<bool> {
        if self.wrong {
            return Some(false);
        }
        match &self.search {
            Some((pattern, body)) if pattern.is_match(body) => Some(true),
            Some((_, body)) if body.len() >= SEARCHED => Some(false),
            Some(_) => None,
            None => (self.matched == self.wanted.len()).then_some(true),
        }
    }

    /// Whether the body, now complete, was as expected.
    pub fn is_right(&self) -> bool {
        let found = self.search.as_ref().is_none_or(|(pattern, body)| pattern.is_match(body));
        found && !self.wrong && self.matched == self.wanted.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn proxy_errors_differ_from_application_errors() {
        let expect = Expect::default();
        for (status, from_app, app_known, wanted) in [
            (200, true, true, None),
            (200, false, true, None),
            (204, true, true, Some(Outcome::WrongStatus)),
            (302, false, false, Some(Outcome::WrongStatus)),
            (404, true, true, Some(Outcome::WrongStatus)),
            (500, true, true, Some(Outcome::AppError)),
            (500, false, false, Some(Outcome::AppError)),
            (500, false, true, Some(Outcome::WrongStatus)),
            (502, true, true, Some(Outcome::AppError)),
            (502, false, true, Some(Outcome::Proxy502)),
            (503, false, false, Some(Outcome::Proxy503)),
            (504, false, true, Some(Outcome::Proxy504)),
        ] {
            assert_eq!(expect.head(status, None, from_app, app_known), wanted, "{status}");
        }
    }

    #[test]
    fn the_expected_status_is_never_wrong() {
        let expect = Expect { status: Some(503), ..Expect::default() };
        assert_eq!(expect.head(503, None, false, true), None);
        assert_eq!(expect.head(200, None, false, true), Some(Outcome::WrongStatus));
        let expect = Expect { status: None, ..Expect::default() };
        assert_eq!(expect.head(404, None, false, true), None);
        assert_eq!(expect.head(502, None, false, true), Some(Outcome::Proxy502));
    }

    #[test]
    fn a_version_must_be_an_expected_one() {
        let versions = vec!["v1".to_owned(), "v2".to_owned()];
        let expect = Expect { versions, ..Expect::default() };
        assert_eq!(expect.head(200, Some("v2"), true, true), None);
        assert_eq!(expect.head(200, Some("v3"), true, true), Some(Outcome::WrongVersion));
        assert_eq!(expect.head(200, None, true, true), Some(Outcome::WrongVersion));
    }

    #[test]
    fn an_expected_header_must_be_there_with_its_value() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let headers = vec![pair("X-Served-By", "shop"), pair("via", "a")];
        let expect = Expect { headers: headers.clone(), ..Expect::default() };
        let response = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
            let name = hyper::header::HeaderName::from_static;
            let value = hyper::header::HeaderValue::from_static;
            pairs.iter().map(|(n, v)| (name(n), value(v))).collect()
        };
        let mut good = response(&[("x-served-by", "shop"), ("via", "b")]);
        assert_eq!(expect.missing_header(&good), Some(&headers[1]));
        good.append("via", hyper::header::HeaderValue::from_static("a"));
        assert_eq!(expect.missing_header(&good), None);
        let bad = response(&[("x-served-by", "shop2"), ("via", "a")]);
        assert_eq!(expect.missing_header(&bad), Some(&headers[0]));
        assert_eq!(Expect::default().missing_header(&HeaderMap::new()), None);
    }

    fn check(expect: &BodyExpect, pieces: &[&[u8]]) -> bool {
        let whole = Expect { body: expect.clone(), ..Expect::default() };
        let patterns = Patterns::of(&whole).unwrap();
        let mut check = BodyCheck::new(expect, &patterns);
        for piece in pieces {
            check.feed(piece);
        }
        check.is_right()
    }

    #[test]
    fn bodies_are_compared_across_pieces() {
        let exact = BodyExpect::Exact("hello".into());
        assert!(check(&exact, &[b"he", b"", b"llo"]));
        assert!(!check(&exact, &[b"hell"]));
        assert!(!check(&exact, &[b"hello", b"!"]));
        assert!(!check(&exact, &[b"help", b"o"]));
        let prefix = BodyExpect::Prefix("hello".into());
        assert!(check(&prefix, &[b"hel", b"lo there"]));
        assert!(!check(&prefix, &[b"hel"]));
        let pattern = BodyExpect::Regex("^h.l+o$".into());
        assert!(check(&pattern, &[b"he", b"llo"]));
        assert!(!check(&pattern, &[b"hello\n!"]));
        assert!(check(&BodyExpect::Regex("\\d\\d".into()), &[b"\xff1", b"2"]));
        assert!(check(&BodyExpect::Any, &[b"x"]));
        assert!(check(&BodyExpect::Exact(String::new()), &[]));
        assert!(!check(&BodyExpect::Exact(String::new()), &[b"x"]));
    }

    proptest! {
        #[test]
        fn where_a_body_is_split_does_not_matter(wanted in "[ab]{0,6}", body in "[ab]{0,8}", cut in 0_usize..9) {
            let cut = cut.min(body.len());
            let pieces = [&body.as_bytes()[..cut], &body.as_bytes()[cut..]];
            prop_assert_eq!(check(&BodyExpect::Exact(wanted.clone()), &pieces), body == wanted);
            prop_assert_eq!(
                check(&BodyExpect::Prefix(wanted.clone()), &pieces),
                body.starts_with(&wanted)
            );
        }
    }
}

//! What a good answer looks like.

use serde::{Deserialize, Serialize};

use crate::record::Outcome;

/// What a good answer looks like. Anything else is a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expect {
    /// The status; absent: any but a 5xx.
    pub status: Option<u16>,
    /// The body.
    pub body: BodyExpect,
    /// The versions that may answer, by the header `X-Rollproof-Version`; empty: any, or none.
    pub versions: Vec<String>,
}

/// What the body of a good answer must be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BodyExpect {
    /// Anything, but all of it.
    #[default]
    Any,
    /// Anything that begins with these bytes.
    Prefix(String),
    /// Exactly these bytes.
    Exact(String),
}

impl Default for Expect {
    fn default() -> Self {
        Self { status: Some(200), body: BodyExpect::Any, versions: Vec::new() }
    }
}

impl Expect {
    /// What is wrong with the head of an answer, if anything. `from_app`: it carried the
    /// application's header; `app_known`: an earlier good answer did.
    ///
    /// 502, 503 and 504 without the header are a proxy's. Other 5xx are the application's
    /// unless it is known to mark its answers and this one is not marked.
    pub(super) fn head(
        &self,
        status: u16,
        version: Option<&str>,
        from_app: bool,
        app_known: bool,
    ) -> Option<Outcome> {
        let as_expected = match self.status {
            Some(wanted) => status == wanted,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_proxy_from_the_application() {
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
    fn a_version_must_be_one_of_those_wanted() {
        let versions = vec!["v1".to_owned(), "v2".to_owned()];
        let expect = Expect { versions, ..Expect::default() };
        assert_eq!(expect.head(200, Some("v2"), true, true), None);
        assert_eq!(expect.head(200, Some("v3"), true, true), Some(Outcome::WrongVersion));
        assert_eq!(expect.head(200, None, true, true), Some(Outcome::WrongVersion));
    }
}

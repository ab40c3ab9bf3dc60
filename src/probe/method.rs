//! What a request asks for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The HTTP methods a stream can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// `GET`.
    #[default]
    Get,
    /// `HEAD`: the answer has no body to compare.
    Head,
    /// `POST`: proxies do not repeat it on another replica.
    Post,
}

impl Method {
    /// The word in the request line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
        }
    }

    pub(crate) fn to_http(self) -> hyper::Method {
        match self {
            Self::Get => hyper::Method::GET,
            Self::Head => hyper::Method::HEAD,
            Self::Post => hyper::Method::POST,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Method {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self> {
        [Self::Get, Self::Head, Self::Post]
            .into_iter()
            .find(|method| method.as_str().eq_ignore_ascii_case(word))
            .ok_or_else(|| {
                Error::usage(format!("method `{word}` is not supported"))
                    .hint("use GET, HEAD or POST")
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_three_methods_in_any_case() {
        assert_eq!("get".parse::<Method>().unwrap(), Method::Get);
        assert_eq!("HEAD".parse::<Method>().unwrap(), Method::Head);
        assert_eq!("Post".parse::<Method>().unwrap(), Method::Post);
        let error = "PUT".parse::<Method>().unwrap_err();
        assert!(error.message().contains("PUT"));
    }
}

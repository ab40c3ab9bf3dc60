//! What requests carry, and what a good response to them is: the same options wherever something
//! is asked.

use std::ffi::OsStr;
use std::fmt;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Args, Command};

use crate::probe::{BodyExpect, Expect, StreamPlan};

/// What requests carry, and what a good response to them is.
#[derive(Debug, Clone, Args)]
pub(super) struct GoodResponseArgs {
    /// Header to send, such as 'Host: web.example'; can be repeated
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE", value_parser = HeaderParser)]
    #[arg(help_heading = "Request")]
    headers: Vec<Header>,

    /// Expected status
    #[arg(long, value_name = "CODE", default_value_t = 200, allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(u16).range(200..=599))]
    #[arg(help_heading = "Good response")]
    expect_status: u16,

    /// Expected body, complete, including any final line break
    #[arg(long, value_name = "TEXT", conflicts_with = "expect_body_prefix")]
    #[arg(help_heading = "Good response")]
    expect_body: Option<String>,

    /// Expected start of the body
    #[arg(long, value_name = "TEXT", help_heading = "Good response", hide_short_help = true)]
    expect_body_prefix: Option<String>,

    /// Header that a good response must have, with this value; can be repeated
    #[arg(long = "expect-header", value_name = "NAME: VALUE", value_parser = HeaderParser)]
    #[arg(help_heading = "Good response", hide_short_help = true)]
    expect_headers: Vec<Header>,
}

impl GoodResponseArgs {
    /// The headers to send.
    pub(super) fn headers(&self) -> Vec<(String, String)> {
        self.headers.iter().map(Header::pair).collect()
    }

    /// What a good response looks like.
    pub(super) fn expect(&self) -> Expect {
        Expect {
            status: Some(self.expect_status),
            body: match (&self.expect_body, &self.expect_body_prefix) {
                (Some(text), _) => BodyExpect::Exact(text.clone()),
                (None, Some(text)) => BodyExpect::Prefix(text.clone()),
                (None, None) => BodyExpect::Any,
            },
            versions: Vec::new(),
            headers: self.expect_headers.iter().map(Header::pair).collect(),
        }
    }
}

/// A header with its value, which may be a secret.
#[derive(Clone)]
struct Header {
    name: String,
    value: String,
}

impl Header {
    fn pair(&self) -> (String, String) {
        (self.name.clone(), self.value.clone())
    }

    fn parse(text: &str) -> Result<Self, String> {
        let (name, value) =
            text.split_once(':').ok_or("a header has no colon; write it as 'Name: value'")?;
        let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
        let mut plan = StreamPlan::new("header", "http://127.0.0.1/", 1.0)
            .map_err(|error| error.to_string())?;
        plan.header(&name, &value).map_err(|error| error.with_cause())?;
        Ok(Self { name, value })
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: …", self.name)
    }
}

/// Reads a header. An error does not repeat it: it may hold a secret.
#[derive(Debug, Clone)]
struct HeaderParser;

impl TypedValueParser for HeaderParser {
    type Value = Header;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Self::Value, clap::Error> {
        let name = arg.and_then(Arg::get_long).unwrap_or("header");
        let text = value.to_str().ok_or("it is not valid UTF-8".to_owned());
        text.and_then(Header::parse).map_err(|why| {
            let message = format!("invalid value for '--{name}': {why}\n");
            clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(command)
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        good: GoodResponseArgs,
    }

    fn read(words: &[&str]) -> Result<GoodResponseArgs, clap::Error> {
        Line::try_parse_from(["x"].iter().chain(words)).map(|line| line.good)
    }

    #[test]
    fn what_is_typed_is_expected() {
        let args = read(&[
            "-H",
            "Host: shop.example.org",
            "--header=X-A:1",
            "--expect-status=401",
            "--expect-body-prefix=no ",
            "--expect-header",
            "Location: https://a/b",
        ])
        .unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(args.headers(), [pair("Host", "shop.example.org"), pair("X-A", "1")]);
        let expect = args.expect();
        assert_eq!(expect.status, Some(401));
        assert_eq!(expect.body, BodyExpect::Prefix("no ".into()));
        assert_eq!(expect.headers, [pair("Location", "https://a/b")]);
        assert_eq!(read(&[]).unwrap().expect(), Expect::default());
    }

    #[test]
    fn wrong_headers_are_refused_and_secrets_are_not_repeated() {
        for (words, part) in [
            (["-H", "Authorization secret"], "no colon"),
            (["-H", "a b: secret"], "not valid"),
            (["-H", "Connection: secret"], "set by the prober"),
            (["--expect-header", "secret"], "--expect-header"),
        ] {
            let error = read(&words).unwrap_err();
            let text = error.to_string();
            assert!(text.contains(part) && !text.contains("secret"), "{text}");
            assert_eq!(error.kind(), ErrorKind::ValueValidation);
        }
        let secret = read(&["-H", "Authorization: secret"]).unwrap();
        assert!(!format!("{secret:?}").contains("secret"));
    }
}

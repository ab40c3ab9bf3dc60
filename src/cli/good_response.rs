//! What a good response is: the same options wherever something is asked.

use clap::Args;

use super::discreet::Discreet;
use super::header::Header;
use crate::error::{Error, Result};
use crate::probe::{BodyExpect, Expect, StreamPlan};

/// What a good response is.
#[derive(Debug, Clone, Args)]
pub(super) struct GoodResponseArgs {
    /// Expected status; several, separated by commas, if each is good
    #[arg(long, value_name = "CODE", default_value = "200", value_delimiter = ',')]
    #[arg(allow_negative_numbers = true)]
    #[arg(value_parser = status)]
    #[arg(help_heading = "Good response")]
    expect_status: Vec<u16>,

    /// Expected body, complete, including any final line break
    #[arg(long, value_name = "TEXT", conflicts_with = "expect_body_prefix")]
    #[arg(help_heading = "Good response")]
    expect_body: Option<String>,

    /// Expected start of the body
    #[arg(long, value_name = "TEXT", help_heading = "Good response", hide_short_help = true)]
    expect_body_prefix: Option<String>,

    /// Regular expression that the body must match
    #[arg(long, value_name = "REGEX", conflicts_with_all = ["expect_body", "expect_body_prefix"])]
    #[arg(help_heading = "Good response", hide_short_help = true)]
    expect_body_regex: Option<String>,

    /// Header that a good response must have, with a value that matches; can be repeated
    #[arg(long = "expect-header-regex", value_name = "NAME: REGEX", value_parser = Discreet(Header::expected))]
    #[arg(help_heading = "Good response", hide_short_help = true)]
    header_patterns: Vec<Header>,

    /// Header that a good response must have, with this value; can be repeated
    #[arg(long = "expect-header", value_name = "NAME: VALUE", value_parser = Discreet(Header::expected))]
    #[arg(help_heading = "Good response", hide_short_help = true)]
    expect_headers: Vec<Header>,
}

/// Reads a status that a response can end with.
fn status(text: &str) -> Result<u16, String> {
    let status = text.trim().parse().ok().filter(|status| (200..=599).contains(status));
    status.ok_or_else(|| "write a status from 200 to 599, such as 301".to_owned())
}

impl GoodResponseArgs {
    /// Refuses what would have no effect on any of these streams.
    ///
    /// # Errors
    /// A usage error that names the option.
    pub(super) fn check_for(&self, plans: &[StreamPlan]) -> Result<()> {
        let all = |of: fn(&StreamPlan) -> bool| plans.iter().all(of);
        let options = [
            ("--expect-status", self.expect_status != [200]),
            ("--expect-header", !self.expect_headers.is_empty()),
            ("--expect-header-regex", !self.header_patterns.is_empty()),
        ];
        let first = options.into_iter().find_map(|(name, given)| given.then_some(name));
        match first {
            Some(option) if all(|plan| plan.scheme() == "tcp") => {
                Err(Error::usage(format!("{option} has no effect on a tcp:// URL"))
                    .hint("--expect-body and --expect-body-regex say what a good answer is"))
            }
            Some("--expect-status") if all(StreamPlan::is_websocket) => {
                Err(Error::usage("--expect-status has no effect on a WebSocket")
                    .hint("it is open, or it is not; an http:// URL asks for its status"))
            }
            _ => Ok(()),
        }
    }

    /// What a good response looks like.
    pub(super) fn expect(&self) -> Expect {
        Expect {
            status: self.expect_status.first().copied(),
            also: self.expect_status.iter().skip(1).copied().collect(),
            body: match (&self.expect_body, &self.expect_body_prefix, &self.expect_body_regex) {
                (Some(text), ..) => BodyExpect::Exact(text.clone()),
                (None, Some(text), _) => BodyExpect::Prefix(text.clone()),
                (None, None, Some(text)) => BodyExpect::Regex(text.clone()),
                (None, None, None) => BodyExpect::Any,
            },
            versions: Vec::new(),
            headers: self.expect_headers.iter().map(Header::pair).collect(),
            header_patterns: self.header_patterns.iter().map(Header::pair).collect(),
        }
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
            "--expect-status=401",
            "--expect-body-prefix=no ",
            "--expect-header",
            "Location: https://a/b",
        ])
        .unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expect = args.expect();
        assert_eq!(expect.status, Some(401));
        assert_eq!(expect.body, BodyExpect::Prefix("no ".into()));
        assert_eq!(expect.headers, [pair("Location", "https://a/b")]);
        assert_eq!(read(&[]).unwrap().expect(), Expect::default());
        // What the prober sets itself in requests, servers set in responses.
        for header in ["Content-Length: 6", "Connection: close", "X-Name: Zoë"] {
            assert!(read(&["--expect-header", header]).is_ok(), "{header}");
        }
        for wrong in ["X", ": y", "a b: c"] {
            assert!(read(&["--expect-header", wrong]).is_err(), "{wrong}");
        }
    }
}

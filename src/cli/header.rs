//! Headers on the command line, whose values may be secrets.

use std::ffi::OsStr;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Command};

use crate::probe::StreamPlan;

/// A header with its value, which may be a secret.
#[derive(Clone)]
pub(super) struct Header {
    name: String,
    value: String,
}

impl Header {
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    pub(super) fn pair(&self) -> (String, String) {
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

    fn basic(text: &str) -> Result<Self, String> {
        let (name, _) = text.split_once(':').ok_or("there is no colon; write NAME:PASSWORD")?;
        if name.is_empty() {
            return Err("there is no name before the colon; write NAME:PASSWORD".into());
        }
        let value = format!("Basic {}", STANDARD.encode(text));
        Ok(Self { name: "authorization".into(), value })
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: …", self.name)
    }
}

/// Reads a header. An error does not repeat it: it may hold a secret.
#[derive(Debug, Clone)]
pub(super) struct HeaderParser;

/// Reads a name and a password. An error does not repeat them.
#[derive(Debug, Clone)]
pub(super) struct UserParser;

impl TypedValueParser for HeaderParser {
    type Value = Header;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Self::Value, clap::Error> {
        discreetly(command, arg, value, Header::parse)
    }
}

impl TypedValueParser for UserParser {
    type Value = Header;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Self::Value, clap::Error> {
        discreetly(command, arg, value, Header::basic)
    }
}

/// Reads a value that an error must not repeat.
fn discreetly(
    command: &Command,
    arg: Option<&Arg>,
    value: &OsStr,
    read: fn(&str) -> Result<Header, String>,
) -> Result<Header, clap::Error> {
    let name = arg.and_then(Arg::get_long).unwrap_or("header");
    let text = value.to_str().ok_or("it is not valid UTF-8".to_owned());
    text.and_then(read).map_err(|why| {
        let message = format!("invalid value for '--{name}': {why}\n");
        clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(command)
    })
}

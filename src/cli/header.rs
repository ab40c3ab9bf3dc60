//! Headers on the command line, whose values may be secrets.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

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

    /// Reads a header to send. An error does not repeat its value.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (name, value) =
            text.split_once(':').ok_or("a header has no colon; write it as 'Name: value'")?;
        let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
        let mut plan = StreamPlan::new("header", "http://127.0.0.1/", 1.0)
            .map_err(|error| error.to_string())?;
        plan.header(&name, &value).map_err(|error| error.with_cause())?;
        Ok(Self { name, value })
    }

    /// Reads a header that a response must have. Unlike one to send, it may be any.
    pub(super) fn expected(text: &str) -> Result<Self, String> {
        let (name, value) =
            text.split_once(':').ok_or("a header has no colon; write it as 'Name: value'")?;
        let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
        if !StreamPlan::is_header_name(&name) {
            return Err(format!("`{name}` is not a header's name"));
        }
        Ok(Self { name, value })
    }

    /// Reads a name and a password. An error repeats neither.
    pub(super) fn basic(text: &str) -> Result<Self, String> {
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

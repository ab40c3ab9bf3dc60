//! Values that may be secrets: an error does not repeat them.

use std::ffi::OsStr;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Command};

/// Reads a value with a function whose errors say what may be shown of it.
#[derive(Debug, Clone)]
pub(super) struct Discreet<T>(pub(super) fn(&str) -> Result<T, String>);

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Discreet<T> {
    type Value = T;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Self::Value, clap::Error> {
        let name = arg.and_then(Arg::get_long).unwrap_or("value");
        let text = value.to_str().ok_or("it is not valid UTF-8".to_owned());
        text.and_then(self.0).map_err(|why| {
            let message = format!("invalid value for '--{name}': {why}\n");
            clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(command)
        })
    }
}

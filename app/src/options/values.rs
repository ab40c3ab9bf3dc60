//! Values of flags and variables.

use std::time::Duration;

use lexopt::Arg;
use lexopt::prelude::ValueExt;

/// A lookup of environment variables.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The value after a flag.
pub fn value(parser: &mut lexopt::Parser) -> Result<String, String> {
    parser.value().and_then(ValueExt::string).map_err(|error| error.to_string())
}

/// A flag as it was written.
pub fn words_of(argument: &Arg<'_>) -> String {
    match argument {
        Arg::Short(letter) => format!("-{letter}"),
        Arg::Long(name) => format!("--{name}"),
        Arg::Value(value) => value.to_string_lossy().into_owned(),
    }
}

pub fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| "expected a duration such as 500ms or 10s".to_owned())
}

/// Whole seconds, or a duration with its unit.
pub fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .map(Duration::from_secs)
        .or_else(|_| humantime::parse_duration(text))
        .map_err(|_| "expected seconds or a duration such as 500ms".to_owned())
}

pub fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| "expected a port number".to_owned())
}

/// A word from the environment, unless it is empty.
pub fn text(variable: Lookup, name: &str) -> Option<String> {
    variable(name).filter(|value| !value.is_empty())
}

/// The value of the flag, else of the variable, else none.
pub fn pick<T>(
    flag: &str,
    given: Option<String>,
    name: &str,
    variable: Lookup,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, String> {
    let (source, text) = match (given, text(variable, name)) {
        (Some(text), _) => (flag, text),
        (None, Some(text)) => (name, text),
        (None, None) => return Ok(None),
    };
    parse(&text).map(Some).map_err(|error| format!("{source} {text}: {error}"))
}

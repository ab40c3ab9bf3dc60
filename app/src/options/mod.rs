//! Command line and environment; the command line takes precedence.

mod check;
mod serve;
#[cfg(test)]
mod tests;
mod values;
mod work;

use std::ffi::OsString;
use std::time::Duration;

use lexopt::prelude::{Long, Short, Value, ValueExt};

pub use check::{Check, Endpoint, Expected, WorkerCheck};
pub use serve::Serve;
pub use work::Work;

use crate::faults;
use values::{duration, pick, value, words_of};

/// The text of `--help`.
pub const HELP: &str = include_str!("help.txt");
/// The text of `check --help`.
pub const CHECK_HELP: &str = include_str!("check_help.txt");

/// Why the command line was refused, and the exit code for it.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// What is wrong.
    pub message: String,
    /// 2, unless the tool that a check stands for has another.
    pub code: u8,
}

impl From<String> for Refused {
    fn from(message: String) -> Self {
        Self { message, code: 2 }
    }
}

/// What to do.
#[derive(Debug)]
pub enum Command {
    /// Serve requests until stopped.
    Serve(Box<Serve>),
    /// Do the tasks of a queue until stopped.
    Work(Box<Work>),
    /// Check once whether a URL answers 2xx.
    Health(Target),
    /// Check something else.
    Check(Box<Check>),
    /// Become another program.
    Instead(&'static str, Vec<OsString>),
    /// Print a text.
    Print(&'static str),
    /// Print the version.
    Version,
}

/// Target of the health probe.
#[derive(Debug)]
pub struct Target {
    /// The URL as given. An invalid one means unhealthy, not wrong usage.
    pub url: String,
    /// Time limit for the complete response.
    pub timeout: Duration,
}

/// Variables that are not faults.
const VARIABLES: [&str; 14] = [
    "ROLLPROOF_SLOT",
    "ROLLPROOF_VERSION",
    "ROLLPROOF_LISTEN",
    "ROLLPROOF_PORT",
    "ROLLPROOF_STOP_TIMEOUT",
    "ROLLPROOF_HEALTH_TIMEOUT",
    "ROLLPROOF_WORKERS",
    "ROLLPROOF_PLAYGROUND",
    "ROLLPROOF_DATABASE_URL",
    "ROLLPROOF_CACHE_URL",
    "ROLLPROOF_MAIL_SERVER",
    "ROLLPROOF_WORKER",
    "ROLLPROOF_WORKER_PARENT",
    "ROLLPROOF_WORKER_PAUSE",
];

/// Those of `names` that look like variables of this program, but are none: a fault with a typing
/// error would never happen.
pub fn unknown(names: impl Iterator<Item = String>) -> Vec<String> {
    let known = |name: &str| VARIABLES.contains(&name) || faults::NAMES.contains(&name);
    names.filter(|name| name.starts_with("ROLLPROOF_") && !known(name)).collect()
}

impl Command {
    /// Reads the command line (program name first) and, through `variable`, the environment.
    ///
    /// # Errors
    /// If an argument or a value is not valid; the message names it.
    pub fn read(
        args: impl IntoIterator<Item = OsString>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Refused> {
        let variable: &dyn Fn(&str) -> Option<String> = &variable;
        let mut words = Vec::new();
        let mut flags = serve::Flags::default();
        let mut timeout = None;
        let mut parser = lexopt::Parser::from_iter(args);
        while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
            match argument {
                Long("timeout") => timeout = Some(value(&mut parser)?),
                Short('h') | Long("help") => return Ok(Self::Print(HELP)),
                Short('V') | Long("version") => return Ok(Self::Version),
                Value(word) if words.is_empty() => {
                    let word = word.string().map_err(|error| error.to_string())?;
                    match word.as_str() {
                        "check" => return check::read(&mut parser, variable),
                        "worker" => return work::read(&mut parser, variable),
                        _ => words.push(word),
                    }
                }
                Value(word) => words.push(word.string().map_err(|error| error.to_string())?),
                other => {
                    let name = words_of(&other);
                    if !flags.take(&name, &mut parser)? {
                        return Err(format!("invalid option '{name}'").into());
                    }
                }
            }
        }
        match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] | ["serve"] => Ok(Self::Serve(Box::new(flags.serve(variable)?))),
            ["health", rest @ ..] if rest.len() < 2 => {
                let default = format!("http://127.0.0.1:{}/health", flags.port(variable)?);
                let limit =
                    pick("--timeout", timeout, "ROLLPROOF_HEALTH_TIMEOUT", variable, duration)?;
                Ok(Self::Health(Target {
                    url: rest.first().copied().unwrap_or(&default).to_owned(),
                    timeout: limit.unwrap_or(Duration::from_secs(2)),
                }))
            }
            [.., last] => Err(format!("unexpected argument \"{last}\", see --help").into()),
        }
    }
}

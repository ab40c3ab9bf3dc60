//! Command line and environment; the command line takes precedence.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use lexopt::prelude::{Long, Short, Value, ValueExt};

use crate::faults::Faults;
use crate::identity::Identity;

/// The text of `--help`.
pub const HELP: &str = "\
The replicated application that rollproof updates.

Usage: rollproof-app [--listen IP] [--port N] [--stop-timeout DURATION]
       rollproof-app health [--timeout DURATION] [URL]

  --listen IP              address to listen on            [ROLLPROOF_LISTEN, default 0.0.0.0]
  --port N                 port to listen on               [ROLLPROOF_PORT, default 8000]
  --stop-timeout DURATION  longest wait for open requests  [ROLLPROOF_STOP_TIMEOUT, default 8s]
  health [URL]             exit with 0 if URL answers 2xx, else with 1
                           (default http://127.0.0.1:8000/health)
  --timeout DURATION       time limit of the health probe  [ROLLPROOF_HEALTH_TIMEOUT, default 2s]

Paths: / and /slow (?delay=250ms or ?ms=250 delays the response), /health.
Identity: HOSTNAME, ROLLPROOF_SLOT, ROLLPROOF_VERSION.
Faults: ROLLPROOF_START_DELAY=2s, ROLLPROOF_UNHEALTHY_AFTER=10s, ROLLPROOF_CRASH_AFTER=10s,
        ROLLPROOF_IGNORE_STOP=true, ROLLPROOF_DROP_ON_STOP=true.
";

/// The parsed command line.
#[derive(Debug)]
pub struct Options {
    /// What to do.
    pub command: Command,
}

/// What to do.
#[derive(Debug)]
pub enum Command {
    /// Serve requests until stopped.
    Serve(Box<Serve>),
    /// Check once whether a URL answers.
    Health(Target),
    /// Print the help.
    Help,
    /// Print the version.
    Version,
}

/// How to serve.
#[derive(Debug)]
pub struct Serve {
    /// Where to listen.
    pub address: SocketAddr,
    /// The longest wait for open requests after the signal to stop.
    pub stop_timeout: Duration,
    /// The faults.
    pub faults: Faults,
    /// The replica's identity.
    pub identity: Identity,
}

/// Target of the health probe.
#[derive(Debug)]
pub struct Target {
    /// The URL as given. An invalid one means unhealthy, not wrong usage.
    pub url: String,
    /// Time limit for the complete response.
    pub timeout: Duration,
}

impl Options {
    /// Reads the command line (program name first) and, through `variable`, the environment.
    ///
    /// # Errors
    /// If an argument or a value is not valid; the message names it.
    pub fn read(
        args: impl IntoIterator<Item = OsString>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let mut words = Vec::new();
        let (mut listen, mut port, mut stop, mut timeout) = (None, None, None, None);
        let mut parser = lexopt::Parser::from_iter(args);
        let command = |command| Ok(Self { command });
        while let Some(argument) = parser.next().map_err(text)? {
            match argument {
                Long("listen") => listen = Some(value(&mut parser)?),
                Short('p') | Long("port") => port = Some(value(&mut parser)?),
                Long("stop-timeout") => stop = Some(value(&mut parser)?),
                Long("timeout") => timeout = Some(value(&mut parser)?),
                Short('h') | Long("help") => return command(Command::Help),
                Short('V') | Long("version") => return command(Command::Version),
                Value(word) => words.push(word.string().map_err(text)?),
                _ => return Err(text(argument.unexpected())),
            }
        }
        let port: u16 = pick("--port", port, "ROLLPROOF_PORT", &variable, |text| {
            text.parse().map_err(|_| "expected a port number".to_owned())
        })?
        .unwrap_or(8000);
        match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            [] => command(Command::Serve(Box::new(Serve {
                address: SocketAddr::new(
                    pick("--listen", listen, "ROLLPROOF_LISTEN", &variable, |text| {
                        text.parse().map_err(|_| "expected an IP address".to_owned())
                    })?
                    .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
                    port,
                ),
                stop_timeout: pick(
                    "--stop-timeout",
                    stop,
                    "ROLLPROOF_STOP_TIMEOUT",
                    &variable,
                    duration,
                )?
                .unwrap_or(Duration::from_secs(8)),
                faults: Faults::read(&variable)?,
                identity: Identity::read(&variable)?,
            }))),
            ["health", rest @ ..] if rest.len() < 2 => {
                let default = format!("http://127.0.0.1:{port}/health");
                command(Command::Health(Target {
                    url: rest.first().copied().unwrap_or(&default).to_owned(),
                    timeout: pick(
                        "--timeout",
                        timeout,
                        "ROLLPROOF_HEALTH_TIMEOUT",
                        &variable,
                        duration,
                    )?
                    .unwrap_or(Duration::from_secs(2)),
                }))
            }
            [.., last] => Err(format!("unexpected argument \"{last}\", see --help")),
        }
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn value(parser: &mut lexopt::Parser) -> Result<String, String> {
    parser.value().and_then(ValueExt::string).map_err(text)
}

fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|error| error.to_string())
}

/// The value of the flag, else of the variable, else none.
fn pick<T>(
    flag: &str,
    given: Option<String>,
    name: &str,
    variable: impl Fn(&str) -> Option<String>,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, String> {
    let (source, text) = match (given, variable(name).filter(|value| !value.is_empty())) {
        (Some(text), _) => (flag, text),
        (None, Some(text)) => (name, text),
        (None, None) => return Ok(None),
    };
    parse(&text).map(Some).map_err(|error| format!("{source} {text}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str], variables: &[(&str, &str)]) -> Result<Command, String> {
        let args = std::iter::once("rollproof-app").chain(args.iter().copied());
        Options::read(args.map(OsString::from), |name| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
        .map(|options| options.command)
    }

    fn serve(args: &[&str], variables: &[(&str, &str)]) -> Serve {
        match read(args, variables) {
            Ok(Command::Serve(serve)) => *serve,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_line_precedes_the_environment_and_the_default() {
        assert_eq!(serve(&[], &[]).address.to_string(), "0.0.0.0:8000");
        assert_eq!(serve(&[], &[("ROLLPROOF_PORT", "81")]).address.port(), 81);
        assert_eq!(serve(&["--port=82"], &[("ROLLPROOF_PORT", "81")]).address.port(), 82);
        assert_eq!(serve(&["--listen", "::1"], &[]).address.to_string(), "[::1]:8000");
        assert_eq!(serve(&["--stop-timeout", "1s"], &[]).stop_timeout, Duration::from_secs(1));
    }

    #[test]
    fn the_health_probe_uses_the_port_of_the_server() {
        let Ok(Command::Health(target)) = read(&["health"], &[("ROLLPROOF_PORT", "81")]) else {
            panic!("expected a probe")
        };
        assert_eq!(target.url, "http://127.0.0.1:81/health");
        assert_eq!(target.timeout, Duration::from_secs(2));
    }

    #[test]
    fn invalid_arguments_are_named() {
        for (args, expected) in [
            (&["--port", "99999"][..], "--port 99999: expected a port number"),
            (&["serve"], "unexpected argument \"serve\", see --help"),
            (&["health", "http://a/", "b"], "unexpected argument \"b\", see --help"),
            (&["--colour"], "invalid option '--colour'"),
        ] {
            assert_eq!(read(args, &[]).unwrap_err(), expected);
        }
        assert_eq!(
            read(&[], &[("ROLLPROOF_LISTEN", "here")]).unwrap_err(),
            "ROLLPROOF_LISTEN here: expected an IP address"
        );
    }
}

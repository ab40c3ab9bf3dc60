//! `check`: what is checked, and how.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use lexopt::prelude::{Long, Short, Value, ValueExt};

use crate::backends::postgres::PostgresUrl;
use crate::backends::redis::RedisUrl;

use super::values::{Lookup, port, seconds, text, value, words_of};
use super::work::{BROKER, LIVENESS_FILE, READINESS_FILE, worker_name};
use super::{CHECK_HELP, Command, Refused};

/// A check.
#[derive(Debug)]
pub enum Check {
    /// A page.
    Http { endpoint: Endpoint, timeout: Duration },
    /// A port.
    Tcp { host: String, port: u16, timeout: Duration },
    /// A file that has to exist, and to have been changed lately.
    File { path: PathBuf, max_age: Option<i64> },
    /// The file of a scheduler.
    Beat { path: PathBuf, max_age: i64 },
    /// A worker of a queue.
    Worker(WorkerCheck),
    /// A Redis that answers PONG.
    Redis { url: RedisUrl, timeout: Duration },
    /// A PostgreSQL that accepts connections; none if the address is not valid.
    Postgres { address: String, url: Option<PostgresUrl>, timeout: Duration },
    /// The standard health service.
    Grpc { address: String, service: String, timeout: Duration },
    /// A program.
    Cmd { program: OsString, args: Vec<OsString>, timeout: Duration },
}

/// A page to ask for.
#[derive(Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its URL, or why there is none.
    pub url: Result<String, String>,
    /// What counts as healthy.
    pub expected: Expected,
}

/// What counts as healthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Below 400 after redirects: `UP, response status code: 200`.
    Up,
    /// Exactly 200: `Health check status: 200`.
    Ok,
}

/// What of a worker is checked.
#[derive(Debug)]
pub struct WorkerCheck {
    /// The file that its event loop touches; none to skip it.
    pub liveness: Option<PathBuf>,
    /// In seconds.
    pub max_age: i64,
    /// Where to ping it; none to skip it.
    pub broker: Option<RedisUrl>,
    /// The name to ping.
    pub name: String,
    /// The longest wait for the reply to the ping.
    pub ping_timeout: Duration,
    /// The file that it has while it takes tasks; none to skip it.
    pub readiness: Option<PathBuf>,
}

/// The exit code for a wrong command line: that of the tool that the check stands for.
fn usage_code(kind: &str) -> u8 {
    match kind {
        // pg_isready: no attempt was made.
        "postgres" => 3,
        // grpc_health_probe: bad arguments.
        "grpc" => 1,
        _ => 2,
    }
}

pub fn read(parser: &mut lexopt::Parser, variable: Lookup) -> Result<Command, Refused> {
    let kind = match parser.next().map_err(|error| error.to_string())? {
        Some(Value(kind)) => kind.to_string_lossy().into_owned(),
        Some(Short('h') | Long("help")) => return Ok(Command::Print(CHECK_HELP)),
        Some(other) => return Err(format!("invalid option '{}'", words_of(&other)).into()),
        None => return Err("check needs a kind, see check --help".to_owned().into()),
    };
    let read = match kind.as_str() {
        "http" => http(parser, variable),
        "tcp" => tcp(parser),
        "file" | "beat" => file(parser, &kind),
        "worker" => worker(parser, variable),
        "redis" => redis(parser),
        "postgres" => postgres(parser, variable),
        "grpc" => grpc(parser),
        "cmd" => cmd(parser),
        other => Err(Stop::Wrong(format!(
            "unknown check \"{other}\": expected http, tcp, file, beat, worker, redis, postgres, \
             grpc or cmd"
        ))),
    };
    match read {
        Ok(check) => Ok(Command::Check(Box::new(check))),
        Err(Stop::Help) => Ok(Command::Print(CHECK_HELP)),
        Err(Stop::Wrong(message)) => Err(Refused { message, code: usage_code(&kind) }),
    }
}

/// Why no check was read.
enum Stop {
    Help,
    Wrong(String),
}

impl From<String> for Stop {
    fn from(message: String) -> Self {
        Self::Wrong(message)
    }
}

/// Reads flags through `take`, which returns false for those it does not know, and words.
fn each(
    parser: &mut lexopt::Parser,
    words: usize,
    mut take: impl FnMut(&str, &mut lexopt::Parser) -> Result<bool, String>,
) -> Result<Vec<String>, Stop> {
    let mut given = Vec::new();
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        match argument {
            Short('h') | Long("help") => return Err(Stop::Help),
            Value(word) if given.len() < words => {
                given.push(word.string().map_err(|error| error.to_string())?);
            }
            Value(word) => {
                let word = word.to_string_lossy().into_owned();
                return Err(Stop::Wrong(format!("unexpected argument \"{word}\"")));
            }
            other => {
                let name = words_of(&other);
                if !take(&name, parser)? {
                    return Err(Stop::Wrong(format!("invalid option '{name}'")));
                }
            }
        }
    }
    Ok(given)
}

/// The value of a flag, parsed.
fn parsed<T>(
    name: &str,
    parser: &mut lexopt::Parser,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<T, String> {
    let text = value(parser)?;
    parse(&text).map_err(|error| format!("{name} {text}: {error}"))
}

fn age(text: &str) -> Result<i64, String> {
    text.parse().or_else(|_| {
        let seconds = humantime::parse_duration(text).map(|age| age.as_secs());
        seconds
            .ok()
            .and_then(|seconds| i64::try_from(seconds).ok())
            .ok_or_else(|| "expected seconds or a duration such as 5m".to_owned())
    })
}

fn http(parser: &mut lexopt::Parser, variable: Lookup) -> Result<Check, Stop> {
    let (mut endpoint, mut timeout, mut exact) = (None, None, false);
    let words = each(parser, 1, |name, parser| {
        match name {
            "--endpoint" => endpoint = Some(value(parser)?),
            "--timeout" => timeout = Some(parsed(name, parser, seconds)?),
            "--exact" => exact = true,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let given = endpoint.or_else(|| words.into_iter().next());
    let names = ["HEALTHCHECK_HOST", "HEALTHCHECK_PORT", "HEALTHCHECK_PATH"];
    // The guide's probe has no options, only these variables.
    let exact = exact || given.is_none() && names.iter().any(|name| variable(name).is_some());
    let (endpoint, default) = if exact {
        let url = given.map_or_else(|| guide_url(variable), |url| Ok(completed(&url)));
        (Endpoint { url, expected: Expected::Ok }, 5)
    } else {
        let url = completed(given.as_deref().unwrap_or_default());
        (Endpoint { url: Ok(url), expected: Expected::Up }, 3)
    };
    Ok(Check::Http { endpoint, timeout: timeout.unwrap_or(Duration::from_secs(default)) })
}

/// The URL with the parts that are left out: `http://`, `localhost:8000` and `/_healthz/livez/`.
fn completed(endpoint: &str) -> String {
    let (scheme, rest) = endpoint.split_once("://").unwrap_or(("http", endpoint));
    let (host, path) = rest.find(['/', '?']).map_or((rest, ""), |start| rest.split_at(start));
    let host = if host.is_empty() { "localhost:8000" } else { host };
    let slash = if path.is_empty() || path.starts_with('?') { "/_healthz/livez/" } else { "" };
    format!("{scheme}://{host}{slash}{path}")
}

fn guide_url(variable: Lookup) -> Result<String, String> {
    let or = |name, default: &str| variable(name).unwrap_or_else(|| default.to_owned());
    let host = or("HEALTHCHECK_HOST", "127.0.0.1");
    let given = or("HEALTHCHECK_PORT", "5000");
    let port = port(&given).map_err(|error| format!("HEALTHCHECK_PORT={given}: {error}"))?;
    Ok(format!("http://{host}:{port}{}", or("HEALTHCHECK_PATH", "/health")))
}

fn host_and_port(text: &str) -> Result<(String, u16), String> {
    let wrong = || format!("{text}: expected HOST:PORT");
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let port = port.parse().map_err(|_| wrong())?;
    if host.is_empty() { Err(wrong()) } else { Ok((host.to_owned(), port)) }
}

fn tcp(parser: &mut lexopt::Parser) -> Result<Check, Stop> {
    let mut timeout = Duration::from_secs(3);
    let words = each(parser, 1, |name, parser| {
        if name == "--timeout" {
            timeout = parsed(name, parser, seconds)?;
        }
        Ok(name == "--timeout")
    })?;
    let address = words.first().ok_or_else(|| "check tcp needs HOST:PORT".to_owned())?;
    let (host, port) = host_and_port(address)?;
    Ok(Check::Tcp { host, port, timeout })
}

fn file(parser: &mut lexopt::Parser, kind: &str) -> Result<Check, Stop> {
    let (mut path, mut max_age) = (None, None);
    let words = each(parser, 1, |name, parser| {
        match name {
            "--file" => path = Some(value(parser)?),
            "--max-age" => max_age = Some(parsed(name, parser, age)?),
            // A file is looked at, not waited for.
            "--timeout" => drop(parsed(name, parser, seconds)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let path = path.or_else(|| words.into_iter().next());
    if kind == "beat" {
        let path = path.unwrap_or_else(|| "/tmp/celery_beat_live".to_owned());
        return Ok(Check::Beat { path: path.into(), max_age: max_age.unwrap_or(3600) });
    }
    let path = path.ok_or_else(|| "check file needs a path".to_owned())?;
    Ok(Check::File { path: path.into(), max_age })
}

fn worker(parser: &mut lexopt::Parser, variable: Lookup) -> Result<Check, Stop> {
    let (mut skip_liveness, mut skip_ping, mut skip_readiness) = (false, false, true);
    let (mut liveness, mut readiness) = (LIVENESS_FILE.to_owned(), READINESS_FILE.to_owned());
    let mut broker = None;
    let mut check = WorkerCheck {
        liveness: None,
        max_age: 70,
        broker: None,
        name: worker_name(variable),
        ping_timeout: Duration::from_secs(3),
        readiness: None,
    };
    each(parser, 0, |name, parser| {
        match name {
            "--liveness-file" => liveness = value(parser)?,
            "--readiness-file" => readiness = value(parser)?,
            "--max-age" => check.max_age = parsed(name, parser, age)?,
            "--broker" => broker = Some(value(parser)?),
            "--worker-name" => check.name = value(parser)?,
            "--ping-timeout" | "--timeout" => {
                check.ping_timeout = parsed(name, parser, seconds)?;
            }
            "--skip-event-loop-liveness" => skip_liveness = true,
            "--no-skip-event-loop-liveness" => skip_liveness = false,
            "--skip-ping" => skip_ping = true,
            "--no-skip-ping" => skip_ping = false,
            "--skip-readiness" => skip_readiness = true,
            "--no-skip-readiness" => skip_readiness = false,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    check.liveness = (!skip_liveness).then(|| liveness.into());
    check.readiness = (!skip_readiness).then(|| readiness.into());
    if !skip_ping {
        let broker = broker.unwrap_or_else(|| BROKER.to_owned());
        let url = broker.parse().map_err(|error| format!("--broker: {error}"))?;
        check.broker = Some(url);
    }
    Ok(Check::Worker(check))
}

fn redis(parser: &mut lexopt::Parser) -> Result<Check, Stop> {
    let mut timeout = Duration::from_secs(3);
    let words = each(parser, 1, |name, parser| {
        if name == "--timeout" {
            timeout = parsed(name, parser, seconds)?;
        }
        Ok(name == "--timeout")
    })?;
    let url = words.first().map_or(BROKER, String::as_str);
    Ok(Check::Redis { url: url.parse::<RedisUrl>()?, timeout })
}

fn postgres(parser: &mut lexopt::Parser, variable: Lookup) -> Result<Check, Stop> {
    let (mut host, mut port, mut name, mut user) = (None, None, None, None);
    let mut timeout = Duration::from_secs(3);
    let words = each(parser, 1, |flag, parser| {
        match flag {
            "--host" => host = Some(value(parser)?),
            "-p" | "--port" => port = Some(value(parser)?),
            "-d" | "--dbname" => name = Some(value(parser)?),
            "-U" | "--username" => user = Some(value(parser)?),
            "-t" | "--timeout" => timeout = parsed("--timeout", parser, seconds)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let address = words.into_iter().next().unwrap_or_else(|| {
        let or = |given: Option<String>, variable_name, default: &str| {
            given.or_else(|| text(variable, variable_name)).unwrap_or_else(|| default.to_owned())
        };
        let mut parts = vec![
            format!("host={}", or(host, "PGHOST", "localhost")),
            format!("port={}", or(port, "PGPORT", "5432")),
        ];
        parts
            .extend(name.or_else(|| text(variable, "PGDATABASE")).map(|it| format!("dbname={it}")));
        parts.extend(user.or_else(|| text(variable, "PGUSER")).map(|it| format!("user={it}")));
        parts.join(" ")
    });
    let url = PostgresUrl::parse(&address).ok();
    // Shown if it is not valid: a password must not be.
    let address = address.rsplit_once('@').map_or(address.as_str(), |(_, place)| place).to_owned();
    Ok(Check::Postgres { address, url, timeout })
}

fn grpc(parser: &mut lexopt::Parser) -> Result<Check, Stop> {
    let (mut address, mut service) = (None, String::new());
    let mut timeout = Duration::from_secs(1);
    let words = each(parser, 1, |name, parser| {
        match name {
            "--addr" => address = Some(value(parser)?),
            "--service" => service = value(parser)?,
            "--timeout" => timeout = parsed(name, parser, seconds)?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let address = address.or_else(|| words.into_iter().next());
    let address = address.ok_or_else(|| "check grpc needs HOST:PORT".to_owned())?;
    // `:5000` is the local machine, as in Go.
    let address = if address.starts_with(':') { format!("localhost{address}") } else { address };
    host_and_port(&address)?;
    Ok(Check::Grpc { address, service, timeout })
}

fn cmd(parser: &mut lexopt::Parser) -> Result<Check, Stop> {
    let mut timeout = Duration::from_secs(3);
    while let Some(argument) = parser.next().map_err(|error| error.to_string())? {
        match argument {
            Short('h') | Long("help") => return Err(Stop::Help),
            Long("timeout") => timeout = parsed("--timeout", parser, seconds)?,
            Value(program) => {
                let args = parser.raw_args().map_err(|error| error.to_string())?.collect();
                return Ok(Check::Cmd { program, args, timeout });
            }
            other => return Err(Stop::Wrong(format!("invalid option '{}'", words_of(&other)))),
        }
    }
    Err(Stop::Wrong("check cmd needs a program".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_an_endpoint_that_are_left_out_have_defaults() {
        for (given, expected) in [
            ("", "http://localhost:8000/_healthz/livez/"),
            ("localhost:9000", "http://localhost:9000/_healthz/livez/"),
            ("localhost:9000/ht/", "http://localhost:9000/ht/"),
            ("/x/", "http://localhost:8000/x/"),
            ("http://localhost:5555/", "http://localhost:5555/"),
            ("http://web", "http://web/_healthz/livez/"),
            ("web?a=b", "http://web/_healthz/livez/?a=b"),
            ("https://web/", "https://web/"),
        ] {
            assert_eq!(completed(given), expected, "{given}");
        }
    }
}

//! How single values on the command line are read, and what can be chosen.
//!
//! Wrong input is refused here, before anything starts.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::deploy::{EndpointMode, ResolveImage};
use crate::probe::StreamPlan;
use crate::report::{self, Format};
use crate::run::Scheme;
use crate::site::EngineChoice;
use crate::streams::{self, StreamKind};
use crate::swarm::EngineVersion;

/// The shortest time limit.
const SHORTEST: Duration = Duration::from_millis(1);

/// Reads a duration such as `90s`, `1m30s` or `500ms`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let write = "write for example 500ms, 90s or 2m";
    let time = humantime::parse_duration(text).map_err(|error| format!("{error}; {write}"))?;
    if time > Duration::from_secs(7 * 24 * 3600) {
        return Err("must be at most 7 days".into());
    }
    Ok(time)
}

/// Reads a time limit, which cannot be zero.
pub(super) fn limit(text: &str) -> Result<Duration, String> {
    match duration(text) {
        Ok(time) if time < SHORTEST => Err("must be at least 1 ms".to_owned()),
        time => time,
    }
}

/// Reads a rate in requests per second.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| "must be a number, for example 200".to_owned())?;
    if StreamPlan::RATES.contains(&rate) {
        Ok(rate)
    } else {
        Err("must be between 0.001 and 50,000, for example 200".into())
    }
}

/// Reads an engine's release.
pub(super) fn engine_version(text: &str) -> Result<EngineVersion, String> {
    EngineVersion::parse(text).ok_or_else(|| "write for example 28.5.2".into())
}

/// Reads a port.
pub(super) fn port(text: &str) -> Result<u16, String> {
    text.parse().ok().filter(|port| *port > 0).ok_or_else(|| "must be from 1 to 65535".into())
}

/// Reads something that must not be blank.
pub(super) fn words(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("must not be empty".into()) } else { Ok(text.to_owned()) }
}

/// Reads `KEY=VALUE`.
pub(super) fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".into()),
    }
}

/// Reads an address that can be asked.
pub(super) fn url(text: &str) -> Result<String, String> {
    let plan = StreamPlan::new("url", text, 1.0);
    plan.map(|_| text.to_owned()).map_err(|error| error.with_cause())
}

/// Reads a path that can be asked, with its query.
pub(super) fn path(text: &str) -> Result<String, String> {
    let plan = StreamPlan::new("path", "http://127.0.0.1/", 1.0);
    let plan = plan.and_then(|plan| plan.with_path(text));
    if !text.starts_with('/') {
        return Err("must start with /, as in /health".into());
    }
    plan.map(|_| text.to_owned()).map_err(|error| error.with_cause())
}

/// Reads a stack's name, by docker's rule that it is not blank. Services are named after it, so
/// the rules for those hold too.
pub(super) fn stack_name(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if ends(text.chars().next()) && ends(text.chars().next_back()) && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err("must begin and end with a letter or digit and consist of letters, digits, `_`, `-` and `.`".into())
    }
}

/// A format and the file it goes to; without one to standard output.
#[derive(Debug, Clone)]
pub(super) struct FormatChoice {
    pub(super) format: &'static Format,
    pub(super) file: Option<PathBuf>,
}

impl std::str::FromStr for FormatChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (format, file) = format_and_file(text, report::find, || {
            report::FORMATS.iter().map(Format::name).collect()
        })?;
        Ok(Self { format, file })
    }
}

/// An address to listen on, such as `127.0.0.1:8098` or `localhost:8098`.
pub(super) fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let address = match text.strip_prefix("localhost:") {
        Some(port) => format!("{}:{port}", Ipv4Addr::LOCALHOST),
        None => text.to_owned(),
    };
    address.parse().map_err(|_| "write an IP address and a port, as in 127.0.0.1:8098".to_owned())
}

/// Reads `NAME[=FILE]`, in which `-` is standard output; `find` knows the formats and `names` lists them.
pub(super) fn format_and_file<F>(
    text: &str,
    find: impl Fn(&str) -> Option<F>,
    names: impl Fn() -> Vec<&'static str>,
) -> Result<(F, Option<PathBuf>), String> {
    let (name, file) = match text.split_once('=') {
        Some((_, "")) => return Err("the file's name is missing".into()),
        Some((name, "-")) => (name, None),
        Some((name, file)) => (name, Some(PathBuf::from(file))),
        None => (text, None),
    };
    let format = find(name).ok_or_else(|| {
        format!("there is no format `{name}`; the formats are {}", names().join(", "))
    })?;
    Ok((format, file))
}

/// One stream, or all that the service and the engine can have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum StreamChoice {
    All,
    One(&'static StreamKind),
}

impl ValueEnum for StreamChoice {
    fn value_variants<'a>() -> &'a [Self] {
        const VARIANTS: [StreamChoice; streams::TABLE.len() + 1] = {
            let mut all = [StreamChoice::All; streams::TABLE.len() + 1];
            let mut index = 0;
            while index < streams::TABLE.len() {
                all[index + 1] = StreamChoice::One(streams::TABLE[index]);
                index += 1;
            }
            all
        };
        &VARIANTS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::All => {
                PossibleValue::new("all").help("all that this service and engine can have")
            }
            Self::One(kind) => PossibleValue::new(kind.name).help(kind.about),
        })
    }
}

/// A speed of simulated time.
pub(super) fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse().ok().filter(|speed: &f64| (0.1..=100.0).contains(speed));
    speed.ok_or_else(|| "expected a number from 0.1 to 100".to_owned())
}

impl ValueEnum for EngineChoice {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Auto, Self::Host, Self::Lab, Self::Simulated]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Auto => PossibleValue::new("auto")
                .help("the host's engine if it is an active manager, else a private one"),
            Self::Host => PossibleValue::new("host").help("the engine that the docker CLI uses"),
            Self::Lab => PossibleValue::new("lab").help("a private engine, made for the run"),
            Self::Simulated => PossibleValue::new("simulated")
                .help("no engine: the model of Swarm plays one; what it shows is no proof"),
        })
    }
}

impl ValueEnum for Scheme {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Http, Self::Https, Self::Tcp]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}

impl ValueEnum for EndpointMode {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Dnsrr]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new("dnsrr").help(
            "names resolve to the tasks, and published ports are opened on the task's own node",
        ))
    }
}

impl ValueEnum for ResolveImage {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Always, Self::Changed, Self::Never]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Always => PossibleValue::new("always").help("at every deployment"),
            Self::Changed => {
                PossibleValue::new("changed").help("if the stack file's image changed")
            }
            Self::Never => PossibleValue::new("never").help("never"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_numbers_that_can_be_paced() {
        assert_eq!(rate("200"), Ok(200.0));
        assert_eq!(rate("0.5"), Ok(0.5));
        for wrong in ["0", "-1", "nan", "inf", "50001", "many", ""] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn stacks_have_names_that_services_can_have() {
        for right in ["shop", "shop-2", "my_shop", "a.b", "S"] {
            assert_eq!(stack_name(right).as_deref(), Ok(right));
        }
        for wrong in ["", "  ", "shop ", "-shop", "shop_", "sh op", "shöp", "a/b"] {
            assert!(stack_name(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn addresses_need_a_scheme_that_can_be_asked() {
        assert!(url("http://127.0.0.1:8080/health").is_ok());
        for wrong in ["", "127.0.0.1", "ftp://a/", "http://", "/health"] {
            assert!(url(wrong).is_err(), "{wrong:?}");
        }
    }
}

//! The values of a scenario file that have rules of their own.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::Result;
use crate::judge::Cause;
use crate::streams;
use crate::swarm::UpdateState;

/// Memory above this is a slip of the pen: 1 PiB.
const MOST_MEMORY: u64 = 1 << 50;

/// A stream that there is.
#[derive(Debug)]
pub(super) struct StreamName(pub String);

impl<'de> Deserialize<'de> for StreamName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        if streams::TABLE.iter().any(|kind| kind.name == name) {
            return Ok(Self(name));
        }
        let names: Vec<&str> = streams::TABLE.iter().map(|kind| kind.name).collect();
        Err(wrong(format!("there is no stream `{name}`; the streams are {}", names.join(", "))))
    }
}

/// The name of a service, as a stack file may have it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ServiceName(pub String);

impl<'de> Deserialize<'de> for ServiceName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if !name.is_empty() && name.chars().all(allowed) {
            return Ok(Self(name));
        }
        Err(wrong(format!("`{name}` is no name of a service")))
    }
}

/// A state of an update that Swarm writes.
#[derive(Debug)]
pub(super) struct State(pub UpdateState);

impl<'de> Deserialize<'de> for State {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        match UpdateState::parse(&word) {
            UpdateState::Unknown | UpdateState::None => Err(wrong(format!(
                "`{word}` is no update state; they are updating, paused, completed, \
                 rollback_started, rollback_paused, rollback_completed"
            ))),
            state => Ok(Self(state)),
        }
    }
}

/// A cause of lost requests.
#[derive(Debug)]
pub(super) struct CauseName(pub String);

impl<'de> Deserialize<'de> for CauseName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        match serde_json::from_value::<Cause>(Value::String(name.clone())) {
            Ok(_) => Ok(Self(name)),
            Err(error) => {
                let known = error.to_string().replace(&format!("unknown variant `{name}`, "), "");
                Err(wrong(format!("`{name}` is no cause: {known}")))
            }
        }
    }
}

/// What is asked of a server.
#[derive(Debug)]
pub(super) struct AskPath(pub String);

impl<'de> Deserialize<'de> for AskPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let path = String::deserialize(deserializer)?;
        if path.starts_with('/') && !path.contains(char::is_whitespace) {
            return Ok(Self(path));
        }
        Err(wrong(format!("`{path}` is no path: it must start with / and have no spaces")))
    }
}

/// How often something is done.
#[derive(Debug)]
pub(super) struct Times(pub u32);

impl<'de> Deserialize<'de> for Times {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            times @ 1..=1000 => Ok(Self(times)),
            times => Err(wrong(format!("{times} is not from 1 to 1000"))),
        }
    }
}

/// Bytes, or with `K`, `M`, `G` or `T`, as docker reads them.
#[derive(Debug)]
pub(super) struct Bytes(pub u64);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let shift = match text[number.len()..].to_ascii_lowercase().as_str() {
            "" | "b" => Some(0),
            "k" | "kb" => Some(10),
            "m" | "mb" => Some(20),
            "g" | "gb" => Some(30),
            "t" | "tb" => Some(40),
            _ => None,
        };
        let bytes = number.parse::<u64>().ok().zip(shift);
        let bytes = bytes.and_then(|(number, shift)| number.checked_mul(1 << shift));
        match bytes.filter(|bytes| *bytes <= MOST_MEMORY) {
            Some(bytes) => Ok(Self(bytes)),
            None => Err(wrong(format!("`{text}` is no size in memory, such as 64M or 2G"))),
        }
    }
}

fn wrong<E: serde::de::Error>(message: String) -> E {
    E::custom(message)
}

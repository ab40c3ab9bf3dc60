//! Headers of requests: which may be set, and how a plan is written down.

use hyper::HeaderMap;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::http::uri::Authority;

use super::StreamPlan;
use crate::{Error, Result};

/// Adds a header, or replaces `Host` and `User-Agent`.
///
/// # Errors
/// A usage error for what HTTP does not allow, and for headers that the prober sets itself.
pub(super) fn set(headers: &mut HeaderMap, name: &str, value: &str) -> Result<()> {
    // What follows a blank is no name: a colon may be missing before a secret.
    let shown = name.split_whitespace().next().unwrap_or_default().to_owned();
    let wrong = || Error::usage(format!("header `{shown}` is not valid"));
    let name =
        HeaderName::from_bytes(name.trim().as_bytes()).map_err(|error| wrong().caused_by(error))?;
    let mut value =
        HeaderValue::from_str(value.trim()).map_err(|error| wrong().caused_by(error))?;
    match name {
        header::CONNECTION | header::CONTENT_LENGTH | header::TRANSFER_ENCODING => {
            return Err(Error::usage(format!("header `{name}` is set by the prober"))
                .hint("choose new or kept connections instead"));
        }
        header::HOST => {
            let host = Authority::try_from(value.as_bytes()).map_err(|error| {
                Error::usage("header `Host` is not a host, with a port or without").caused_by(error)
            })?;
            let has_port = host.as_str().len() > host.host().len();
            if host.as_str().contains('@') || (has_port && host.port_u16().is_none()) {
                return Err(Error::usage("header `Host` is not a host, with a port or without"));
            }
            headers.insert(name, value);
        }
        header::USER_AGENT => drop(headers.insert(name, value)),
        _ => {
            value.set_sensitive(StreamPlan::is_secret(name.as_str()));
            headers.append(name, value);
        }
    }
    Ok(())
}

/// A body as a list of its bytes.
pub(super) mod body_bytes {
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(body: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(body)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        Vec::deserialize(deserializer).map(Bytes::from)
    }
}

/// Headers as a list of names with their values.
pub(super) mod header_pairs {
    use hyper::HeaderMap;
    use serde::{Deserialize, Deserializer, Serializer, de, ser};

    pub fn serialize<S: Serializer>(headers: &HeaderMap, serializer: S) -> Result<S::Ok, S::Error> {
        let pair = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
            value.to_str().map(|value| (name.to_string(), value.to_owned()))
        };
        let pairs = headers.iter().map(pair).collect::<Result<Vec<_>, _>>();
        serializer.collect_seq(pairs.map_err(ser::Error::custom)?)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HeaderMap, D::Error> {
        let mut headers = HeaderMap::new();
        for (name, value) in Vec::<(String, String)>::deserialize(deserializer)? {
            super::set(&mut headers, &name, &value).map_err(de::Error::custom)?;
        }
        Ok(headers)
    }
}

//! The addresses that users ask: the public site, an API, an admin port.

use std::str::FromStr;

use crate::Result;
use crate::probe::StreamPlan;

use super::{Asking, StreamKind};

/// One of the addresses that users ask, as the user writes it: `[NAME=]URL`. Without a host, the URL is
/// a port of the stack: `http://:9090/health`, or `:9090/health`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// What reports call it.
    pub name: Option<String>,
    /// Where it is.
    pub place: Place,
}

/// Where an address is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// At a URL.
    Url(String),
    /// At a port that the stack publishes.
    Port {
        /// `http`, `https` or `tcp`; absent: what is usual at the port.
        scheme: Option<String>,
        /// The port.
        port: u16,
        /// Path and query.
        path: String,
    },
}

/// The longest name: it is part of file names.
const LONGEST: usize = 32;

/// Names that would make an address's streams look like others.
const TAKEN: [&str; 5] = ["proxy", "overlay", "each", "negative", "control"];

impl Address {
    /// Its URL, where the stack's ports are open at `host`. A port without a scheme is asked as is
    /// usual there.
    #[must_use]
    pub fn url(&self, host: &str) -> String {
        match &self.place {
            Place::Url(url) => url.clone(),
            Place::Port { scheme, port, path } => {
                let usual = if matches!(port, 443 | 8443) { "https" } else { "http" };
                let scheme = scheme.as_deref().unwrap_or(usual);
                let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
                format!("{scheme}://{host}:{port}{path}")
            }
        }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, at) = match text.split_once('=') {
            // An equals sign further on belongs to the query.
            Some((name, at)) if !name.contains([':', '/', '?']) => (Some(name.to_owned()), at),
            _ => (None, text),
        };
        if let Some(name) = &name {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
            if !begins || !name.chars().all(plain) || name.len() > LONGEST {
                return Err(format!(
                    "the name `{name}` must begin with a lower-case letter and consist of those, \
                     digits and `-`, at most {LONGEST}"
                ));
            }
            if TAKEN.contains(&name.as_str()) {
                return Err(format!("the name `{name}` is taken: some streams begin with it"));
            }
        }
        let port_of = |rest: &str| {
            let (port, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
            let port = port.parse().ok().filter(|port: &u16| *port > 0);
            let port =
                port.ok_or_else(|| format!("`{rest}` does not begin with a port, 1 to 65535"))?;
            Ok::<_, String>((port, path.to_owned()))
        };
        let place = match at.split_once("://") {
            Some((scheme, rest)) if rest.starts_with(':') => {
                let (port, path) = port_of(&rest[1..])?;
                Place::Port { scheme: Some(scheme.to_owned()), port, path }
            }
            None if at.starts_with(':') => {
                let (port, path) = port_of(&at[1..])?;
                Place::Port { scheme: None, port, path }
            }
            _ => Place::Url(at.to_owned()),
        };
        let address = Self { name, place };
        let plan = StreamPlan::new("url", &address.url("127.0.0.1"), 1.0);
        plan.map(|_| address).map_err(|error| match error.hints() {
            [hint, ..] => format!("{}; {hint}", error.with_cause()),
            [] => error.with_cause(),
        })
    }
}

impl StreamKind {
    /// The name of this stream at the address of this name: `api-fresh` for `proxy-fresh`.
    #[must_use]
    pub fn name_at(&self, address: Option<&str>) -> String {
        let kind = self.name.trim_start_matches("proxy-");
        address.map_or_else(|| self.name.to_owned(), |address| format!("{address}-{kind}"))
    }

    /// The plan of this stream to the address of this name at `url`.
    ///
    /// # Errors
    /// As of [`StreamKind::plan`].
    pub fn plan_at(&self, address: Option<&str>, url: &str, asking: &Asking) -> Result<StreamPlan> {
        let mut plan = self.plan(url, asking)?;
        plan.name = self.name_at(address);
        plan.address = address.map(str::to_owned);
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_urls_and_ports_are_told_apart() {
        for (text, name, url) in [
            ("http://a/?b=c", None, "http://a/?b=c"),
            ("api=https://a/?b=c", Some("api"), "https://a/?b=c"),
            ("admin=:9090", Some("admin"), "http://h:9090/"),
            (":8443/x", None, "https://h:8443/x"),
            ("admin=https://:9000/x?y=z", Some("admin"), "https://h:9000/x?y=z"),
            ("db=tcp://:5432", Some("db"), "tcp://h:5432/"),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.name.as_deref(), address.url("h").as_str()), (name, url), "{text}");
        }
        let six: Address = ":80".parse().unwrap();
        assert_eq!(six.url("fd00::2"), "http://[fd00::2]:80/");
        for (text, part) in [
            ("", "not valid"),
            ("Api=http://a/", "lower-case"),
            ("=http://a/", "lower-case"),
            ("overlay=http://a/", "taken"),
            (":0", "port"),
            (":x", "port"),
            ("api=ftp://a/", "only http"),
            ("api=localhost:80", "scheme"),
        ] {
            let error = text.parse::<Address>().expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}

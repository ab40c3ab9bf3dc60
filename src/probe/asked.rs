//! What the user wants requests to be, wherever they go.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::request::Host;
use super::tls::TlsSettings;
use super::{Method, StreamPlan};
use crate::Result;

/// What the user wants requests to be, wherever they go.
#[derive(Clone, PartialEq, Default)]
pub struct Asked {
    /// The method and the body; absent: a stream's own.
    pub content: Option<(Method, Bytes)>,
    /// Headers, such as `Host`.
    pub headers: Vec<(String, String)>,
    /// The paths to ask in turn; empty: the URL's.
    pub paths: Vec<WeightedPath>,
    /// Whether each connection keeps its cookies.
    pub cookies: bool,
    /// Whether to ask in HTTP/2.
    pub http2: bool,
    /// Whom to trust and who to be in TLS.
    pub tls: TlsSettings,
    /// Where hosts really are.
    pub resolve: Vec<Resolve>,
}

/// Header values may be secrets.
impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("paths", &self.paths).finish_non_exhaustive()
    }
}

/// A path, and how often it is asked beside others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightedPath {
    /// Its share is this, divided by the sum of all.
    pub weight: u32,
    /// Path and query.
    pub path: String,
}

/// Where a host of a URL really is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolve {
    /// The host in the URL.
    pub host: String,
    /// The port in the URL; absent: any.
    pub port: Option<u16>,
    /// Where to connect; absent: to the node that publishes the stack's port.
    pub to: Option<Host>,
}

impl Resolve {
    /// Whether it is about this host and port of a URL.
    #[must_use]
    pub fn is_about(&self, host: &str, port: u16) -> bool {
        self.host.eq_ignore_ascii_case(host) && self.port.is_none_or(|of| of == port)
    }
}

impl StreamPlan {
    /// Makes its requests what the user wants.
    ///
    /// # Errors
    /// A usage error for headers and paths that HTTP does not allow.
    pub fn ask(&mut self, asked: &Asked) -> Result<()> {
        if let Some((method, body)) = &asked.content {
            (self.method, self.body) = (*method, body.clone());
        }
        for (name, value) in &asked.headers {
            self.header(name, value)?;
        }
        self.set_paths(&asked.paths)?;
        self.cookies = asked.cookies;
        self.http2 = asked.http2;
        self.tls = asked.tls.clone();
        let (host, port) = (self.target().name(), self.target().port);
        let found = asked.resolve.iter().find(|resolve| resolve.is_about(&host, port));
        self.connect_to = found.and_then(|resolve| resolve.to.clone());
        Ok(())
    }
}

/// In which order paths are asked: each as often as its weight in a round, evenly spread.
pub(super) fn turns(paths: &[WeightedPath]) -> Vec<usize> {
    let total: i64 = paths.iter().map(|path| i64::from(path.weight)).sum();
    let mut credit = vec![0_i64; paths.len()];
    let mut turns = Vec::new();
    for _ in 0..total {
        for (credit, path) in credit.iter_mut().zip(paths) {
            *credit += i64::from(path.weight);
        }
        // The first of those with the most credit.
        let best = (0..paths.len()).rev().max_by_key(|index| credit[*index]).unwrap_or_default();
        credit[best] -= total;
        turns.push(best);
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_take_turns_by_their_weights() {
        let path = |weight| WeightedPath { weight, path: "/".into() };
        assert_eq!(turns(&[path(1), path(1)]), [0, 1]);
        assert_eq!(turns(&[path(3), path(1)]), [0, 0, 1, 0]);
        assert_eq!(turns(&[path(5), path(1), path(1)]), [0, 0, 1, 0, 2, 0, 0]);
        assert!(turns(&[]).is_empty());
    }

    #[test]
    fn a_resolved_host_keeps_its_name_and_moves_its_address() {
        let resolve = |port| Resolve {
            host: "Shop.example".into(),
            port,
            to: Some("10.1.2.3".to_owned().into()),
        };
        let mut plan = StreamPlan::new("s", "https://shop.example/", 1.0).unwrap();
        plan.ask(&Asked { resolve: vec![resolve(Some(80))], ..Asked::default() }).unwrap();
        assert_eq!(plan.connect_to, None);
        plan.ask(&Asked { resolve: vec![resolve(None)], ..Asked::default() }).unwrap();
        assert_eq!(plan.connect_to, Some(Host::Address("10.1.2.3".parse().unwrap())));
        assert_eq!(plan.headers()["host"], "shop.example");
    }
}

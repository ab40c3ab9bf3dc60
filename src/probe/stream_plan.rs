//! What one stream of requests asks, how often, and what it expects.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{self, HeaderValue};
use hyper::{HeaderMap, Uri};
use serde::{Deserialize, Serialize};

use tokio_rustls::TlsConnector;

use super::asked::{self, WeightedPath};
use super::headers;
use super::request::{Host, Target};
use super::tls::{self, Secure, TlsSettings};
use super::{Expect, Method};
use crate::Result;
use crate::record::{Connection, Purpose, Route, StreamFacts};

/// What one stream of requests asks, how often, and what it expects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StreamPlan {
    /// Name in the record and the reports.
    pub name: String,
    /// The user's name for the address that it asks, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The method.
    pub method: Method,
    /// The body to send.
    #[serde(with = "headers::body_bytes")]
    pub body: Bytes,
    /// Requests per second, one of [`StreamPlan::RATES`].
    pub rate_hz: f64,
    /// What its requests are for.
    pub purpose: Purpose,
    /// The route of its requests.
    pub route: Route,
    /// Whether connections are kept.
    pub connection: Connection,
    /// How many connections are kept and used in turn. A connection-based load balancer ties each
    /// to one replica, so a single connection would see a single replica.
    pub kept: usize,
    /// A good response is late if it arrives this long after its intended time.
    pub deadline: Duration,
    /// How long a good response normally takes; zero unless the request asks for a slow one. The
    /// stream has to be stopped that much earlier.
    pub takes: Duration,
    /// Time limit for resolving the name and connecting, from the sending.
    pub connect_timeout: Duration,
    /// Time limit for the complete response, from the sending. It is longer than the deadline, to
    /// distinguish a response that a proxy held back from one that never came.
    pub timeout: Duration,
    /// Maximum number of requests in flight; `None`: as many as can pile up within the timeout, as
    /// far as the limit of open files allows.
    pub max_in_flight: Option<usize>,
    /// Number of requests; `None`: until stopped.
    pub shots: Option<u64>,
    /// The local address to connect from.
    pub source: Option<IpAddr>,
    /// What a good response looks like.
    pub expect: Expect,
    /// The paths that are asked in turn; empty: the URL's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) paths: Vec<WeightedPath>,
    /// Whether each connection keeps its cookies.
    #[serde(default)]
    pub cookies: bool,
    /// Whether it asks in HTTP/2: agreed on in TLS, presumed without TLS. Otherwise HTTP/1.1.
    #[serde(default)]
    pub http2: bool,
    /// Whom to trust and who to be, for an `https://` URL.
    #[serde(default)]
    pub tls: TlsSettings,
    /// How often something comes over a held stream of events, at least; absent: its silence says
    /// nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_every: Option<Duration>,
    /// The host to connect to instead of the URL's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_to: Option<Host>,
    #[serde(rename = "url")]
    target: Target,
    #[serde(with = "headers::header_pairs")]
    headers: HeaderMap,
}

impl StreamPlan {
    /// Possible rates, in requests per second: more is too much for one event loop.
    pub const RATES: RangeInclusive<f64> = 0.001..=50_000.0;

    /// The default deadline. The kernel sends a lost SYN again after 1.0 s (RFC 6298): with a
    /// deadline of just that, a lost packet would be late or not by chance, and a prober that was
    /// delayed for a millisecond would be blamed for it.
    pub const DEADLINE: Duration = Duration::from_millis(800);

    /// A stream of GET requests to a URL, each over a new connection, that expects the status 200
    /// within [`StreamPlan::DEADLINE`]. To a `ws://` or `wss://` URL, it holds WebSockets open. The
    /// prober checks the rate when it starts.
    ///
    /// # Errors
    /// A usage error for a URL that cannot be probed.
    pub fn new(name: impl Into<String>, url: &str, rate_hz: f64) -> Result<Self> {
        let target = Target::parse(url)?;
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, target.authority.clone());
        headers.insert(
            header::USER_AGENT,
            HeaderValue::from_static(concat!("rollproof/", env!("CARGO_PKG_VERSION"))),
        );
        Ok(Self {
            name: name.into(),
            address: None,
            method: Method::Get,
            body: Bytes::new(),
            rate_hz,
            purpose: Purpose::Users,
            route: Route::Published,
            connection: if target.websocket { Connection::Held } else { Connection::Fresh },
            kept: 16,
            deadline: Self::DEADLINE,
            takes: Duration::ZERO,
            connect_timeout: Duration::from_secs(2),
            timeout: Duration::from_secs(5),
            max_in_flight: None,
            shots: None,
            source: None,
            expect: Expect::default(),
            paths: Vec::new(),
            cookies: false,
            http2: false,
            tls: TlsSettings::default(),
            event_every: None,
            connect_to: None,
            target,
            headers,
        })
    }

    /// The same stream with another path and query on the same host.
    ///
    /// # Errors
    /// A usage error for a path that does not start with `/` or that HTTP does not allow.
    pub fn with_path(mut self, path: &str) -> Result<Self> {
        self.target = self.target.with_path(path)?;
        Ok(self)
    }

    /// The same stream over WebSockets that are held open.
    ///
    /// # Errors
    /// A usage error for an address of TCP alone.
    pub fn with_websockets(mut self) -> Result<Self> {
        self.target = self.target.as_websocket()?;
        self.connection = Connection::Held;
        Ok(self)
    }

    /// Whether its connections are WebSockets.
    #[must_use]
    pub fn is_websocket(&self) -> bool {
        self.target.websocket
    }

    /// Asks several paths on the same host in turn.
    ///
    /// # Errors
    /// A usage error as of [`StreamPlan::with_path`].
    pub(super) fn set_paths(&mut self, paths: &[WeightedPath]) -> Result<()> {
        for each in paths {
            self.target.with_path(&each.path)?;
        }
        self.paths = paths.to_vec();
        Ok(())
    }

    /// Path and query.
    #[must_use]
    pub fn path(&self) -> String {
        self.target.path.to_string()
    }

    /// The host in the URL, without brackets.
    #[must_use]
    pub fn host_name(&self) -> String {
        self.target.name()
    }

    /// The port in the URL, or the usual one.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.target.port
    }

    /// The scheme of the URL.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        self.target.scheme()
    }

    /// The URL as given.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.target.url
    }

    /// Adds a header, or replaces `Host` and `User-Agent`.
    ///
    /// # Errors
    /// A usage error for a name or value that HTTP does not allow, and for the headers that the
    /// prober sets itself.
    pub fn header(&mut self, name: &str, value: &str) -> Result<()> {
        headers::set(&mut self.headers, name, value)
    }

    /// Whether HTTP allows this name of a header.
    #[must_use]
    pub fn is_header_name(name: &str) -> bool {
        header::HeaderName::from_bytes(name.as_bytes()).is_ok()
    }

    /// Whether the value of a header of this name is a secret.
    #[must_use]
    pub fn is_secret(name: &str) -> bool {
        [header::AUTHORIZATION, header::COOKIE]
            .iter()
            .any(|secret| name.eq_ignore_ascii_case(secret.as_str()))
    }

    /// What the record says about this stream.
    #[must_use]
    pub fn facts(&self) -> StreamFacts {
        StreamFacts {
            name: self.name.clone(),
            url: self.url().to_owned(),
            rate_hz: self.rate_hz,
            deadline: self.deadline.as_secs_f64(),
            takes: (!self.takes.is_zero()).then_some(self.takes.as_secs_f64()),
            connection: self.connection,
            purpose: self.purpose,
            route: self.route,
            address: self.address.clone(),
            held: (self.connection == Connection::Held).then_some(self.kept as u64),
        }
    }

    /// What its connections need to speak TLS; `None` without TLS.
    ///
    /// # Errors
    /// A usage error for certificates that cannot be used.
    pub(super) fn tls_client(&self) -> Result<Option<Secure>> {
        if !self.target.secure {
            return Ok(None);
        }
        let client = self.tls.client(if self.http2 { b"h2" } else { b"http/1.1" })?;
        let name = tls::server_name(&self.target.name())?;
        Ok(Some(Secure { connector: TlsConnector::from(client), name }))
    }

    /// The host to connect to.
    pub(super) fn host(&self) -> &Host {
        self.connect_to.as_ref().unwrap_or(&self.target.host)
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// The headers that were set, including `Host` and `User-Agent`.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// What requests ask for, in turn: in HTTP/1.1 a path, in HTTP/2 the whole URL, whose host is
    /// that of the header `Host`.
    pub(super) fn request_uris(&self) -> Vec<Uri> {
        let host = self.headers.get(header::HOST).unwrap_or(&self.target.authority);
        let uri = |path: &Uri| {
            let whole = Uri::builder()
                .scheme(self.target.scheme())
                .authority(host.as_bytes())
                .path_and_query(path.to_string())
                .build();
            whole
                .ok()
                .filter(|_| self.http2 || self.target.websocket)
                .unwrap_or_else(|| path.clone())
        };
        let known: Vec<Uri> = self
            .paths
            .iter()
            .filter_map(|each| Some(uri(&self.target.with_path(&each.path).ok()?.path)))
            .collect();
        let in_turn: Vec<Uri> = asked::turns(&self.paths)
            .into_iter()
            .filter_map(|index| known.get(index).cloned())
            .collect();
        if in_turn.is_empty() { vec![uri(&self.target.path)] } else { in_turn }
    }

    /// The headers of each request.
    pub(super) fn request_headers(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        if self.http2 {
            headers.remove(header::HOST);
        } else if self.connection == Connection::Fresh {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::super::BodyExpect;
    use super::*;

    fn plan() -> StreamPlan {
        StreamPlan::new("s", "http://127.0.0.1:1/", 10.0).unwrap()
    }

    #[test]
    fn a_new_plan_is_valid() {
        let plan = plan();
        plan.check().unwrap();
        let headers = plan.request_headers();
        assert_eq!(headers["host"], "127.0.0.1:1");
        assert_eq!(headers["connection"], "close");
        assert_eq!(plan.facts().deadline.to_string(), "0.8");
    }

    #[test]
    fn headers_are_checked() {
        let mut plan = plan();
        plan.header("Host", "web.example").unwrap();
        plan.header("X-A", "1").unwrap();
        plan.header("X-A", "2").unwrap();
        let headers = plan.request_headers();
        assert_eq!(headers.get_all("host").iter().count(), 1);
        assert_eq!(headers["host"], "web.example");
        assert_eq!(headers.get_all("x-a").iter().count(), 2);
        for (name, value) in [
            ("a b", "1"),
            ("", "1"),
            ("A", "1\n2"),
            ("Connection", "close"),
            ("content-length", "1"),
            ("Host", ""),
            ("Host", "a b"),
            ("Host", "http://a/"),
            ("Host", "a:b"),
            ("Host", "me@a"),
        ] {
            let error = plan.header(name, value).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Usage, "{name}");
        }
    }

    #[test]
    fn contradictions_are_usage_errors() {
        let broken: [fn(&mut StreamPlan); 10] = [
            |plan| plan.rate_hz = 0.0,
            |plan| plan.rate_hz = f64::NAN,
            |plan| plan.rate_hz = 1e9,
            |plan| plan.timeout = plan.deadline,
            |plan| plan.deadline = Duration::ZERO,
            |plan| plan.kept = 0,
            |plan| {
                plan.purpose = Purpose::EachReplica;
                plan.connection = Connection::KeepAlive;
            },
            |plan| plan.max_in_flight = Some(0),
            |plan| plan.source = Some("::1".parse().unwrap()),
            |plan| {
                plan.method = Method::Head;
                plan.expect.body = BodyExpect::Exact("x".into());
            },
        ];
        for (number, breaks) in broken.into_iter().enumerate() {
            let mut plan = plan();
            breaks(&mut plan);
            let error = plan.check().expect_err(&number.to_string());
            assert_eq!(error.kind(), crate::ErrorKind::Usage);
            assert!(error.message().starts_with("stream `s`: "), "{}", error.message());
        }
    }
}

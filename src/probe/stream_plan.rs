//! What one stream of requests asks, how often, and what it expects.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{self, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use super::request::{Host, Target};
use super::{BodyExpect, Expect, Method};
use crate::record::{Connection, Purpose, Route, StreamFacts};
use crate::wording::setting;
use crate::{Error, Result};

/// What one stream of requests asks, how often, and what it expects.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StreamPlan {
    /// Name in the record and the reports.
    pub name: String,
    /// The method.
    pub method: Method,
    /// The body to send.
    #[serde(with = "body_bytes")]
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
    #[serde(rename = "url")]
    target: Target,
    #[serde(with = "header_pairs")]
    headers: HeaderMap,
}

impl StreamPlan {
    /// Possible rates, in requests per second: more is too much for one event loop.
    pub const RATES: RangeInclusive<f64> = 0.001..=50_000.0;

    /// The default deadline. The kernel sends a lost SYN again after 1.0 s (RFC 6298): with a
    /// deadline of just that, a lost packet would be late or not by chance, and a prober that was
    /// delayed for a millisecond would be blamed for it.
    pub const DEADLINE: Duration = Duration::from_millis(800);

    /// A stream of GET requests to an `http://` URL, each over a new connection, that expects the
    /// status 200 within [`StreamPlan::DEADLINE`]. The prober checks the rate when it starts.
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
            method: Method::Get,
            body: Bytes::new(),
            rate_hz,
            purpose: Purpose::Users,
            route: Route::Published,
            connection: Connection::Fresh,
            kept: 16,
            deadline: Self::DEADLINE,
            takes: Duration::ZERO,
            connect_timeout: Duration::from_secs(2),
            timeout: Duration::from_secs(5),
            max_in_flight: None,
            shots: None,
            source: None,
            expect: Expect::default(),
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

    /// Path and query.
    #[must_use]
    pub fn path(&self) -> String {
        self.target.path.to_string()
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
        set_header(&mut self.headers, name, value)
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
            connection: self.connection,
            purpose: self.purpose,
            route: self.route,
        }
    }

    /// Whether the stream can be sent as planned.
    ///
    /// # Errors
    /// A usage error for values that contradict each other.
    pub fn check(&self) -> Result<()> {
        let wrong = |what: String| Error::usage(format!("stream `{}`: {what}", self.name));
        if !Self::RATES.contains(&self.rate_hz) {
            return Err(wrong(format!(
                "the rate ({} requests per second) must be between 0.001 and 50,000",
                self.rate_hz
            )));
        }
        if self.deadline.is_zero() || self.connect_timeout.is_zero() {
            return Err(wrong("deadline and connect timeout must be more than zero".into()));
        }
        if self.timeout <= self.deadline {
            return Err(wrong(format!(
                "the timeout ({}) must be longer than the deadline ({})",
                setting(self.timeout.as_secs_f64()),
                setting(self.deadline.as_secs_f64())
            ))
            .hint("a response between the two is late; after the timeout it is given up"));
        }
        if self.kept == 0 || self.max_in_flight == Some(0) {
            return Err(wrong("at least one connection is needed".into()));
        }
        if self.purpose == Purpose::EachReplica && self.connection == Connection::KeepAlive {
            return Err(wrong("requests to each replica need new connections".into()));
        }
        if self.method == Method::Head && self.expect.body != BodyExpect::Any {
            return Err(wrong("the response to HEAD has no body to compare".into()));
        }
        if let (Some(source), Host::Address(target)) = (self.source, &self.target.host)
            && source.is_ipv4() != target.is_ipv4()
        {
            return Err(wrong(format!("{target} cannot be reached from {source}")));
        }
        Ok(())
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    /// The headers that were set, including `Host` and `User-Agent`.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The headers of each request.
    pub(super) fn request_headers(&self) -> HeaderMap {
        let mut headers = self.headers.clone();
        if self.connection == Connection::Fresh {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        headers
    }
}

fn set_header(headers: &mut HeaderMap, name: &str, value: &str) -> Result<()> {
    let wrong = || Error::usage(format!("header `{name}` is not valid"));
    let name =
        HeaderName::from_bytes(name.trim().as_bytes()).map_err(|error| wrong().caused_by(error))?;
    let mut value =
        HeaderValue::from_str(value.trim()).map_err(|error| wrong().caused_by(error))?;
    match name {
        header::CONNECTION | header::CONTENT_LENGTH | header::TRANSFER_ENCODING => {
            return Err(Error::usage(format!("header `{name}` is set by the prober"))
                .hint("choose new or kept connections instead"));
        }
        header::HOST | header::USER_AGENT => drop(headers.insert(name, value)),
        _ => {
            value.set_sensitive(StreamPlan::is_secret(name.as_str()));
            headers.append(name, value);
        }
    }
    Ok(())
}

/// A body as a list of its bytes.
mod body_bytes {
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
mod header_pairs {
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
            super::set_header(&mut headers, &name, &value).map_err(de::Error::custom)?;
        }
        Ok(headers)
    }
}

#[cfg(test)]
mod tests {
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

//! What one stream of requests asks, how often, and what it expects.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::header::{self, HeaderName, HeaderValue};

use super::target::{Host, Target};
use super::{BodyExpect, Expect, Method};
use crate::record::{Connection, Purpose, Route, StreamFacts};
use crate::{Error, Result};

/// More shots a second than one event loop could pace.
const HIGHEST_RATE: f64 = 50_000.0;

/// What one stream of requests asks, how often, and what it expects.
#[derive(Debug, Clone)]
pub struct StreamPlan {
    /// Name in the record and the reports.
    pub name: String,
    /// The method.
    pub method: Method,
    /// The body that is sent; empty unless set.
    pub body: Bytes,
    /// Requests a second.
    pub rate_hz: f64,
    /// What its requests are to show.
    pub purpose: Purpose,
    /// The way its requests take.
    pub route: Route,
    /// Whether connections are kept.
    pub connection: Connection,
    /// How many connections are kept and used in turn. A balancer that works by connection
    /// ties each to one replica, so one alone would see one replica.
    pub kept: usize,
    /// A good answer later than this after its intended time is late.
    pub deadline: Duration,
    /// How long a good answer takes by itself; next to nothing unless it is asked to take long.
    /// Whoever stops the stream stops it so much earlier.
    pub takes: Duration,
    /// Time limit for looking up the name and connecting, from the sending on.
    pub connect_timeout: Duration,
    /// Time limit for the whole answer, from the sending on. It is more than the deadline, so
    /// that an answer a proxy held back is told from one that never came.
    pub timeout: Duration,
    /// Most requests in flight; absent: as many as the rate can pile up within the timeout,
    /// and as the machine's descriptors allow.
    pub max_in_flight: Option<usize>,
    /// How many requests; absent: until stopped.
    pub shots: Option<u64>,
    /// The local address to connect from.
    pub source: Option<IpAddr>,
    /// What a good answer looks like.
    pub expect: Expect,
    target: Target,
    headers: HeaderMap,
}

impl StreamPlan {
    /// A stream of GET requests to an `http://` URL, each over a new connection, that expects
    /// the status 200 within a second. A `rate_hz` is checked when the prober starts.
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
            deadline: Duration::from_secs(1),
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

    /// The same stream with another target on the same host: a path with its query.
    ///
    /// # Errors
    /// A usage error for a path that does not begin with `/` or that HTTP does not allow.
    pub fn with_path(mut self, path: &str) -> Result<Self> {
        self.target = self.target.with_path(path)?;
        Ok(self)
    }

    /// Path and query of what is asked.
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
    /// A usage error for a name or value HTTP does not allow, and for the headers that belong
    /// to the connection itself.
    pub fn header(&mut self, name: &str, value: &str) -> Result<()> {
        let wrong = || Error::usage(format!("header `{name}` is not valid"));
        let name = HeaderName::from_bytes(name.trim().as_bytes())
            .map_err(|error| wrong().caused_by(error))?;
        let mut value =
            HeaderValue::from_str(value.trim()).map_err(|error| wrong().caused_by(error))?;
        match name {
            header::CONNECTION | header::CONTENT_LENGTH | header::TRANSFER_ENCODING => {
                return Err(Error::usage(format!("header `{name}` is set by the prober"))
                    .hint("choose fresh or kept-alive connections instead"));
            }
            header::HOST | header::USER_AGENT => drop(self.headers.insert(name, value)),
            _ => {
                value.set_sensitive(name == header::AUTHORIZATION || name == header::COOKIE);
                self.headers.append(name, value);
            }
        }
        Ok(())
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

    /// # Errors
    /// A usage error for values that contradict each other.
    pub(super) fn check(&self) -> Result<()> {
        let wrong = |what: String| Error::usage(format!("stream `{}`: {what}", self.name));
        if !(self.rate_hz >= 0.001 && self.rate_hz <= HIGHEST_RATE) {
            return Err(wrong(format!(
                "a rate of {} requests a second is not between 0.001 and {HIGHEST_RATE}",
                self.rate_hz
            )));
        }
        if self.deadline.is_zero() || self.connect_timeout.is_zero() {
            return Err(wrong("deadline and connect timeout must be more than zero".into()));
        }
        if self.timeout <= self.deadline {
            return Err(wrong(format!(
                "the timeout ({:?}) must be more than the deadline ({:?})",
                self.timeout, self.deadline
            ))
            .hint("an answer between the two is late, one after the timeout never came"));
        }
        if self.kept == 0 || self.max_in_flight == Some(0) {
            return Err(wrong("at least one connection is needed".into()));
        }
        if self.purpose == Purpose::EachReplica && self.connection == Connection::KeepAlive {
            return Err(wrong("each replica is asked over new connections only".into()));
        }
        if self.method == Method::Head && self.expect.body != BodyExpect::Any {
            return Err(wrong("the answer to HEAD has no body to compare".into()));
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

    /// The headers that were set, `Host` and `User-Agent` among them.
    pub(super) fn headers(&self) -> &HeaderMap {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> StreamPlan {
        StreamPlan::new("s", "http://127.0.0.1:1/", 10.0).unwrap()
    }

    #[test]
    fn a_new_plan_is_right() {
        let plan = plan();
        plan.check().unwrap();
        let headers = plan.request_headers();
        assert_eq!(headers["host"], "127.0.0.1:1");
        assert_eq!(headers["connection"], "close");
        assert_eq!(plan.facts().deadline.to_string(), "1");
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

//! Which streams can be sent as planned.

use super::patterns::Patterns;
use super::request::Host;
use super::{BodyExpect, Method, StreamPlan};
use crate::record::{Connection, Purpose};
use crate::wording::setting;
use crate::{Error, Result};

impl StreamPlan {
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
        if self.purpose == Purpose::EachReplica && self.connection != Connection::Fresh {
            return Err(wrong("requests to each replica need new connections".into()));
        }
        self.check_held()?;
        if self.target().raw {
            if self.http2 || self.cookies || !self.paths.is_empty() {
                return Err(wrong("HTTP/2, cookies and paths are not for a tcp:// URL".into()));
            }
            if self.connection == Connection::KeepAlive && self.body.is_empty() {
                return Err(wrong("kept TCP connections need something to send".into())
                    .hint("--body says what, for example --body $'PING\\r\\n' for Redis"));
            }
        }
        if self.method == Method::Head && self.expect.body != BodyExpect::Any {
            return Err(wrong("the response to HEAD has no body to compare".into()));
        }
        self.tls_client()?;
        Patterns::of(&self.expect)?;
        if let (Some(source), Host::Address(target)) = (self.source, self.host())
            && source.is_ipv4() != target.is_ipv4()
        {
            return Err(wrong(format!("{target} cannot be reached from {source}")));
        }
        Ok(())
    }

    /// The same of what is special about connections that are held.
    fn check_held(&self) -> Result<()> {
        let wrong = |what: String| Error::usage(format!("stream `{}`: {what}", self.name));
        if self.connection != Connection::Held {
            return if self.is_websocket() {
                Err(wrong("a WebSocket is a connection that is held".into()))
            } else {
                Ok(())
            };
        }
        let what = if self.is_websocket() { "a WebSocket" } else { "a stream of events" };
        if self.target().raw {
            return Err(wrong("only WebSockets and streams of events are held".into()));
        }
        if self.method != Method::Get || !self.body.is_empty() {
            return Err(wrong(format!("{what} is opened with GET, without a body")));
        }
        if self.expect.body != BodyExpect::Any {
            return Err(wrong(format!("{what} has no body to compare")));
        }
        if self.cookies || (self.is_websocket() && self.http2) {
            return Err(wrong(format!("cookies and HTTP/2 are not for {what}")));
        }
        if self.is_websocket() && self.event_every.is_some() {
            return Err(wrong(
                "a WebSocket is asked with pings; events are for a stream of events".into(),
            ));
        }
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53 connections")]
        let each = self.kept as f64 / self.rate_hz;
        if each > self.timeout.as_secs_f64() {
            let text = format!(
                "each of {} connections would be looked after only every {}",
                self.kept,
                setting((each * 10.0).round() / 10.0)
            );
            return Err(wrong(text).hint(format!(
                "the timeout is {}: choose a higher rate or fewer connections",
                setting(self.timeout.as_secs_f64())
            )));
        }
        Ok(())
    }
}

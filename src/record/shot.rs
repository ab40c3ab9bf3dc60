//! One request of a stream.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Outcome, Unsent};
use crate::Offset;

/// One request: one line of `shots-<stream>.jsonl`. Latency is measured from `intended`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shot {
    /// When it was scheduled. The schedule is fixed before the run.
    pub intended: Offset,
    /// When it was actually sent; absent if it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Offset>,
    /// When the connection was established; absent if that failed or the connection was open already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected: Option<Offset>,
    /// When the TLS handshake was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Offset>,
    /// How often the kernel had to send the connection's SYN again: a lost packet, or a full queue of
    /// the server. Only noted for connections that took long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub syn_resent: Option<u32>,
    /// When the first byte of the response arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<Offset>,
    /// When the outcome was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Offset>,
    /// The address it was sent to, in a stream that asks several addresses directly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Arc<str>>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it was not sent, if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsent: Option<Unsent>,
    /// HTTP status, if there was a response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Whether it used a connection that was open already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reused: bool,
    /// The responding container's host name, if the response had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica: Option<Arc<str>>,
    /// The responding task's slot, if the response had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<u64>,
    /// The responding version, if the response had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Arc<str>>,
    /// The beginning of the body, if the response was complete and not the expected one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Arc<str>>,
    /// The held connection that it looked after, in a stream of such, counted from zero.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// How that connection ended, if it did before the next request over it was due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<HeldEnd>,
    /// When another was open in its place; in the first request that saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<Offset>,
}

/// How the server or the network ended a held connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldEnd {
    /// Since when it had been open.
    pub since: Offset,
    /// When it ended.
    pub at: Offset,
    /// Whether it was closed as its protocol says, not cut.
    pub clean: bool,
    /// The status code of a WebSocket's close frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
}

impl Shot {
    /// A shot with only the scheduled time and the outcome.
    #[must_use]
    pub fn new(intended: Offset, outcome: Outcome) -> Self {
        Self {
            intended,
            sent: None,
            connected: None,
            tls: None,
            syn_resent: None,
            first_byte: None,
            done: None,
            to: None,
            outcome,
            unsent: None,
            status: None,
            reused: false,
            replica: None,
            slot: None,
            version: None,
            body: None,
            line: None,
            end: None,
            back: None,
        }
    }

    /// The instant whose success or failure it shows: when it was intended, or, if it failed
    /// because a held connection ended, then.
    #[must_use]
    pub fn shows(&self) -> Offset {
        match self.end {
            Some(end) if self.outcome.is_failure() => end.at,
            _ => self.intended,
        }
    }

    /// Time from the scheduled start to the outcome.
    #[must_use]
    pub fn latency(&self) -> Option<Offset> {
        self.done.map(|done| done - self.intended)
    }

    /// The latency, if the response was correct, in time or late.
    #[must_use]
    pub fn response_latency(&self) -> Option<Offset> {
        self.latency().filter(|_| matches!(self.outcome, Outcome::Ok | Outcome::Late))
    }

    /// When it began: when it was sent, or should have been.
    #[must_use]
    pub fn began(&self) -> Offset {
        self.sent.unwrap_or(self.intended)
    }

    /// When it ended: when its outcome was known, or else when it began.
    #[must_use]
    pub fn ended(&self) -> Offset {
        self.done.unwrap_or_else(|| self.began())
    }

    /// The send lag: how long after its scheduled time it was sent.
    #[must_use]
    pub fn lag(&self) -> Option<Offset> {
        self.sent.map(|sent| sent - self.intended)
    }
}

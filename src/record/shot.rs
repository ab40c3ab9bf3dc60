//! One request of a stream.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Outcome, Unsent};
use crate::Offset;

/// One request: one line of `shots-<stream>.jsonl`. Latency counts from `intended`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shot {
    /// When the schedule, fixed before the run, wanted it sent.
    pub intended: Offset,
    /// When it was really started; absent if it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<Offset>,
    /// When the connection stood; absent if it failed before or was reused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connected: Option<Offset>,
    /// When the first byte of the answer arrived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte: Option<Offset>,
    /// When the outcome was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Offset>,
    /// The address that was asked, in a stream that asks several by themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Arc<str>>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it was not sent, if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsent: Option<Unsent>,
    /// HTTP status, if there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Whether it went over a connection that had served a request before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reused: bool,
    /// The answering container's host name, if the answer carried one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica: Option<Arc<str>>,
    /// The answering task's slot, if the answer carried one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<u64>,
    /// The answering version, if the answer carried one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Arc<str>>,
}

impl Shot {
    /// A shot of which only the intended time and the outcome are known.
    #[must_use]
    pub fn new(intended: Offset, outcome: Outcome) -> Self {
        Self {
            intended,
            sent: None,
            connected: None,
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
        }
    }

    /// Time from the intended start to the known outcome.
    #[must_use]
    pub fn latency(&self) -> Option<Offset> {
        self.done.map(|done| done - self.intended)
    }

    /// When it began: when it was sent, or should have been.
    #[must_use]
    pub fn began(&self) -> Offset {
        self.sent.unwrap_or(self.intended)
    }

    /// When it was over: when its outcome was known, or when it began if that was never.
    #[must_use]
    pub fn ended(&self) -> Offset {
        self.done.unwrap_or_else(|| self.began())
    }

    /// How late it was sent.
    #[must_use]
    pub fn lag(&self) -> Option<Offset> {
        self.sent.map(|sent| sent - self.intended)
    }
}

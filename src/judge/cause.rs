//! Why requests fail.

use serde::Serialize;

use super::holder::Holder;
use crate::Offset;

/// Why requests fail, as far as the record can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// No replica served at all.
    NoHealthyReplica,
    /// No replica served, and the proxy held the request until one did.
    HeldByProxy,
    /// Sent to a task that was being stopped or was already gone.
    SentToStoppingTask,
    /// In hand when its container was stopped.
    KilledBeforeFinished,
    /// Sent to a new task that was not ready.
    NewTaskNotReady,
    /// A kept connection was closed while the request was on its way.
    KeptConnectionClosed,
    /// The replica that should have answered failed by itself.
    ReplicaFailed,
    /// Answered by a version that should not answer.
    WrongVersion,
    /// Failed before the update was submitted.
    BeforeUpdate,
    /// The probe sent it late itself: nothing the service can be blamed for.
    OwnLag,
    /// The record does not show why.
    Unexplained,
}

impl Cause {
    /// The cause in plain words, without a full stop.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::NoHealthyReplica => "no replica was serving",
            Self::HeldByProxy => {
                "no replica was serving, and the proxy held the request until one did: it came late"
            }
            Self::SentToStoppingTask => "sent to a task that was being stopped",
            Self::KilledBeforeFinished => {
                "its container was stopped before it had finished the request"
            }
            Self::NewTaskNotReady => "sent to a new task before that was ready",
            Self::KeptConnectionClosed => "a kept connection was closed under the request",
            Self::ReplicaFailed => "the replica that should have answered failed by itself",
            Self::WrongVersion => "answered by a version that should not have answered",
            Self::BeforeUpdate => "failed before the update was submitted",
            Self::OwnLag => "this program sent it late because the machine was busy",
            Self::Unexplained => "unexplained: no change of a task near it accounts for it",
        }
    }

    /// The same with who kept asking, where that is known.
    pub(super) fn sentence(self, holder: Option<Holder>) -> String {
        format!("{}{}", self.text(), holder.map_or("", Holder::words))
    }

    /// What to change, if anything can be said.
    #[must_use]
    pub fn remedy(self) -> Option<&'static str> {
        Some(match self {
            Self::NoHealthyReplica | Self::HeldByProxy => {
                "set `update_config.parallelism` well below the number of replicas, or \
                 `update_config.order: start-first`, and give the service a `healthcheck`"
            }
            Self::SentToStoppingTask => {
                "let the proxy or client forget a stopped task within the 2 s that Swarm gives it (a short \
                 DNS refresh, or the service's virtual address), let it try another replica, or \
                 keep answering for some seconds after SIGTERM"
            }
            Self::KilledBeforeFinished => {
                "finish the requests in hand on SIGTERM, and set `stop_grace_period` above the \
                 longest of them"
            }
            Self::NewTaskNotReady => {
                "give the service a `healthcheck` that succeeds only when the program can answer: \
                 without one Swarm sends requests as soon as the container has started"
            }
            Self::KeptConnectionClosed => {
                "answer the last requests of a connection with `Connection: close` on SIGTERM \
                 before closing it, or let the proxy repeat requests that are safe to repeat"
            }
            Self::ReplicaFailed => {
                "look at the task's error, and let the proxy check its upstreams or try another one"
            }
            Self::WrongVersion => "look for a second service behind the same address",
            Self::BeforeUpdate => {
                "make the service answer every request at rest first, then test its updates"
            }
            Self::OwnLag => "run on a machine with more free processor time, or at a lower rate",
            Self::Unexplained => return None,
        })
    }
}

/// All failed requests of one cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CauseGroup {
    /// The cause.
    pub cause: Cause,
    /// The cause in plain words.
    pub text: String,
    /// How many requests.
    pub failed: u64,
    /// The streams they belong to.
    pub streams: Vec<String>,
    /// When the first was intended.
    pub first_at: Offset,
    /// When the last was intended.
    pub last_at: Offset,
    /// What to change.
    pub remedy: Option<&'static str>,
}

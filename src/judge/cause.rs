//! Why requests fail, and one failed request explained.

use serde::{Deserialize, Serialize};

use super::fix::Fix;
use super::wrong_answers::WrongAnswer;
use crate::Offset;
use crate::record::Outcome;

/// Why requests fail, as far as the record can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// A kept-alive connection was closed while the request was on its way.
    KeptConnectionClosed,
    /// A held connection was cut when the task that had it stopped.
    HeldConnectionCut,
    /// The replica that should have answered had failed.
    ReplicaFailed,
    /// Answered by a version that should not answer.
    WrongVersion,
    /// Sent to a replica on a node that was lost.
    NodeLost,
    /// No task of the service that publishes the port was running.
    ProxyNotRunning,
    /// The change closed the published port: the new version does not publish it.
    PortWithdrawn,
    /// On its way when a task of the service that publishes the port was stopped or ended.
    ProxyStopping,
    /// A healthy replica answered wrongly.
    WrongAnswer,
    /// Failed before the update was submitted, or in an outage that began before it.
    BeforeUpdate,
    /// Failed while the engine did not respond, or just before or after.
    EngineLost,
    /// The probe itself sent it late: the service is not to blame.
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
                "no replica was serving, and the proxy held the request until one was: the response came \
                 late"
            }
            Self::SentToStoppingTask => "sent to a task that was being stopped",
            Self::KilledBeforeFinished => {
                "its container was stopped before it had finished the request"
            }
            Self::NewTaskNotReady => "sent to a new task that was not ready yet",
            Self::KeptConnectionClosed => {
                "a kept-alive connection was closed while the request was on its way"
            }
            Self::HeldConnectionCut => {
                "a held connection was cut: the task that had it stopped without closing it first"
            }
            Self::ReplicaFailed => "the replica that should have answered had failed",
            Self::WrongVersion => "answered by a version that should not answer",
            Self::NodeLost => "sent to a replica on a node that was lost",
            Self::ProxyNotRunning => {
                "the published port was closed: no task of the service that publishes it was running"
            }
            Self::PortWithdrawn => {
                "the published port was closed: the new version does not publish it"
            }
            Self::ProxyStopping => {
                "a task of the service that publishes the port was being stopped"
            }
            Self::WrongAnswer => "a healthy replica answered wrongly",
            Self::BeforeUpdate => {
                "failed before the update was submitted, or in an outage that began before it"
            }
            Self::EngineLost => {
                "failed while the engine did not respond: what happened then is not known"
            }
            Self::OwnLag => "the probe sent it late because this machine was busy",
            Self::Unexplained => "unexplained: no task changed near it",
        }
    }

    /// The same with who kept asking, where that is known.
    pub(super) fn sentence(self, holder: Option<Holder>) -> String {
        format!("{}{}", self.text(), holder.map_or("", Holder::words))
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
    /// For wrong answers: the replicas that gave them, as far as that is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<WrongAnswer>,
    /// What to change.
    pub remedy: Option<String>,
    /// The same as lines of the stack file, where there are some.
    #[serde(skip)]
    pub(super) fix: Option<Fix>,
}

/// One failed request and what explains it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failure {
    /// The stream.
    pub stream: String,
    /// When it was intended.
    pub at: Offset,
    /// How it failed.
    pub class: Outcome,
    /// The container that answered, if the answer told.
    pub replica: Option<String>,
    /// The version that answered, if the answer told.
    pub version: Option<String>,
    /// Whether its connection was open before it.
    pub reused: bool,
    /// The nearest change of a task that could have to do with it.
    pub nearest: Option<Nearest>,
    /// The group it belongs to.
    pub cause: Cause,
    /// Why it failed: one plain sentence.
    pub because: String,
}

/// One of all failed requests, in few bytes: there can be very many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailedRequest {
    /// Its stream, by its place in the record.
    pub stream: usize,
    /// The request, by its place in the record of its stream.
    pub shot: usize,
    /// Why it failed.
    pub cause: Cause,
    /// The task of the service under test that it is about, by the order in which the run first saw
    /// its tasks.
    pub task: Option<usize>,
}

/// A change of a task near a failed request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Nearest {
    /// The service, if it is not the one under test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// What changed: `told-to-stop`, `stop-signal`, `ended`, `failed`, `started`, `running`.
    pub event: &'static str,
    /// The task's slot.
    pub slot: u64,
    /// The task's id.
    pub task: String,
    /// Seconds from the change to the request; negative if the request came first.
    pub dt_s: Offset,
}

/// Who sent requests to a task that had got its stop signal or was gone. Swarm takes a task out
/// of its DNS and its virtual address two seconds before the signal, so whoever still asks it
/// has kept something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    /// A proxy: that has connections of its own, too.
    Proxy,
    /// A client without a proxy.
    Client,
    /// Some of each.
    Either,
}

impl Holder {
    /// The two together.
    pub(super) fn and(self, other: Self) -> Self {
        if self == other { self } else { Self::Either }
    }

    /// As it continues a cause's sentence.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Proxy => ", by a proxy that still held its address or a connection to it",
            Self::Client => ", by a client that still held its address",
            Self::Either => ", by a client or proxy that still held its address",
        }
    }
}

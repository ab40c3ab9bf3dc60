//! What the requests of a stream are to show.

use serde::{Deserialize, Serialize};

/// What the requests of a stream are to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// What users of the service get: none of them may fail.
    #[default]
    Users,
    /// What each replica answers when it is asked by itself, past every proxy. A replica that is
    /// being replaced stops answering some time, so that alone is no failure.
    EachReplica,
    /// A target on the same machine and network that no update touches: if it fails, the
    /// measurement is at fault.
    Control,
    /// A target that loses requests on purpose: if none fails, the measurement is at fault.
    NegativeControl,
}

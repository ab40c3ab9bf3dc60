//! How a scenario ended.

use crate::record::EndReason;

/// How a scenario ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End<'a> {
    /// As the record says.
    Ended(&'a EndReason),
    /// The record stops before it.
    Unfinished,
}

impl<'a> End<'a> {
    /// Why what the service came to is not known, if so.
    pub(super) fn unknown(self) -> Option<String> {
        match self {
            Self::Ended(EndReason::Settled | EndReason::Deadline { .. }) => None,
            Self::Ended(EndReason::Interrupted) => Some("the run was interrupted".to_owned()),
            Self::Ended(EndReason::EngineLost { text }) => {
                Some(format!("the engine was lost: {text}"))
            }
            Self::Ended(EndReason::Failed { text }) => Some(format!("the run ended early: {text}")),
            Self::Unfinished => Some("the record stops before the scenario's end".to_owned()),
        }
    }

    /// What was still being waited for when the time was over.
    pub(super) fn deadline(self) -> Option<&'a str> {
        match self {
            Self::Ended(EndReason::Deadline { text }) => Some(text),
            _ => None,
        }
    }
}

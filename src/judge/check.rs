//! One expectation, and whether it held.

use std::fmt;

use serde::Serialize;

use crate::exit_code;

/// The result of a check, a scenario or a run. Ordered: the worst of several decides, and a
/// broken expectation that is proven outweighs a measurement that is not whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Every expectation was met and the measurement can be trusted.
    Pass,
    /// The measurement cannot be trusted, or the update was not observed.
    Inconclusive,
    /// An expectation was broken.
    Fail,
}

impl Verdict {
    /// The process's exit code for this verdict.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Pass => exit_code::PASS,
            Self::Fail => exit_code::FAIL,
            Self::Inconclusive => exit_code::INCONCLUSIVE,
        }
    }

    /// The word used in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
        }
    }

    /// The worst of these; [`Verdict::Pass`] if there are none.
    #[must_use]
    pub fn worst(verdicts: impl IntoIterator<Item = Self>) -> Self {
        verdicts.into_iter().max().unwrap_or(Self::Pass)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One expectation and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Short name, such as `no-failed-requests`; the same in every version.
    pub name: &'static str,
    /// Whether it held.
    pub verdict: Verdict,
    /// What was found, in plain words.
    pub measured: String,
    /// What would have been good.
    pub limit: String,
    /// Why the verdict is what it is: one plain sentence.
    pub because: String,
    /// What to change, mostly in the stack file; for broken checks only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Check {
    /// A check without a remedy.
    pub(super) fn new(
        name: &'static str,
        verdict: Verdict,
        measured: impl Into<String>,
        limit: impl Into<String>,
        because: impl Into<String>,
    ) -> Self {
        Self {
            name,
            verdict,
            measured: measured.into(),
            limit: limit.into(),
            because: because.into(),
            remedy: None,
        }
    }

    /// Whether it is about the requests that users lost.
    #[must_use]
    pub fn is_of_losses(&self) -> bool {
        matches!(self.name, "no-failed-requests" | "longest-gap")
    }

    /// The same check with what to change, if it is proven that it does not hold.
    pub(super) fn remedy_if_failed(self, remedy: impl Into<String>) -> Self {
        if self.verdict == Verdict::Fail { self.remedy(remedy) } else { self }
    }

    /// The same check with what to change, unless it held.
    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        if self.verdict != Verdict::Pass {
            self.remedy = Some(remedy.into());
        }
        self
    }
}

/// A check that either holds or makes the verdict inconclusive.
pub(super) fn trust(
    name: &'static str,
    good: bool,
    measured: impl Into<String>,
    limit: impl Into<String>,
    because: impl Into<String>,
) -> Check {
    let verdict = if good { Verdict::Pass } else { Verdict::Inconclusive };
    Check::new(name, verdict, measured, limit, because)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proven_failure_outweighs_a_hole_in_the_measurement() {
        use Verdict::{Fail, Inconclusive, Pass};
        assert_eq!(Verdict::worst([Pass, Fail, Inconclusive]), Fail);
        assert_eq!(Verdict::worst([Inconclusive, Pass]), Inconclusive);
        assert_eq!(Verdict::worst([]), Pass);
    }
}

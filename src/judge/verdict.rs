//! The three verdicts.

use std::fmt;

use serde::Serialize;

/// What a check, a scenario or a run comes to. Ordered: the worst of several decides, and a
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
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Inconclusive => 3,
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

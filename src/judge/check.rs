//! One check.

use serde::Serialize;

use super::Verdict;

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

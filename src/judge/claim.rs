//! What a number of updates can claim.

use serde::Serialize;

use crate::stats::{error_rate_upper_95, trials_needed};

/// The claim that fewer than one in so many updates loses a request, at 95 % confidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claim {
    /// One in how many.
    pub one_in: u32,
    /// How many updates it needs in all, if no more of them lose a request.
    pub needed: Option<u64>,
    /// How many of those are still missing.
    pub missing: Option<u64>,
    /// Whether what was seen supports it.
    pub proven: bool,
}

impl Claim {
    /// The usual claims, after so many updates of which `lost` lost a request.
    pub(super) fn all(lost: u64, updates: u64) -> Vec<Self> {
        [10, 20, 100]
            .into_iter()
            .map(|one_in| {
                let claim = 1.0 / f64::from(one_in);
                let needed = trials_needed(lost, claim);
                Self {
                    one_in,
                    needed,
                    missing: needed.map(|needed| needed.saturating_sub(updates)),
                    proven: error_rate_upper_95(lost, updates) <= claim,
                }
            })
            .collect()
    }
}

//! The run that another one is measured against.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Purpose;
use crate::Offset;

/// The run that this one is measured against, as far as that needs: the record then says it all, even
/// when the other run is gone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Against {
    /// Its id.
    pub run_id: String,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// Its verdict.
    pub verdict: String,
    /// How much worse this run may be.
    pub tolerances: Tolerances,
    /// What it ran with: settings of the stack, the engine, the load; by name, in plain words.
    pub conditions: BTreeMap<String, String>,
    /// Its scenarios.
    pub scenarios: Vec<FormerScenario>,
}

/// What a scenario of the other run came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FormerScenario {
    /// Its name.
    pub name: String,
    /// Users' requests that were sent.
    pub sent: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// The longest time in which one of the users' streams got nothing.
    pub longest_gap_s: Offset,
    /// From the change until it was done; absent if it never was.
    pub took_s: Option<Offset>,
    /// Its streams that were answered.
    pub streams: Vec<FormerStream>,
}

/// What a stream of the other run came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerStream {
    /// Its name.
    pub name: String,
    /// What its requests are to show.
    pub purpose: Purpose,
    /// 99 % of its answers came within this.
    pub p99_s: Offset,
}

/// How much worse than another run a run may be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tolerances {
    /// So much more of the requests may be lost, as a part of one.
    pub failed: f64,
    /// The longest gap.
    pub gap: Tolerance,
    /// The time that an update, or its rollback, takes.
    pub duration: Tolerance,
    /// The 99 % latency of each stream.
    pub p99: Tolerance,
}

/// How much longer a time may be: by a share of it, and by so much in any case.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tolerance {
    /// As a part of one.
    pub share: f64,
    /// In any case.
    pub at_least_s: Offset,
}

impl Default for Tolerances {
    /// What single runs of the same differ by, and some more: `docs/verdicts.md` has the figures.
    fn default() -> Self {
        let tolerance =
            |share, millis| Tolerance { share, at_least_s: Offset::from_millis(millis) };
        Self {
            failed: 0.001,
            gap: tolerance(0.25, 250),
            duration: tolerance(0.2, 5_000),
            p99: tolerance(0.5, 50),
        }
    }
}

impl Tolerance {
    /// The longest time that is no worse than this one.
    #[must_use]
    pub fn most(self, former: Offset) -> Offset {
        let more = Offset::from_secs_f64(former.as_secs_f64() * self.share);
        former + more.max(self.at_least_s)
    }
}

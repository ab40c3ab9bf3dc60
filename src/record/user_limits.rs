//! What users allow and require, where nothing lost is too much to ask.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::wording::{counted, length, percent};
use crate::{Error, Offset, Result};

/// What a run's users allow and require of each scenario. Without any, no request may be lost.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct UserLimits {
    /// Users' requests that may fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_failed: Option<AllowedFailed>,
    /// The longest time in which a stream of users' requests may get no good response.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_gap_s: Option<Offset>,
    /// 99 % of the answers of each stream of users' requests come within this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_p99_s: Option<Offset>,
    /// From the change until the update, or its rollback, is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_duration_s: Option<Offset>,
    /// The fewest replicas that serve at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_serving: Option<u64>,
}

/// How many requests may fail.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AllowedFailed {
    /// So many.
    Requests(u64),
    /// This share of those that were sent, as a part of one.
    Share(f64),
}

impl AllowedFailed {
    /// Whether so many of those that were sent may fail.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53 requests")]
    pub fn covers(self, failed: u64, sent: u64) -> bool {
        match self {
            Self::Requests(most) => failed <= most,
            Self::Share(most) => failed as f64 <= most * sent as f64,
        }
    }
}

impl fmt::Display for AllowedFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requests(number) => write!(f, "{}", crate::wording::count(*number)),
            Self::Share(share) => write!(f, "{}", percent(*share)),
        }
    }
}

impl UserLimits {
    /// Whether nothing is allowed and nothing more is required.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// These, and those of `other` where these say nothing.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            allow_failed: self.allow_failed.or(other.allow_failed),
            allow_gap_s: self.allow_gap_s.or(other.allow_gap_s),
            max_p99_s: self.max_p99_s.or(other.max_p99_s),
            max_duration_s: self.max_duration_s.or(other.max_duration_s),
            min_serving: self.min_serving.or(other.min_serving),
        }
    }

    /// Whether they make sense together.
    ///
    /// # Errors
    /// A usage error if a gap is allowed and no failed request: a gap is made of failed requests.
    pub fn check(&self) -> Result<()> {
        if self.allow_gap_s.is_some() && self.allow_failed.is_none() {
            return Err(Error::usage(
                "--allow-gap alone allows nothing: a gap is made of failed requests",
            )
            .hint("say how many requests may fail too, as in --allow-failed 0.1%"));
        }
        Ok(())
    }

    /// Whether a service with so many replicas can keep them.
    ///
    /// # Errors
    /// A usage error if more are to serve than there are.
    pub fn check_replicas(&self, replicas: impl Into<Option<u64>>) -> Result<()> {
        match self.min_serving.zip(replicas.into()) {
            Some((least, replicas)) if least > replicas => Err(Error::usage(format!(
                "--min-serving {least} cannot be met: the service has {}",
                counted(replicas, "replica")
            ))),
            _ => Ok(()),
        }
    }

    /// All of them in a few words each.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let parts = [
            self.allow_failed.map(|allowed| match allowed {
                AllowedFailed::Requests(number) => {
                    format!("at most {} lost", counted(number, "request"))
                }
                AllowedFailed::Share(_) => format!("at most {allowed} of the requests lost"),
            }),
            self.allow_gap_s.map(|gap| format!("gaps of at most {}", length(gap))),
            self.max_p99_s.map(|p99| format!("p99 at most {}", length(p99))),
            self.max_duration_s.map(|most| format!("done within {}", length(most))),
            self.min_serving.map(|least| format!("at least {least} serving")),
        ];
        parts.into_iter().flatten().collect()
    }
}

//! What users allow and require: the same options wherever something is judged.

use std::time::Duration;

use clap::Args;

use super::values::limit;
use crate::error::Result;
use crate::record::{AllowedFailed, UserLimits};

/// What users allow and require.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct LimitArgs {
    /// Requests that may fail in each scenario: a share such as 0.1%, or a number [default: 0]
    #[arg(long, value_name = "SHARE%|N", value_parser = allowed, allow_hyphen_values = true)]
    allow_failed: Option<AllowedFailed>,

    /// Longest time without a good response that a stream may have; needs --allow-failed
    #[arg(long, value_name = "TIME", value_parser = limit, hide_short_help = true)]
    allow_gap: Option<Duration>,

    /// Fail if less than 99 % of a stream's answers come within this time
    #[arg(long, value_name = "TIME", value_parser = limit, hide_short_help = true)]
    max_p99: Option<Duration>,

    /// Fail if an update, or an update and its rollback, takes longer than this
    #[arg(long, value_name = "TIME", value_parser = limit, hide_short_help = true)]
    max_duration: Option<Duration>,

    /// Fewest replicas that may serve at any time [default: what `order` and `parallelism` leave]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    #[arg(allow_negative_numbers = true, hide_short_help = true)]
    min_serving: Option<u64>,
}

impl LimitArgs {
    /// The limits of a run that is to begin.
    ///
    /// # Errors
    /// A usage error for limits that make no sense together.
    pub(super) fn limits(&self) -> Result<UserLimits> {
        let limits = self.given();
        limits.check()?;
        Ok(limits)
    }

    /// What was given on the command line.
    pub(super) fn given(&self) -> UserLimits {
        UserLimits {
            allow_failed: self.allow_failed,
            allow_gap_s: self.allow_gap.map(Into::into),
            max_p99_s: self.max_p99.map(Into::into),
            max_duration_s: self.max_duration.map(Into::into),
            min_serving: self.min_serving,
        }
    }
}

/// Reads `0.1%` or `5`.
fn allowed(text: &str) -> Result<AllowedFailed, String> {
    let Some(share) = text.strip_suffix('%') else {
        let number = text.parse().map_err(|_| {
            "write a share with its sign, as in 0.1%, or a whole number of requests".to_owned()
        })?;
        return Ok(AllowedFailed::Requests(number));
    };
    match share.trim_end().parse::<f64>() {
        Ok(share) if (0.0..100.0).contains(&share) => Ok(AllowedFailed::Share(share / 100.0)),
        Ok(_) => Err("must be from 0% to below 100%".to_owned()),
        Err(_) => Err("write for example 0.1%".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_its_sign_and_a_number_is_whole() {
        assert_eq!(allowed("5"), Ok(AllowedFailed::Requests(5)));
        assert_eq!(allowed("0"), Ok(AllowedFailed::Requests(0)));
        assert_eq!(allowed("50%"), Ok(AllowedFailed::Share(0.5)));
        assert_eq!(allowed("0.5 %"), Ok(AllowedFailed::Share(0.005)));
        for wrong in ["", "%", "-1", "-1%", "0.1", "100%", "nan%", "inf%", "1e9%", "0,1%", "many"] {
            assert!(allowed(wrong).is_err(), "{wrong}");
        }
    }
}

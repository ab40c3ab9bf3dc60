//! An image's own health check.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// An image's own health check. A timing that is zero is left to whoever runs the image.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Healthcheck {
    /// The command, beginning with `CMD` or `CMD-SHELL`.
    pub test: Vec<String>,
    /// Time from the end of one probe to the start of the next.
    #[serde(skip_serializing_if = "Duration::is_zero", serialize_with = "nanoseconds")]
    pub interval: Duration,
    /// Longest run of one probe.
    #[serde(skip_serializing_if = "Duration::is_zero", serialize_with = "nanoseconds")]
    pub timeout: Duration,
    /// Time after the start in which failures do not count.
    #[serde(skip_serializing_if = "Duration::is_zero", serialize_with = "nanoseconds")]
    pub start_period: Duration,
    /// Failures in a row that make a container unhealthy.
    #[serde(skip_serializing_if = "is_zero")]
    pub retries: u32,
}

/// Serde's signature wants a reference.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde calls")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

fn nanoseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
}

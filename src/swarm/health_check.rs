//! A container's health check.

use serde::{Deserialize, Serialize};

/// A health check with the engine's defaults filled in; times in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// The test, as the API spells it; empty if it comes from the image.
    pub test: Vec<String>,
    /// Time from the end of one check to the start of the next.
    pub interval: f64,
    /// Time after which a check counts as failed.
    pub timeout: f64,
    /// Number of failed checks in a row that make a container unhealthy.
    pub retries: u64,
    /// Time after the container's start in which failed checks do not count.
    pub start_period: f64,
    /// Time between checks in the start period, if it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_interval: Option<f64>,
}

impl HealthCheck {
    /// The same where time passes so much faster.
    #[must_use]
    pub fn at_speed(mut self, speed: f64) -> Self {
        self.interval /= speed;
        self.timeout /= speed;
        self.start_period /= speed;
        self.start_interval = self.start_interval.map(|interval| interval / speed);
        self
    }
}

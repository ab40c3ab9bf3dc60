//! The load during a run.

use std::time::Duration;

use clap::Args;

use super::args::duration;

/// The load during a run, and how long to look.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Load")]
pub(super) struct LoadArgs {
    /// Requests a second, open loop
    #[arg(long, value_name = "HZ", default_value_t = 200.0)]
    pub(super) rate: f64,

    /// An answer later than this after its intended time is a failure
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    pub(super) deadline: Duration,

    /// Probe this long before and after the scenarios
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    pub(super) baseline: Duration,

    /// A scenario is over when the service has been at rest for this long
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = duration)]
    pub(super) settle: Duration,
}

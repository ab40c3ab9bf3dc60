//! The load during a run.

use std::time::Duration;

use clap::Args;

use super::args::duration;
use super::stream_choice::StreamChoice;
use crate::scenario::{StreamKind, Streams};

/// The load during a run, and how long to look.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Load")]
pub(super) struct LoadArgs {
    /// Requests a second of the densest stream, open loop; the others send a share of it
    #[arg(long, value_name = "HZ", default_value_t = 200.0)]
    pub(super) rate: f64,

    /// Which streams of requests are sent, separated by commas [default: all in verify, else
    /// proxy-fresh,proxy-keepalive]
    #[arg(long, value_name = "STREAMS", value_delimiter = ',')]
    pub(super) streams: Option<Vec<StreamChoice>>,

    /// What the stream proxy-post asks, with POST [default: what the others ask]
    #[arg(long, value_name = "PATH")]
    pub(super) post_path: Option<String>,

    /// What the stream proxy-slow asks: something that is answered after some seconds
    #[arg(long, value_name = "PATH", default_value = "/slow?ms=4000")]
    pub(super) slow_path: String,

    /// Port on which the service answers inside its network [default: what the stack publishes or
    /// the image exposes]
    #[arg(long, value_name = "PORT")]
    pub(super) service_port: Option<u16>,

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

impl LoadArgs {
    /// The streams that were asked for, or `default`.
    pub(super) fn streams(&self, default: &[StreamKind]) -> Streams {
        let kinds = self.streams.as_deref().map_or_else(
            || default.to_vec(),
            |choices| {
                let mut kinds: Vec<_> = choices.iter().flat_map(|choice| choice.kinds()).collect();
                kinds.sort_unstable();
                kinds.dedup();
                kinds
            },
        );
        Streams {
            kinds,
            rate_hz: self.rate,
            deadline: self.deadline,
            post_path: self.post_path.clone(),
            slow_path: self.slow_path.clone(),
        }
    }

    /// Whether each stream that was asked for has to be there: `all` takes what can be had.
    pub(super) fn insists(&self) -> bool {
        let choices = self.streams.as_deref().unwrap_or_default();
        !choices.is_empty() && !choices.contains(&StreamChoice::All)
    }
}

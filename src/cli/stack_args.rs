//! Which stack.

use clap::Args;

use super::args::duration;
use crate::deploy::EndpointMode;

/// Which stack.
#[derive(Debug, Clone, Args)]
pub(super) struct StackArgs {
    /// Stack file, `-` for standard input; repeat it to merge several. Without it: the example
    #[arg(short = 'c', long = "compose-file", value_name = "FILE")]
    pub(super) files: Vec<String>,

    /// Take over a stack of this name that somebody else deployed
    #[arg(long)]
    pub(super) adopt: bool,

    /// Run services in another endpoint mode than the stack file says, and report that
    #[arg(long, value_enum)]
    pub(super) endpoint_mode: Option<EndpointMode>,

    /// Give up when nothing gets further for this long
    #[arg(long, value_name = "TIME", default_value = "120s", value_parser = duration)]
    pub(super) progress_deadline: std::time::Duration,
}

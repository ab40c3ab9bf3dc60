//! Which stack.

use clap::Args;

use super::args::duration;
use crate::deploy::{EndpointMode, ResolveImage};

/// Which stack.
#[derive(Debug, Clone, Args)]
pub(super) struct StackArgs {
    /// Stack file, `-` for standard input; repeat it to merge several. Without it: the example
    #[arg(short = 'c', long = "compose-file", value_name = "FILE")]
    pub(super) files: Vec<String>,

    /// Take over a stack of this name that somebody else deployed
    #[arg(long)]
    pub(super) adopt: bool,

    /// When to ask a registry for images' digests, as docker stack deploy does
    #[arg(long, value_enum, default_value_t)]
    pub(super) resolve_image: ResolveImage,

    /// Pass the registry logins of the docker CLI on to the nodes
    #[arg(long)]
    pub(super) with_registry_auth: bool,

    /// Run services in another endpoint mode than the stack file says, and report that
    #[arg(long, value_enum)]
    pub(super) endpoint_mode: Option<EndpointMode>,

    /// Give up when nothing gets further for this long
    #[arg(long, value_name = "TIME", default_value = "120s", value_parser = duration)]
    pub(super) progress_deadline: std::time::Duration,
}

//! Which service is under test, and where its users come in.

use clap::Args;

/// Which service is under test, and where its users come in.
#[derive(Debug, Clone, Args)]
pub(super) struct TargetArgs {
    /// Service to update, with or without the stack's prefix. Without it: the one with the most
    /// replicas
    #[arg(long, value_name = "NAME")]
    pub(super) service: Option<String>,

    /// Address that users ask. Without it: the port that the stack publishes
    #[arg(long, value_name = "URL")]
    pub(super) url: Option<String>,
}

//! `rollproof broken-update`.

use clap::Args;

use super::console::Console;
use super::load_args::LoadArgs;
use super::stack_args::StackArgs;
use super::target_args::TargetArgs;
use super::{deployment, existing};
use crate::error::Result;
use crate::scenario::Scenario;
use crate::site::LabUse;

/// Arguments of `rollproof broken-update`.
#[derive(Debug, Args)]
pub(super) struct BrokenUpdateArgs {
    /// The stack's name; without it: the one deployed from this folder
    #[arg(value_name = "STACK")]
    stack: Option<String>,

    /// The health command that cannot succeed; by default it asks a port nobody listens on
    #[arg(long, value_name = "COMMAND")]
    health_cmd: Option<String>,

    #[command(flatten)]
    stack_args: StackArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    load: LoadArgs,
}

pub(super) async fn run(args: BrokenUpdateArgs, console: &Console) -> Result<u8> {
    let _lock = console.state.lock()?;
    let site = console.open_site(LabUse::Running).await?;
    let deployment = deployment::find(console, &site, args.stack.as_deref(), &args.stack_args)?;
    let existing = existing::Existing {
        console,
        site: &site,
        deployment: &deployment,
        stack_args: &args.stack_args,
        target: &args.target,
        load: &args.load,
        command: "broken-update",
    };
    let ended = existing.run(&Scenario::broken_update(args.health_cmd)).await?;
    Ok(ended.code)
}

//! `rollproof update`.

use clap::Args;

use super::args::key_value;
use super::console::Console;
use super::load_args::LoadArgs;
use super::stack_args::StackArgs;
use super::target_args::TargetArgs;
use super::{deployment, existing};
use crate::error::Result;
use crate::record::SpecMatch;
use crate::scenario::{Change, Scenario};
use crate::site::{LabUse, Ledger};

/// Arguments of `rollproof update`.
#[derive(Debug, Args)]
pub(super) struct UpdateArgs {
    /// The stack's name; without it: the one deployed from this folder
    #[arg(value_name = "STACK")]
    stack: Option<String>,

    #[command(flatten)]
    changes: ChangeArgs,
    #[command(flatten)]
    stack_args: StackArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    load: LoadArgs,
}

/// What is changed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Change")]
pub(super) struct ChangeArgs {
    /// Replace every task although nothing changed; what is done when no change is given
    #[arg(long)]
    pub(super) force: bool,

    /// Roll to this image
    #[arg(long, value_name = "REFERENCE")]
    pub(super) image: Option<String>,

    /// Set an environment variable
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub(super) env: Vec<(String, String)>,
}

impl ChangeArgs {
    pub(super) fn is_empty(&self) -> bool {
        !self.force && self.image.is_none() && self.env.is_empty()
    }

    pub(super) fn changes(&self) -> Vec<Change> {
        let image = self.image.clone().map(|image| Change::Image { image });
        let env = self.env.iter().cloned().map(|(key, value)| Change::Env { key, value });
        let force = (self.force || self.is_empty()).then_some(Change::Force);
        image.into_iter().chain(env).chain(force).collect()
    }
}

pub(super) async fn run(args: UpdateArgs, console: &Console) -> Result<u8> {
    let _lock = console.state.lock()?;
    let site = console.open_site(LabUse::Running).await?;
    let deployment = deployment::find(console, &site, args.stack.as_deref(), &args.stack_args)?;
    let scenario = Scenario::update(args.changes.changes());
    let existing = existing::Existing {
        console,
        site: &site,
        deployment: &deployment,
        stack_args: &args.stack_args,
        target: &args.target,
        load: &args.load,
        command: "update",
    };
    let ended = existing.run(&scenario).await?;
    if ended.spec == SpecMatch::Submitted {
        let mut ledger = Ledger::read(&console.state)?;
        let mut deployment = deployment;
        let kept = scenario.changes.into_iter().filter(|change| *change != Change::Force);
        deployment.changes.extend(kept.map(|change| (ended.service.clone(), change)));
        ledger.note(deployment);
        ledger.write()?;
    }
    Ok(ended.code)
}

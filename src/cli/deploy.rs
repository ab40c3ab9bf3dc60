//! `rollproof deploy`.

use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::args::{StackArgs, StackName};
use super::console::Console;
use super::output::put_line;
use crate::Clock;
use crate::deploy::{ApplyOptions, Marking, OwnerMark, Prepared, StackFiles, read_or_example};
use crate::engine::RegistryAuth;
use crate::error::Result;
use crate::run::{Deployment, deploy, new_run_id, until_converged};
use crate::site::{LabUse, Site};
use crate::wording::length;

/// The stack's name when the user gives none.
const EXAMPLE_STACK: &str = "rollproof";

/// Deploy a stack and wait until it has converged
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    rollproof deploy                    the built-in example\n  \
    rollproof deploy -c stack.yml shop  your own stack, under the name shop")]
pub(super) struct DeployArgs {
    #[command(flatten)]
    name: StackName,
    #[command(flatten)]
    stack_args: StackArgs,

    /// Remove services of the stack that are no longer in the file
    #[arg(long)]
    prune: bool,

    /// Print the requests that would be sent, as JSON, without an engine
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(args: DeployArgs, console: &Console) -> Result<u8> {
    let name = args.name.stack.as_deref().unwrap_or(EXAMPLE_STACK);
    if args.dry_run {
        return dry_run(&args, name, console);
    }
    let files = StackFiles::read(&args.stack_args.files)?;
    let requests = files.requests(name)?;
    args.stack_args.stand_ins.check(&requests.iter().collect::<Vec<_>>())?;
    let _lock = console.state.lock()?;
    let site = console.open_site(LabUse::Start).await?;
    let deployment = deployment(console, &site, name, files, &args.stack_args, args.prune)?;
    let tell = |text: &str| console.tell(text);
    let services = &deployment.prepared.requests.services;
    site.ensure_images(&console.state, services, &[], &tell).await?;
    if args.stack_args.stand_ins.images {
        site.stand_in_images(&console.state, services, &tell).await?;
    }
    deployment.check(&site).await?;
    let clock = Clock::start();
    let run_id = new_run_id(&clock);
    let applied = deploy(&site, &console.state, &deployment, &run_id, &tell).await?;
    let services = applied.iter().map(|body| body.name().to_owned()).collect();
    let env = console.run_env(&site);
    let converged = until_converged(&env, clock, services, deployment.progress_deadline).await;
    converged.map_err(|error| {
        error.hint("what was deployed is still there; `rollproof down` removes it")
    })?;
    let took = clock.now();
    console.tell(&format!("stack {name} converged in {}", length(took)));
    if console.global.json {
        put_line(json!({"stack": name, "run_id": run_id, "converged": took.as_secs_f64()}))?;
    }
    Ok(0)
}

/// The stack that the arguments describe, ready to be deployed.
pub(super) fn deployment(
    console: &Console,
    site: &Site,
    name: &str,
    files: StackFiles,
    args: &StackArgs,
    prune: bool,
) -> Result<Deployment> {
    let prepared = Prepared::new(
        console.state.path(),
        files,
        name,
        site.kernel,
        args.endpoint_mode,
        &|text| console.tell_once(text),
    )?;
    Ok(Deployment {
        prepared,
        options: ApplyOptions {
            stack: name.to_owned(),
            mark: OwnerMark { owner: site.owner.clone(), run_id: String::new() },
            marking: Marking::Everything,
            adopt: args.adopt,
            prune,
            stand_ins: args.stand_ins.stand_ins(site)?,
            stand_in_images: args.stand_ins.images,
            resolve: args.registry.resolve_image,
            auth: args.registry.with_registry_auth.then(|| Arc::new(RegistryAuth::of_cli())),
        },
        endpoint_mode: args.endpoint_mode,
        progress_deadline: args.progress_deadline,
    })
}

fn dry_run(args: &DeployArgs, name: &str, console: &Console) -> Result<u8> {
    let stack = read_or_example(console.state.path(), &args.stack_args.files)?;
    console.warn(&stack);
    put_line(stack.requests(name)?.to_json())?;
    Ok(0)
}

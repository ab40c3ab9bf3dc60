//! `rollproof update` and `rollproof broken-update`: one scenario on a stack that is deployed.

use std::time::Duration;

use clap::Args;

use super::against_args::AgainstArgs;
use super::args::{ChangeArgs, LoadArgs, StackArgs, StackName};
use super::console::Console;
use super::dry_run::{DryRun, DryRunArgs};
use super::event_stream::EventArgs;
use super::format_args::FormatArgs;
use super::limit_args::LimitArgs;
use super::next_args::{NextArgs, NextFiles, RegistryArgs, with_image_of};
use super::result::conclude;
use super::stand_in_args::StandInArgs;
use super::target_args::TargetArgs;
use super::values::words;
use crate::deploy::EndpointMode;
use crate::error::{Error, Result};
use crate::record::{Expects, NegativeControl};
use crate::run::{Also, Load, RunSpec, Subject, check_added, check_changes};
use crate::scenario::{
    Act, Declaration, broken_update, deploy_broken_update, deploy_update, update,
};
use crate::site::{LabUse, Ledger, Site};
use crate::streams;

/// Roll a good update under load and judge it
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    rollproof update                         restart every task of the stack deployed from this folder\n  \
    rollproof update shop --image shop/api:2 roll another image\n  \
    rollproof update --to next.yml           deploy the next version of the whole stack")]
pub(super) struct UpdateArgs {
    #[command(flatten)]
    name: StackName,
    #[command(flatten)]
    changes: ChangeArgs,
    #[command(flatten)]
    next: NextArgs,
    #[command(flatten)]
    on: DeployedArgs,
}

/// Break the health check on purpose, expect Swarm to roll back, and judge it
#[derive(Debug, Args)]
pub(super) struct BrokenUpdateArgs {
    #[command(flatten)]
    name: StackName,

    /// Health check command that cannot succeed [default: one that asks a port on which nothing
    /// listens]
    #[arg(long, value_name = "COMMAND", value_parser = words)]
    health_cmd: Option<String>,

    #[command(flatten)]
    next: NextArgs,
    #[command(flatten)]
    on: DeployedArgs,
}

/// A stack that is deployed already.
#[derive(Debug, Args)]
struct DeployedArgs {
    /// Update the service although rollproof did not deploy it
    #[arg(long, hide_short_help = true)]
    adopt: bool,
    /// Refused, with the command that deploys a file
    #[arg(short = 'c', long = "compose-file", value_name = "FILE", hide = true)]
    files: Vec<String>,
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    stand_ins: StandInArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    load: LoadArgs,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    against: AgainstArgs,
    #[command(flatten)]
    formats: FormatArgs,
    #[command(flatten)]
    events: EventArgs,
    #[command(flatten)]
    dry_run: DryRunArgs,
}

pub(super) async fn run(args: UpdateArgs, console: &Console) -> Result<u8> {
    let changes = args.changes.changes();
    let declaration = if args.next.to.is_empty() {
        update(changes)
    } else if changes.is_empty() {
        deploy_update()
    } else {
        return Err(Error::usage("--to and --image, --env, --set, --force exclude each other")
            .hint("the next version is the change"));
    };
    perform("update", declaration, &args.name, &args.next, &args.on, console).await
}

pub(super) async fn run_broken(args: BrokenUpdateArgs, console: &Console) -> Result<u8> {
    let declaration = match (args.next.to.is_empty(), args.health_cmd) {
        (true, health_cmd) => broken_update(health_cmd),
        (false, None) => deploy_broken_update(),
        (false, Some(_)) => {
            return Err(Error::usage("--to and --health-cmd exclude each other")
                .hint("the broken version is the change"));
        }
    };
    perform("broken-update", declaration, &args.name, &args.next, &args.on, console).await
}

async fn perform(
    command: &'static str,
    declaration: Declaration,
    name: &StackName,
    next: &NextArgs,
    args: &DeployedArgs,
    console: &Console,
) -> Result<u8> {
    if !args.files.is_empty() {
        return Err(Error::usage(format!(
            "`{command}` has no -c: the version before is what runs"
        ))
        .hint(format!("`rollproof {command} --to FILE` deploys a changed file and judges that"))
        .hint("`rollproof deploy -c FILE STACK` deploys one without judging it"));
    }
    // What is wrong with the files is said before an engine is asked; their stack is not known yet.
    let next = next.read(name.stack.as_deref().unwrap_or("stack"))?;
    args.target.check()?;
    match &next {
        Some(files) => {
            args.target.check_one()?;
            args.stand_ins.check(&[files.requests()])?;
        }
        None if args.stand_ins.wants_objects() => {
            return Err(Error::usage("--stand-ins needs the next version of the stack: --to FILE")
                .hint("what runs already has what it needs"));
        }
        None => {}
    }
    let load = args.load.load(streams::HARMLESS, &args.target.address)?;
    let limits = args.limits.limits()?;
    args.formats.check(args.events.file())?;
    let against = args.against.former(console)?;
    if args.dry_run.dry_run {
        return Box::pin(dry_run(&declaration, name, next, args, &load, console)).await;
    }
    let _lock = console.state.lock()?;
    console.open_events(&args.events, Some(&args.formats))?;
    console.open_log(args.formats.ci, &format!("rollproof {command}"))?;
    let site = console.open_site(LabUse::Running).await?;
    let (stack, files) = deployed(console, &site, name.stack.as_deref())?;
    let mut wish = args.target.wish();
    let next = match next {
        Some(files) => {
            let files = files.of_stack(&stack)?;
            let keeps = declaration.expects == Expects::Update;
            let how = args.as_deployed(console, &site, &stack)?;
            let next = files.deployment(console, &site, &stack, &how, keeps).await?;
            // Before it is checked what is missing.
            let tell = |text: &str| console.tell(text);
            let services = &next.prepared.requests.services;
            site.ensure_images(&console.state, services, &[], &tell).await?;
            if args.stand_ins.images {
                site.stand_in_images(&console.state, services, &tell).await?;
            }
            wish.after(&files.changed_on(&site, &next).await?);
            Some(next)
        }
        None => None,
    };
    let subject = Subject::present(&site, &stack, &files, &wish, args.adopt).await?;
    let also = args.fit(&declaration, &subject, &site).await?;
    let changed = declaration.scenario(false, &subject.body).changed(&subject.body);
    let tell = |text: &str| console.tell(text);
    if next.is_none() {
        site.ensure_images(&console.state, &[], &[changed.image()], &tell).await?;
        if args.stand_ins.images {
            let changed = with_image_of(&subject.body, &changed);
            site.stand_in_images(&console.state, [&changed], &tell).await?;
        }
    }
    let spec = RunSpec {
        command,
        also,
        subject,
        load,
        next,
        scenarios: vec![declaration],
        leave_as_found: false,
        self_test: NegativeControl::None,
        limits,
        against,
    };
    let finished = Box::pin(spec.run(&console.run_env(&site))).await?;
    conclude(console, &args.formats, finished, async { Ok(()) }).await
}

async fn dry_run(
    declaration: &Declaration,
    name: &StackName,
    next: Option<NextFiles>,
    args: &DeployedArgs,
    load: &Load,
    console: &Console,
) -> Result<u8> {
    let engine = console.foresee_site(LabUse::Running).await?;
    let Some(site) = engine.site() else {
        return Err(Error::environment("no stack is on an engine without a swarm"));
    };
    let (stack, files) = deployed(console, site, name.stack.as_deref())?;
    let mut wish = args.target.wish();
    let next = match next {
        Some(files) => {
            let files = files.of_stack(&stack)?;
            let how = args.as_deployed(console, site, &stack)?;
            let next = files.deployment(console, site, &stack, &how, true).await?;
            // The port that users ask depends on the service, and that on what changes.
            wish.after(&files.foresee_on(site, &next, None).await?.changes);
            Some((files, next))
        }
        None => None,
    };
    let subject = Subject::present(site, &stack, &files, &wish, args.adopt).await?;
    let also = args.fit(declaration, &subject, site).await?;
    let next = match &next {
        Some((files, next)) => Some(files.foresee_on(site, next, subject.target.port).await?),
        None => None,
    };
    let restores = "a broken version that Swarm does not roll back is replaced by the previous one";
    DryRun {
        engine: &engine,
        deploys: None,
        target: &subject.target,
        load,
        self_test: false,
        body: &subject.body,
        also: &also,
        next: next.as_ref(),
        scenarios: std::slice::from_ref(declaration),
        repeat: 1,
        afterwards: if declaration.expects == Expects::Rollback { restores } else { "" },
    }
    .show(console)
    .await
}

impl DeployedArgs {
    /// The services that are changed beside the one under test.
    ///
    /// # Errors
    /// A usage error for options that do not fit what runs, before anything is changed, or when the
    /// engine does not answer.
    async fn fit(&self, declaration: &Declaration, subject: &Subject, site: &Site) -> Result<Also> {
        self.load.check_found(&subject.target, &self.target.address)?;
        let also = self.target.also(&subject.services, &subject.stack, &subject.target.service)?;
        if let Act::Roll(changes) = &declaration.act {
            let bodies = also.bodies(&subject.services, &subject.target.service);
            check_changes(changes, &bodies, Some(site.kernel))?;
            check_added(&site.manager, changes, None).await?;
        }
        Ok(also)
    }

    /// How the stack was deployed, for its next version.
    fn as_deployed(&self, console: &Console, site: &Site, stack: &str) -> Result<StackArgs> {
        let ledger = Ledger::read(&console.state)?;
        let address = site.address();
        let mut known = ledger.stacks.iter();
        let noted = known.find(|known| known.engine == address && known.stack == stack);
        let dnsrr = noted.is_some_and(|noted| noted.dnsrr);
        Ok(StackArgs {
            adopt: self.adopt,
            registry: self.registry.clone(),
            stand_ins: self.stand_ins.clone(),
            endpoint_mode: dnsrr.then_some(EndpointMode::Dnsrr),
            ..StackArgs::built_in(Duration::ZERO)
        })
    }
}

/// The named stack, or the only one that was deployed from this folder on this engine; with its
/// files, as far as they are known.
fn deployed(console: &Console, site: &Site, name: Option<&str>) -> Result<(String, Vec<String>)> {
    let ledger = Ledger::read(&console.state)?;
    let address = site.address();
    let known = ledger.stacks.iter().filter(|known| known.engine == address);
    if let Some(name) = name {
        let files = known.clone().find(|known| known.stack == name);
        return Ok((name.to_owned(), files.map(|known| known.files.clone()).unwrap_or_default()));
    }
    match known.collect::<Vec<_>>()[..] {
        [one] => Ok((one.stack.clone(), one.files.clone())),
        [] => Err(Error::usage("no stack is deployed from this folder").hint(
            "`rollproof deploy` deploys one; another stack on the engine is updated by its name",
        )),
        _ => Err(Error::usage("more than one stack is deployed from this folder")
            .hint("name one of them as the last argument")),
    }
}

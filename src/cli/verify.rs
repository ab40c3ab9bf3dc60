//! `rollproof verify`.

use clap::Args;

use super::against_args::AgainstArgs;
use super::args::{ChangeArgs, LoadArgs, StackArgs};
use super::console::Console;
use super::deploy::deployment;
use super::dry_run::{DryRun, DryRunArgs};
use super::event_stream::EventArgs;
use super::format_args::FormatArgs;
use super::limit_args::LimitArgs;
use super::lint::tell_findings;
use super::next_args::{NextArgs, NextFiles, with_image_of};
use super::output_files;
use super::result::{check_for_several, conclude, conclude_all, judge_finished};
use super::room::Room;
use super::scenarios::ScenarioArgs;
use super::target_args::TargetArgs;
use super::values::{stack_name, words};
use crate::deploy::{EXAMPLE_REPLICAS, Kernel, Prepared, StackFiles};
use crate::error::{Error, Result};
use crate::record::{Against, NegativeControl, UserLimits};
use crate::run::{
    Also, Arrival, Finished, Load, RunSpec, Subject, Target, TargetWish, check_added,
    check_changes, find_target, own_body,
};
use crate::scenario::{Act, Declaration, deploy_update, update};
use crate::site::{LabUse, Site};
use crate::stack::{Requests, ServiceBody};
use crate::streams;

/// Deploy a stack, roll a good and a broken update under load, and give one verdict
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    rollproof verify                             the built-in example\n  \
    rollproof verify -c stack.yml --service api  your own stack")]
pub(super) struct VerifyArgs {
    /// The stack's name; it must not be deployed yet
    #[arg(value_name = "STACK", default_value = "rollproof-verify", value_parser = stack_name)]
    stack: String,

    /// Repeat the whole run N times, each on a fresh stack, and judge the runs together
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    repeat: u32,

    /// Keep the stack and the private engine; `rollproof down` removes them
    #[arg(long)]
    keep: bool,

    #[command(flatten)]
    stack_args: StackArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    changes: ChangeArgs,
    #[command(flatten)]
    next: NextArgs,

    /// Health check command of the broken update [default: one that cannot succeed]
    #[arg(long, value_name = "COMMAND", value_parser = words, help_heading = "Change", hide_short_help = true)]
    health_cmd: Option<String>,

    #[command(flatten)]
    scenarios: ScenarioArgs,
    #[command(flatten)]
    load: LoadArgs,

    /// Skip the self-test: an update that is built to lose requests, which shows that losses are
    /// detected
    #[arg(long, alias = "no-negative-control", help_heading = "Load", hide_short_help = true)]
    no_self_test: bool,

    /// Do not say first what `rollproof lint` finds in the stack file
    #[arg(long, hide_short_help = true)]
    no_lint: bool,

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

pub(super) async fn run(args: VerifyArgs, console: &Console) -> Result<u8> {
    let load = args.load.load(streams::TABLE, &args.target.address)?;
    let limits = args.limits.limits()?;
    args.formats.check(args.events.file())?;
    // What is wrong with the files or the command line is said before an engine is started.
    if args.repeat > 1 {
        check_for_several(&args.formats)?;
    }
    let is_stdin = |file: &String| file == "-";
    if args.stack_args.files.iter().any(is_stdin) && args.next.to.iter().any(is_stdin) {
        return Err(Error::usage("-c - and --to - cannot both read standard input"));
    }
    let next = args.next.read(&args.stack)?;
    args.target.check()?;
    check_next(&args)?;
    let good = match next {
        Some(_) => deploy_update(),
        None => update(args.changes.changes()),
    };
    let scenarios = args.scenarios.declarations(good, args.health_cmd.as_ref())?;
    if next.is_some() && !scenarios.iter().any(|one| one.act == Act::Deploy) {
        return Err(Error::usage("--to needs the scenario `update`, which deploys it"));
    }
    let files = StackFiles::read(&args.stack_args.files)?;
    let mut wish = args.target.wish();
    if let Some(requests) = files.requests(&args.stack)? {
        if let Some(next) = &next {
            wish.after(&next.changed_since(&requests)?);
        }
        let target = find_target(&requests.services, &args.stack, &wish, "localhost")?;
        limits.check_replicas(target.replicas)?;
        args.stack_args.stand_ins.check(&requests_of(&requests, next.as_ref()))?;
        // A stack that is adopted is tested as it runs.
        if !args.stack_args.adopt {
            fit(&args, &requests.services, &target, None)?;
        }
    } else {
        limits.check_replicas(EXAMPLE_REPLICAS)?;
        args.stack_args.stand_ins.check(&[])?;
    }
    let against = args.against.former(console)?;
    let wanted = Wanted { load, scenarios, files, next, wish, limits, against };
    if args.dry_run.dry_run {
        return dry_run(&args, &wanted, console).await;
    }
    let _lock = console.state.lock()?;
    console.open_events(&args.events, Some(&args.formats))?;
    console.open_log(args.formats.ci, "rollproof verify")?;
    if let Some(stack) = wanted.files.stack().filter(|_| !args.no_lint) {
        tell_findings(stack, console)?;
    }
    let lab = if args.keep { LabUse::Start } else { LabUse::ForOneRun };
    let site = console.open_site(lab).await?;
    let clean_up = async || {
        if args.keep {
            console.tell("the stack is kept; `rollproof down` removes it");
            return Ok(());
        }
        if args.stack_args.adopt {
            console.tell("the stack stays, as it was");
            return site.remove_run_images(&console.state, &|text| console.tell(text)).await;
        }
        site.after_run(&console.state, &args.stack, &|text| console.tell(text)).await
    };
    if args.repeat > 1 {
        return repeatedly(&args, &wanted, console, &site, clean_up).await;
    }
    match once(&args, &wanted, console, &site).await {
        Ok(finished) => conclude(console, &args.formats, finished, clean_up()).await,
        // Nothing was deployed, and a stack of this name may be one that stays.
        Err(error) => site.nothing_done(&console.state).await.and(Err(error)),
    }
}

/// What the command line asks for, read before an engine is started.
struct Wanted {
    load: Load,
    scenarios: Vec<Declaration>,
    files: StackFiles,
    next: Option<NextFiles>,
    wish: TargetWish,
    limits: UserLimits,
    against: Option<Against>,
}

/// The services that are changed beside the one under test.
///
/// # Errors
/// A usage error for options that do not fit the stack.
fn fit(
    args: &VerifyArgs,
    services: &[ServiceBody],
    target: &Target,
    kernel: Option<Kernel>,
) -> Result<Also> {
    args.load.check_found(target, &args.target.address)?;
    let also = args.target.also(services, &args.stack, &target.service)?;
    check_changes(&args.changes.changes(), &also.bodies(services, &target.service), kernel)?;
    Ok(also)
}

fn requests_of<'a>(requests: &'a Requests, next: Option<&'a NextFiles>) -> Vec<&'a Requests> {
    std::iter::once(requests).chain(next.map(NextFiles::requests)).collect()
}

/// Refuses what makes no sense together with `--to`.
fn check_next(args: &VerifyArgs) -> Result<()> {
    if args.next.to.is_empty() {
        return Ok(());
    }
    args.target.check_one()?;
    let adopt = args.stack_args.adopt;
    if args.stack_args.files.is_empty() && !adopt {
        return Err(Error::usage("--to needs the version before it: -c FILE"));
    }
    if args.next.prune && adopt {
        return Err(Error::usage("--prune and --adopt exclude each other in `verify`")
            .hint("`verify` leaves a stack as it was, and a service that was removed cannot be given back"));
    }
    if !args.changes.changes().is_empty() {
        return Err(Error::usage("--to and --image, --env, --set, --force exclude each other")
            .hint("the next version is the change"));
    }
    Ok(())
}

async fn dry_run(args: &VerifyArgs, wanted: &Wanted, console: &Console) -> Result<u8> {
    let engine = console.foresee_site(LabUse::ForOneRun).await?;
    let room = match engine.site() {
        Some(site) => Room::of(&args.stack, args.stack_args.adopt, console, site).await?,
        None => Room::Free,
    };
    let Wanted { load, scenarios, files, next, wish, .. } = wanted;
    let folder = console.state.path();
    let mode = args.stack_args.endpoint_mode;
    let mut wish = wish.clone();
    let (services, target, next) = if let (Room::Stays, Some(site)) = (&room, engine.site()) {
        let (files, stack_args) = (&args.stack_args.files, &args.stack_args);
        let next = match next {
            Some(files) => {
                let next = files.deployment(console, site, &args.stack, stack_args, false).await?;
                wish.after(&files.foresee_on(site, &next, None).await?.changes);
                Some((files, next))
            }
            None => None,
        };
        let subject = Subject::present(site, &args.stack, files, &wish, true).await?;
        let next = match &next {
            Some((files, next)) => Some(files.foresee_on(site, next, subject.target.port).await?),
            None => None,
        };
        (subject.services, subject.target, next)
    } else {
        let tell = |text: &str| console.tell(text);
        let kernel = engine.kernel();
        let prepare = |files| Prepared::new(folder, files, &args.stack, kernel, mode, &tell);
        let prepared = prepare(files.clone())?.requests;
        let host = engine.published_host().unwrap_or("ENGINE");
        let target = find_target(&prepared.services, &args.stack, &wish, host)?;
        let next = match next {
            Some(next) => {
                let after = prepare(next.files())?.requests;
                Some(next.foresee_after(&prepared, &after, target.port)?)
            }
            None => None,
        };
        (prepared.services, target, next)
    };
    let also = fit(args, &services, &target, Some(engine.kernel()))?;
    let body = own_body(&services, &target)?;
    let afterwards = match (&room, args.keep) {
        (Room::Stays, _) => "the stack gets back the settings that it has now",
        (_, true) => "the stack stays; `rollproof down` removes it",
        (Room::Leftover, false) => "the stack is removed, as what an earlier run left is before",
        (Room::Free, false) => "the stack is removed, and the engine if it was started for this",
    };
    let deploys = !matches!(room, Room::Stays);
    DryRun {
        engine: &engine,
        deploys: deploys.then_some((args.stack.as_str(), services.as_slice())),
        target: &target,
        load,
        self_test: !args.no_self_test,
        body: &body,
        also: &also,
        next: next.as_ref(),
        scenarios,
        repeat: args.repeat,
        afterwards,
    }
    .show(console)
    .await
}

/// Each run has a record and a report of its own; the verdict is the worst of them.
async fn repeatedly(
    args: &VerifyArgs,
    wanted: &Wanted,
    console: &Console,
    site: &Site,
    clean_up: impl AsyncFnOnce() -> Result<()>,
) -> Result<u8> {
    let mut judgements = Vec::new();
    let mut saved = Vec::new();
    let mut ended = Ok(());
    for number in 1..=args.repeat {
        console.tell(&format!("run {number} of {}", args.repeat));
        let one = once(args, wanted, console, site).await;
        let one = one.and_then(|finished| {
            let (judged, kept) = judge_finished(console, &finished)?;
            saved.push(kept);
            console.tell(&format!("run {number} of {}: {}", args.repeat, judged.verdict));
            judgements.push(judged);
            finished.outcome
        });
        ended = match one {
            Ok(()) if number < args.repeat => {
                site.remove_stack(&console.state, &args.stack, &|text| console.tell(text)).await
            }
            one => one,
        };
        if ended.is_err() {
            break;
        }
    }
    let cleaned = clean_up().await;
    let code = conclude_all(console, &args.formats, &judgements)?;
    ended?;
    cleaned?;
    output_files::all(saved).map(|()| code)
}

async fn once(
    args: &VerifyArgs,
    wanted: &Wanted,
    console: &Console,
    site: &Site,
) -> Result<Finished> {
    let Wanted { load, scenarios, files, next, wish, .. } = wanted;
    let (mut wish, stack, stack_args) = (wish.clone(), &args.stack, &args.stack_args);
    let stays = Room::make(&args.stack, args.stack_args.adopt, console, site).await?;
    let next = match next {
        Some(files) => {
            let next = files.deployment(console, site, stack, stack_args, false).await?;
            if stays {
                // Before it is checked what is missing.
                let tell = |text: &str| console.tell(text);
                let services = &next.prepared.requests.services;
                site.ensure_images(&console.state, services, &[], &tell).await?;
                if stack_args.stand_ins.images {
                    site.stand_in_images(&console.state, services, &tell).await?;
                }
                wish.after(&files.changed_on(site, &next).await?);
            }
            Some(next)
        }
        None => None,
    };
    let subject = if stays {
        Subject::present(site, stack, &stack_args.files, &wish, true).await?
    } else {
        let deployment = deployment(console, site, stack, files.clone(), stack_args, false)?;
        Subject::to_deploy(site, deployment, &wish)?
    };
    let also_changed = fit(args, &subject.services, &subject.target, Some(site.kernel))?;
    let sent = match &subject.arrival {
        Arrival::Deploy(deployment) => Some(&deployment.prepared.requests),
        _ => None,
    };
    check_added(&site.manager, &args.changes.changes(), sent).await?;
    let changed: Vec<ServiceBody> = scenarios
        .iter()
        .map(|one| one.scenario(!stays, &subject.body).changed(&subject.body))
        .map(|changed| with_image_of(&subject.body, &changed))
        .collect();
    let of_next = next.iter().flat_map(|next| &next.prepared.requests.services);
    let others: Vec<&ServiceBody> = changed.iter().chain(of_next).collect();
    let also: Vec<&str> = others.iter().map(|body| body.image()).collect();
    let tell = |text: &str| console.tell(text);
    site.ensure_images(&console.state, &subject.services, &also, &tell).await?;
    if stack_args.stand_ins.images {
        let all = subject.services.iter().chain(others);
        site.stand_in_images(&console.state, all, &tell).await?;
    }
    let spec = RunSpec {
        command: "verify",
        also: also_changed,
        subject,
        load: load.clone(),
        next,
        scenarios: scenarios.clone(),
        leave_as_found: stays,
        limits: wanted.limits,
        against: wanted.against.clone(),
        self_test: if args.no_self_test { NegativeControl::Off } else { NegativeControl::Planned },
    };
    Box::pin(spec.run(&console.run_env(site))).await
}

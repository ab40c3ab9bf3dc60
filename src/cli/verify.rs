//! `rollproof verify`.

use std::path::PathBuf;

use clap::Args;

use super::console::Console;
use super::deploy::deploy;
use super::load_args::LoadArgs;
use super::plan::{Begun, Plan};
use super::prepare::prepare;
use super::probing::Probing;
use super::stack_args::StackArgs;
use super::target_args::TargetArgs;
use super::update::ChangeArgs;
use super::{images, verdict};
use crate::deploy::check_owner;
use crate::engine::RUN_LABEL;
use crate::error::{Error, Result};
use crate::image::{APP_V1, APP_V2};
use crate::record::NegativeControl;
use crate::scenario::{Change, Scenario, StreamKind, Target, Trial, find_target};
use crate::site::{LabUse, Site};
use crate::stack::ServiceBody;

/// Arguments of `rollproof verify`.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    /// The stack's name; it must not be deployed yet
    #[arg(value_name = "STACK", default_value = "rollproof-verify")]
    stack: String,

    #[command(flatten)]
    stack_args: StackArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    changes: ChangeArgs,

    /// The health command of the broken update
    #[arg(long, value_name = "COMMAND", help_heading = "Change")]
    health_cmd: Option<String>,

    #[command(flatten)]
    load: LoadArgs,

    /// Do without the update of a service of this program's own that is known to lose requests:
    /// it shows in each run that lost requests are noticed
    #[arg(long, help_heading = "Load")]
    no_negative_control: bool,

    /// Do everything so many times, each time on a newly deployed stack, and judge the runs
    /// together: one update shows little about how often an update loses a request
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
    repeat: u32,

    /// Leave the stack, and the private engine if one was started, for a look; `rollproof down`
    /// removes them
    #[arg(long)]
    keep: bool,
}

impl VerifyArgs {
    fn negative_control(&self) -> NegativeControl {
        if self.no_negative_control { NegativeControl::Off } else { NegativeControl::Planned }
    }
}

pub(super) async fn run(args: VerifyArgs, console: &Console) -> Result<u8> {
    let _lock = console.state.lock()?;
    let lab = if args.keep { LabUse::Start } else { LabUse::ForOneRun };
    let site = console.open_site(lab).await?;
    console.tell(&format!("using the {}", site.reason));
    let outcome = if args.repeat == 1 {
        once(&args, console, &site).await
    } else {
        repeatedly(&args, console, &site).await
    };
    if args.keep {
        console.tell("kept as it is: `rollproof down` removes it");
    } else {
        let cleaned = super::down::after_run(console, &site, &args.stack).await;
        if let Err(error) = cleaned {
            // A verdict must not hide that something is left, nor the other way round.
            return outcome.and(Err(error));
        }
    }
    outcome
}

async fn once(args: &VerifyArgs, console: &Console, site: &Site) -> Result<u8> {
    let performed = on_site(args, console, site).await?;
    let judged = verdict::conclude(console, &performed.folder);
    performed.outcome?;
    Ok(verdict::exit_code(judged?.verdict))
}

/// Every run has a record and a report of its own; the verdict is the worst of them.
async fn repeatedly(args: &VerifyArgs, console: &Console, site: &Site) -> Result<u8> {
    let mut judgements = Vec::new();
    let mut ended = Ok(());
    for number in 1..=args.repeat {
        console.tell(&format!("run {number} of {}", args.repeat));
        let performed = on_site(args, console, site).await;
        let one = performed.and_then(|performed| {
            let judged = verdict::judge_and_save(&performed.folder)?;
            console.tell(&format!("run {number} of {}: {}", args.repeat, judged.verdict));
            judgements.push(judged);
            performed.outcome
        });
        if let Err(error) = one {
            ended = Err(error);
            break;
        }
        if number < args.repeat
            && let Err(error) = super::down::remove_stack(console, site, &args.stack).await
        {
            ended = Err(error);
            break;
        }
    }
    let pooled = verdict::conclude_all(console, &judgements)?;
    ended?;
    Ok(verdict::exit_code(pooled.verdict))
}

/// A run that has a record.
struct Performed {
    folder: PathBuf,
    outcome: Result<()>,
}

async fn on_site(args: &VerifyArgs, console: &Console, site: &Site) -> Result<Performed> {
    clear_leftover(args, console, site).await?;
    let mode = args.stack_args.endpoint_mode;
    let prepared = prepare(console, &args.stack_args.files, &args.stack, site.kernel, mode)?;
    let target = find_target(
        &prepared.requests.services,
        &args.stack,
        args.target.service.as_deref(),
        args.target.url.as_deref(),
        &site.published_host,
    )?;
    let services = &prepared.requests.services;
    let body = services.iter().find(|body| body.name() == target.service);
    let body =
        body.cloned().ok_or_else(|| Error::usage("the service under test is not in the stack"))?;
    let also: Vec<&str> = args.changes.image.iter().map(String::as_str).collect();
    images::ensure(console, site, services, &also, None).await?;

    let plan = Plan {
        console,
        site,
        command: "verify",
        prepared: &prepared,
        target: &target,
        body: &body,
        load: &args.load,
        kinds: &StreamKind::ALL,
        negative_control: args.negative_control(),
    };
    let Begun { run_id, mut trial, folder, probing } = plan.begin().await?;
    let performed = async {
        trial.phase("deploy", format!("deploying stack {}", args.stack));
        let recorder = trial.recorder();
        let tell = |text: &str| recorder.line(text);
        let applied =
            deploy(console, site, &prepared, &run_id, &args.stack_args, false, &tell).await?;
        let body = applied.services.into_iter().find(|body| body.name() == target.service);
        let body =
            body.ok_or_else(|| Error::environment("the service under test was not deployed"))?;
        trial.converge(args.stack_args.progress_deadline).await?;
        probing.beside.deploy(console).await?;
        scenarios(args, &probing, &mut trial, &target, body).await
    }
    .await;
    let finished = trial.finish().await;
    // What broke the record is the cause of what followed.
    Ok(Performed { folder, outcome: finished.and(performed) })
}

async fn scenarios(
    args: &VerifyArgs,
    probing: &Probing<'_>,
    trial: &mut Trial,
    target: &Target,
    mut body: ServiceBody,
) -> Result<()> {
    probing.begin(trial, target).await?;
    let update = Scenario::update(good_change(args, &body));
    for change in &update.changes {
        change.apply(&mut body);
    }
    let updated = trial.perform(&update, &body).await?;
    trial.phase("settle", "nothing changes for a while");
    if updated.go_on {
        trial.steady(args.load.baseline).await?;
        let broken = Scenario::broken_update(args.health_cmd.clone());
        for change in &broken.changes {
            change.apply(&mut body);
        }
        trial.perform(&broken, &body).await?;
        trial.phase("settle", "nothing changes any more");
    }
    trial.wind_down(args.load.baseline).await
}

/// The example is rolled from its first to its second version, anything else is forced.
fn good_change(args: &VerifyArgs, body: &ServiceBody) -> Vec<Change> {
    if args.changes.is_empty() && body.image() == APP_V1 {
        return vec![Change::Image { image: APP_V2.to_owned() }];
    }
    args.changes.changes()
}

/// Removes what an earlier run of ours left under this name. Somebody else's stack is refused
/// before anything is touched.
async fn clear_leftover(args: &VerifyArgs, console: &Console, site: &Site) -> Result<()> {
    let services = site.manager.stack_services(&args.stack).await?;
    if services.is_empty() {
        return Ok(());
    }
    check_owner(&site.manager, &args.stack, args.stack_args.adopt).await?;
    if services.iter().any(|service| service.label(RUN_LABEL).is_none()) {
        return Ok(());
    }
    console.tell(&format!("removing stack {}, which an earlier run left", args.stack));
    super::down::remove_stack(console, site, &args.stack).await
}

//! `rollproof verify`.

use clap::Args;

use super::args::{ChangeArgs, FormatArgs, LoadArgs, StackArgs, TargetArgs};
use super::console::Console;
use super::deploy::deployment;
use super::result::{check_for_several, conclude, conclude_all, judge_and_save};
use super::scenarios::ScenarioArgs;
use super::values::{stack_name, words};
use crate::deploy::{StackFiles, Whose, check_owner};
use crate::error::{Error, Result};
use crate::lint::{Conditions, Findings, Severity, lint};
use crate::record::NegativeControl;
use crate::run::{Finished, Load, RunSpec, Subject, find_target};
use crate::scenario::Declaration;
use crate::site::{LabUse, Ledger, Site};
use crate::streams;
use crate::wording::clean;

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
    formats: FormatArgs,
}

pub(super) async fn run(args: VerifyArgs, console: &Console) -> Result<u8> {
    let load = args.load.load(streams::TABLE, &args.target.address)?;
    // What is wrong with the files or the command line is said before an engine is started.
    if args.repeat > 1 {
        check_for_several(&args.formats)?;
    }
    let changes = args.changes.changes();
    let scenarios = args.scenarios.declarations(&changes, args.health_cmd.as_ref())?;
    let files = StackFiles::read(&args.stack_args.files)?;
    if let Some(requests) = files.requests(&args.stack)? {
        find_target(&requests.services, &args.stack, &args.target.wish(), "localhost")?;
    }
    let _lock = console.state.lock()?;
    console.open_log(args.formats.ci, "rollproof verify")?;
    if let Some(stack) = files.stack().filter(|_| !args.no_lint) {
        tell_findings(&lint(stack, None, &Conditions::default())?, console);
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
        return repeatedly(&args, files, &load, &scenarios, console, &site, clean_up).await;
    }
    match once(&args, files, &load, &scenarios, console, &site).await {
        Ok(finished) => conclude(console, &args.formats, finished, clean_up()).await,
        // Nothing was deployed, and a stack of this name may be one that stays.
        Err(error) => site.nothing_done(&console.state).await.and(Err(error)),
    }
}

/// Says what `lint` finds, a line each. It changes no verdict: the run shows what it comes to.
fn tell_findings(findings: &Findings, console: &Console) {
    let serious = findings.list.iter().filter(|finding| finding.severity > Severity::Hint);
    let mut first = None;
    for finding in serious {
        let number = finding.rule.number;
        first.get_or_insert(number);
        let place = &finding.place;
        let line = format!("{}[{number}] {place}: {}", finding.severity, finding.sentence());
        console.tell(&clean(&line));
    }
    if let Some(number) = first {
        console.tell(&format!(
            "`rollproof lint` has the fixes, `rollproof lint --explain {number}` the reason"
        ));
    }
}

/// Each run has a record and a report of its own; the verdict is the worst of them.
async fn repeatedly(
    args: &VerifyArgs,
    files: StackFiles,
    load: &Load,
    scenarios: &[Declaration],
    console: &Console,
    site: &Site,
    clean_up: impl AsyncFnOnce() -> Result<()>,
) -> Result<u8> {
    let mut judgements = Vec::new();
    let mut ended = Ok(());
    for number in 1..=args.repeat {
        console.tell(&format!("run {number} of {}", args.repeat));
        let one = once(args, files.clone(), load, scenarios, console, site).await;
        let one = one.and_then(|finished| {
            let judged = judge_and_save(&finished.folder)?.judgement;
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
    Ok(code)
}

async fn once(
    args: &VerifyArgs,
    files: StackFiles,
    load: &Load,
    scenarios: &[Declaration],
    console: &Console,
    site: &Site,
) -> Result<Finished> {
    let target = args.target.wish();
    let stays = make_room(args, console, site).await?;
    let subject = if stays {
        Subject::present(site, &args.stack, &args.stack_args.files, &target, true).await?
    } else {
        let deployment = deployment(console, site, &args.stack, files, &args.stack_args, false)?;
        Subject::to_deploy(site, deployment, &target)?
    };
    let changed: Vec<String> = scenarios
        .iter()
        .map(|one| one.scenario(!stays, &subject.body).changed(&subject.body).image().to_owned())
        .collect();
    let also: Vec<&str> = changed.iter().map(String::as_str).collect();
    let tell = |text: &str| console.tell(text);
    site.ensure_images(&console.state, &subject.services, &also, &tell).await?;
    let spec = RunSpec {
        command: "verify",
        subject,
        load: load.clone(),
        scenarios: scenarios.to_vec(),
        leave_as_found: stays,
        self_test: if args.no_self_test { NegativeControl::Off } else { NegativeControl::Planned },
    };
    spec.run(&console.run_env(site)).await
}

/// Makes room for the stack. What a killed run left under its name is removed; a stack that stays
/// is refused before anything is touched, and one that is adopted is tested as it is.
async fn make_room(args: &VerifyArgs, console: &Console, site: &Site) -> Result<bool> {
    let (stack, adopt) = (&args.stack, args.stack_args.adopt);
    let services = site.manager.stack_services(stack).await?;
    if services.is_empty() {
        return Ok(false);
    }
    if Whose::stack(&site.owner, &services) != Whose::Ours {
        check_owner(&site.manager, stack, &site.owner, adopt).await?;
        return Ok(true);
    }
    let ledger = Ledger::read(&console.state)?;
    let noted =
        ledger.stacks.iter().find(|known| known.engine == site.address() && known.stack == *stack);
    if noted.is_some_and(|known| known.for_run) {
        console.tell(&format!("removing stack {stack}, which an earlier run left behind"));
        site.remove_stack(&console.state, stack, &|text| console.tell(text)).await?;
        return Ok(false);
    }
    if adopt {
        return Ok(true);
    }
    Err(Error::usage(format!("stack {stack} is deployed from this folder, and is not removed"))
        .hint("`rollproof update` and `rollproof broken-update` test a stack that is deployed")
        .hint(format!("`rollproof down {stack}` removes it; another name makes a second one")))
}

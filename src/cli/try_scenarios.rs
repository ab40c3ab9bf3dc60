//! `rollproof try`.

use std::time::{Duration, Instant};

use clap::Args;

use super::args::StackArgs;
use super::console::Console;
use super::deploy::deployment;
use super::dry_run::DryRunArgs;
use super::event_stream::EventArgs;
use super::limit_args::LimitArgs;
use super::output_files;
use super::result::judge_finished;
use super::scenarios::chosen;
use super::tried::{Tried, show};
use super::try_dry_run;
use super::values::{duration, rate, words};
use crate::deploy::{Kernel, StackFiles, scenario_stack};
use crate::error::{Error, ErrorKind, Result};
use crate::judge::{ScenarioJudgement, Verdict};
use crate::probe::{Asked, Expect};
use crate::record::{NegativeControl, UserLimits};
use crate::run::{Also, Finished, Load, RunSpec, Subject, TargetWish, find_target};
use crate::scenario::{self, Declaration, Group};
use crate::site::{LabUse, Ledger, Site};
use crate::streams::{self, Asking};

/// The stack's name.
pub(super) const STACK: &str = "rollproof-try";
/// The port that its proxy publishes.
pub(super) const PORT: u16 = 8080;

/// Run scenarios on a small built-in stack, and check that each goes as it declares
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:\n  \
    rollproof try never-healthy     one scenario\n  \
    rollproof try my-scenarios.yml  those of a file\n  \
    rollproof try --only good       all of one list; `rollproof scenarios` shows the lists\n  \
    rollproof try --fast            all of them, with less measuring")]
pub(super) struct TryArgs {
    /// Scenarios or YAML files [default: all that are built in]
    #[arg(value_name = "NAME|FILE")]
    names: Vec<String>,

    /// Run only scenarios of these lists, or whose names contain one of these words
    #[arg(long, value_name = "WORDS", value_delimiter = ',', value_parser = words)]
    only: Vec<String>,

    /// Leave out scenarios of these lists, or whose names contain one of these words
    #[arg(long, value_name = "WORDS", value_delimiter = ',', value_parser = words)]
    skip: Vec<String>,

    /// Measure 2 s before and after each change instead of 5 s, and let a service rest for 1 s
    /// instead of 2 s
    #[arg(long)]
    fast: bool,

    /// Requests a second of the densest stream
    #[arg(long, value_name = "HZ", default_value = "100", value_parser = rate, hide_short_help = true)]
    rate: f64,

    /// Keep the private engine; `rollproof down` removes it
    #[arg(long)]
    keep: bool,

    /// Fail if a deployment makes no progress for this long
    #[arg(long, value_name = "TIME", default_value = "120s", value_parser = duration, hide_short_help = true)]
    progress_deadline: Duration,

    #[command(flatten)]
    limits: LimitArgs,

    #[command(flatten)]
    events: EventArgs,

    #[command(flatten)]
    dry_run: DryRunArgs,
}

pub(super) async fn run(args: TryArgs, console: &Console) -> Result<u8> {
    let declarations = wanted(&args)?;
    let load = load(args.rate, args.fast, &declarations)?;
    args.limits.limits()?;
    if args.dry_run.dry_run {
        return try_dry_run::show(&declarations, &load, console).await;
    }
    let _lock = console.state.lock()?;
    console.open_events(&args.events, None)?;
    let lab = if args.keep { LabUse::Start } else { LabUse::ForOneRun };
    let site = console.open_site(lab).await?;
    let tried = each(&args, &declarations, &load, console, &site).await;
    let cleaned = if args.keep {
        console.tell("the engine is kept; `rollproof down` removes it");
        Ok(())
    } else {
        site.after_run(&console.state, STACK, &|text| console.tell(text)).await
    };
    let tried = tried?;
    show(&tried, declarations.len(), console)?;
    cleaned?;
    if console.interrupt.is_cancelled() {
        return Err(Error::interrupted("interrupted"));
    }
    let unjudged = tried.iter().any(|one| one.judged.is_err());
    let verdict = Verdict::worst(tried.iter().filter_map(Tried::verdict));
    output_files::all(tried.into_iter().map(|one| one.saved))?;
    Ok(match verdict {
        Verdict::Fail => verdict.exit_code(),
        _ if unjudged => ErrorKind::Environment.exit_code(),
        verdict => verdict.exit_code(),
    })
}

/// The scenarios that the arguments choose.
fn wanted(args: &TryArgs) -> Result<Vec<Declaration>> {
    let all = if args.names.is_empty() { scenario::all()?.to_vec() } else { chosen(&args.names)? };
    let fits = |one: &Declaration, words: &[String]| {
        words.iter().any(|word| one.group.name() == word || one.name.contains(word.as_str()))
    };
    for word in args.only.iter().chain(&args.skip) {
        let known = Group::ALL.iter().any(|group| group.name() == word)
            || all.iter().any(|one| one.name.contains(word.as_str()));
        if !known {
            return Err(Error::usage(format!("`{word}` is no list and in no scenario's name"))
                .hint("`rollproof scenarios` shows the lists and the names"));
        }
    }
    let wanted: Vec<Declaration> = all
        .into_iter()
        .filter(|one| args.only.is_empty() || fits(one, &args.only))
        .filter(|one| !fits(one, &args.skip))
        .collect();
    if wanted.is_empty() {
        return Err(Error::usage("--only and --skip leave no scenario"));
    }
    Ok(wanted)
}

pub(super) fn load(rate_hz: f64, is_fast: bool, declarations: &[Declaration]) -> Result<Load> {
    let seconds = |usual, fast| Duration::from_secs(if is_fast { fast } else { usual });
    let load = Load {
        streams: streams::HARMLESS.to_vec(),
        insist: true,
        named: Vec::new(),
        name: None,
        also: Vec::new(),
        asking: Asking {
            rate_hz,
            deadline: Duration::from_millis(800),
            post_path: None,
            slow_path: "/slow?ms=4000".to_owned(),
            websocket_path: "/ws".to_owned(),
            events_path: "/events".to_owned(),
            event_every: None,
            asked: Asked::default(),
            expect: Expect::default(),
        },
        service_port: None,
        baseline: seconds(5, 2),
        settle: Some(seconds(2, 1)),
    };
    for declaration in declarations {
        with_streams(&load, declaration).check("http://127.0.0.1/")?;
    }
    Ok(load)
}

/// The usual streams, and those that a scenario needs.
fn with_streams(load: &Load, declaration: &Declaration) -> Load {
    let needs = |name: &str| declaration.streams.iter().any(|needed| needed == name);
    let streams = streams::TABLE
        .iter()
        .copied()
        .filter(|kind| load.streams.contains(kind) || needs(kind.name))
        .collect();
    Load { streams, ..load.clone() }
}

async fn each(
    args: &TryArgs,
    declarations: &[Declaration],
    load: &Load,
    console: &Console,
    site: &Site,
) -> Result<Vec<Tried>> {
    // What is wrong with the stack of the last one is said before the first begins.
    for declaration in declarations {
        let files = stack(declaration, console, site.kernel)?;
        if let Some(requests) = files.requests(STACK)? {
            let target =
                find_target(&requests.services, STACK, &wish(declaration, site), "localhost")?;
            args.limits.given().check_replicas(target.replicas)?;
        }
    }
    let mut all = Vec::new();
    remove_what_was_left(console, site).await?;
    for (number, declaration) in (1..).zip(declarations) {
        console.tell(&format!(
            "scenario {number} of {}: {}, {}",
            declarations.len(),
            declaration.name,
            declaration.about
        ));
        let began = Instant::now();
        let mut saved = Ok(());
        let judged = once(args, declaration, load, console, site, &mut saved).await;
        let interrupted = console.interrupt.is_cancelled();
        site.remove_stack(&console.state, STACK, &|text| console.detail(text)).await?;
        if interrupted {
            break;
        }
        let judged = judged.map_err(|error| error.with_cause());
        let one = Tried { name: declaration.name.clone(), took: began.elapsed(), judged, saved };
        if !console.global.json {
            console.put_result(one.line())?;
        }
        all.push(one);
    }
    Ok(all)
}

/// A killed `try` leaves its stack behind on a user's engine.
pub(super) async fn remove_what_was_left(console: &Console, site: &Site) -> Result<()> {
    let left = site.manager.stack_services(STACK).await?;
    let ledger = Ledger::read(&console.state)?;
    let ours = ledger
        .stacks
        .iter()
        .any(|known| known.engine == site.address() && known.stack == STACK && known.for_run);
    if !left.is_empty() && ours {
        console.tell(&format!("removing stack {STACK}, which an earlier run left behind"));
        site.remove_stack(&console.state, STACK, &|text| console.detail(text)).await?;
    }
    Ok(())
}

/// The stack that a scenario needs.
pub(super) fn stack(
    declaration: &Declaration,
    console: &Console,
    kernel: Kernel,
) -> Result<StackFiles> {
    let (folder, changes) = (console.state.path(), declaration.services.as_ref());
    let file = scenario_stack(folder, kernel, &declaration.name, changes)?;
    let files = StackFiles::read(&[file])?;
    files.requests(STACK)?;
    Ok(files)
}

/// The service under test and where it is asked: at the proxy's port, also where a scenario publishes
/// another one.
fn wish(declaration: &Declaration, site: &Site) -> TargetWish {
    let url = format!("http://{}:{PORT}/", site.published_host);
    TargetWish {
        service: Some(declaration.service.clone()),
        url: Some(url),
        ..TargetWish::default()
    }
}

async fn once(
    args: &TryArgs,
    declaration: &Declaration,
    load: &Load,
    console: &Console,
    site: &Site,
    saved: &mut Result<()>,
) -> Result<Box<ScenarioJudgement>> {
    let limits = args.limits.limits()?;
    let deadline = args.progress_deadline;
    let finished = perform(deadline, declaration, load, limits, console, site).await?;
    let judged;
    (judged, *saved) = judge_finished(console, &finished)?;
    console.detail(&format!("record: {}", finished.folder.display()));
    match judged.scenarios.into_iter().next() {
        Some(scenario) => Ok(Box::new(scenario)),
        None => Err(finished
            .outcome
            .err()
            .unwrap_or_else(|| Error::environment("the run ended before the scenario began"))),
    }
}

/// Runs a scenario on its stack.
pub(super) async fn perform(
    progress_deadline: Duration,
    declaration: &Declaration,
    load: &Load,
    limits: UserLimits,
    console: &Console,
    site: &Site,
) -> Result<Finished> {
    let files = stack(declaration, console, site.kernel)?;
    let stack_args = StackArgs::built_in(progress_deadline);
    let deployment = deployment(console, site, STACK, files, &stack_args, false)?;
    let subject = Subject::to_deploy(site, deployment, &wish(declaration, site))?;
    let changed = declaration.scenario(true, &subject.body).changed(&subject.body);
    let tell = |text: &str| console.detail(text);
    site.ensure_images(&console.state, &subject.services, &[changed.image()], &tell).await?;
    let spec = RunSpec {
        command: "try",
        subject,
        load: with_streams(load, declaration),
        also: Also::default(),
        next: None,
        scenarios: vec![declaration.clone()],
        leave_as_found: false,
        self_test: NegativeControl::Off,
        limits,
        against: None,
    };
    Box::pin(spec.run(&console.run_env(site))).await
}

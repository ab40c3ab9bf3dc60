//! `rollproof calibrate`, and reading what it writes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::console::Console;
use super::dry_run::DryRunArgs;
use super::output::put_line;
use super::output_files;
use super::result::run_folder;
use super::scenarios::chosen;
use super::try_dry_run;
use super::try_scenarios::{STACK, load, perform, remove_what_was_left};
use crate::Offset;
use crate::error::{Error, Result};
use crate::record::{RecordReader, Run, UserLimits};
use crate::run::Load;
use crate::scenario::Declaration;
use crate::site::LabUse;
use crate::swarm_model::HopTimes;
use crate::yaml_file::{read_text, refuse_at};

/// Requests a second while hop times are measured: few enough to disturb nothing.
const RATE: f64 = 10.0;

/// Measure how long an engine takes for its own steps, for `plan` and `sweep` to count with
///
/// Updates a small built-in stack twice, which takes about a minute, and measures how long a container
/// takes to be made, to start (alone and beside others) and to end, and a health check to run.
#[derive(Debug, Args)]
pub(super) struct CalibrateArgs {
    /// Measure in this recorded run instead: its id or folder
    #[arg(long, value_name = "RUN", conflicts_with = "dry_run")]
    run: Option<PathBuf>,

    /// File to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    dry_run: DryRunArgs,
}

pub(super) async fn run(args: &CalibrateArgs, console: &Console) -> Result<u8> {
    let file = args.output.as_deref().filter(|file| file.as_os_str() != "-");
    output_files::check(file.map(|file| ("--output", file)))?;
    if args.dry_run.dry_run {
        let (declarations, load) = updates_to_make()?;
        return try_dry_run::show(&declarations, &load, console).await;
    }
    let (run, hops) = if let Some(run) = &args.run {
        let run = RecordReader::open(&run_folder(console, Some(run)))?;
        let hops = measured(&run)?;
        (run, hops)
    } else {
        let [one_by_one, at_once] = updates(console).await?;
        let hops = measured(&one_by_one)?;
        let hops = hops.with_crowd_of(&at_once.events, &at_once.meta.stack.service);
        (one_by_one, hops)
    };
    let text = serde_json::to_string_pretty(&hops)
        .map_err(|error| Error::environment("cannot write the hop times").caused_by(error))?;
    match file {
        None => put_line(text)?,
        Some(file) => {
            output_files::save(file, &format!("{text}\n"))?;
            console.tell(&format!(
                "the hop times of engine {} are in {}: give them to plan and sweep with --hop-times",
                run.meta.engine.version,
                file.display()
            ));
        }
    }
    Ok(0)
}

fn measured(run: &Run) -> Result<HopTimes> {
    let stack = &run.meta.stack;
    let found = HopTimes::measure(&run.events, &stack.service, stack.healthcheck.as_ref());
    // Every container that starts tells something.
    if found == HopTimes::default() {
        return Err(Error::environment("the run shows no container that starts")
            .hint("measure in a run that updates its service"));
    }
    Ok(found)
}

/// Reads a file of `calibrate`.
pub(super) fn read_hop_times(path: &Path) -> Result<HopTimes> {
    let name = path.to_string_lossy();
    let text = read_text(path).map_err(|error| {
        Error::usage(format!("cannot read the hop times in {name}")).caused_by(error)
    })?;
    let refused = |at: Option<(u64, u64)>, message: &str| {
        refuse_at("file of hop times", &name, &text, at, message)
            .hint("`rollproof calibrate -o FILE` writes one; its times are seconds")
    };
    let hops: HopTimes = serde_json::from_str(&text).map_err(|error| {
        let said = error.to_string();
        let message = said.split(" at line ").next().unwrap_or(&said);
        refused(Some((error.line() as u64, error.column() as u64)), message)
    })?;
    let times = [
        hops.submit,
        hops.schedule,
        hops.deliver,
        hops.create,
        hops.start,
        hops.crowd,
        hops.check,
        hops.report,
        hops.cancel,
        hops.drain,
        hops.teardown,
    ];
    let longest = Offset::from_millis(3_600_000);
    if times.iter().any(|time| !(Offset::ZERO..=longest).contains(time)) {
        return Err(refused(None, "each time must be from 0 to 3600 seconds"));
    }
    Ok(hops)
}

/// The updates, and the few requests that are sent meanwhile.
fn updates_to_make() -> Result<(Vec<Declaration>, Load)> {
    let names = ["start-first", "all-at-once"].map(str::to_owned);
    let declarations = chosen(&names)?;
    let load = load(RATE, true, &declarations)?;
    Ok((declarations, load))
}

/// Updates the built-in stack with few requests, one replica after the other and all at once, and
/// returns the records.
async fn updates(console: &Console) -> Result<[Run; 2]> {
    let (declarations, load) = updates_to_make()?;
    let _lock = console.state.lock()?;
    let site = console.open_site(LabUse::ForOneRun).await?;
    let recorded = async {
        remove_what_was_left(console, &site).await?;
        let deadline = Duration::from_secs(120);
        let mut runs = Vec::new();
        for declaration in &declarations {
            let limits = UserLimits::default();
            let finished = perform(deadline, declaration, &load, limits, console, &site).await?;
            finished.outcome?;
            runs.push(RecordReader::open(&finished.folder)?);
            site.remove_stack(&console.state, STACK, &|text| console.detail(text)).await?;
        }
        runs.try_into().map_err(|_| Error::environment("the scenarios of good updates are missing"))
    };
    let recorded = recorded.await;
    let cleaned = site.after_run(&console.state, STACK, &|text| console.tell(text)).await;
    let recorded = recorded?;
    cleaned.map(|()| recorded)
}

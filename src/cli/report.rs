//! `rollproof report`.

use std::path::PathBuf;

use clap::Args;

use super::console::Console;
use super::verdict;
use crate::error::Result;

/// Arguments of `rollproof report`.
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Folder of the run, or its id; without it: the newest
    #[arg(value_name = "RUN")]
    run: Option<PathBuf>,
}

pub(super) fn run(args: &ReportArgs, console: &Console) -> Result<u8> {
    let runs = console.state.runs();
    let folder = match &args.run {
        None => runs.join("latest"),
        Some(run) if run.is_dir() => run.clone(),
        Some(id) => runs.join(id),
    };
    let judgement = verdict::conclude(console, &folder)?;
    Ok(verdict::exit_code(judgement.verdict))
}

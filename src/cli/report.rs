//! `rollproof report`.

use std::path::PathBuf;

use clap::Args;

use super::args::FormatArgs;
use super::ci::Ci;
use super::console::Console;
use super::result::{judge_and_save, run_folder, show};
use crate::error::Result;

/// Judge a recorded run again, without an engine
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// The run's id or folder [default: the newest run]
    #[arg(value_name = "RUN")]
    run: Option<PathBuf>,

    #[command(flatten)]
    formats: FormatArgs,
}

pub(super) fn run(args: &ReportArgs, console: &Console) -> Result<u8> {
    let folder = run_folder(console, args.run.as_deref());
    let judged = judge_and_save(&folder)?;
    // The command that made the run has told the CI system already.
    let ci = args.formats.ci.unwrap_or(Ci::None);
    show(console, &args.formats, judged.recorded(), &folder, ci)?;
    Ok(judged.judgement.verdict.exit_code())
}

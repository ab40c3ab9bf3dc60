//! `rollproof report`.

use std::path::PathBuf;

use clap::Args;

use super::args::FormatArgs;
use super::console::Console;
use super::result::{judge_and_save, run_folder, show};
use crate::error::Result;
use crate::report::Material;

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
    let judgement = judge_and_save(&folder)?;
    show(console, &args.formats, Material::One(&judgement), Some(&folder))?;
    Ok(judgement.verdict.exit_code())
}

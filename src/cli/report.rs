//! `rollproof report`.

use std::path::PathBuf;

use clap::Args;

use super::against_args::AgainstArgs;
use super::ci::Ci;
use super::console::Console;
use super::format_args::FormatArgs;
use super::limit_args::LimitArgs;
use super::result::{judge_again, judge_record, run_folder, show};
use crate::error::Result;
use crate::record::UserLimits;

/// Judge a recorded run again, without an engine
///
/// Limits given here count instead of those of the run. The verdict in the run's folder, which
/// `rollproof runs` lists, stays that of the run's own limits.
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// The run's id or folder [default: the newest run]
    #[arg(value_name = "RUN")]
    run: Option<PathBuf>,

    /// Leave out the limits that the run had, and the run that it was measured against
    #[arg(long, help_heading = "Limits", hide_short_help = true)]
    no_limits: bool,

    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    against: AgainstArgs,
    #[command(flatten)]
    formats: FormatArgs,
}

pub(super) fn run(args: &ReportArgs, console: &Console) -> Result<u8> {
    args.formats.check(None)?;
    let folder = run_folder(console, args.run.as_deref());
    let (limits, against) = (args.limits.given(), args.against.former(console)?);
    let judged = if args.no_limits || against.is_some() || !limits.is_empty() {
        judge_again(&folder, |own| {
            if args.no_limits {
                (own.limits, own.against) = (UserLimits::default(), None);
            }
            own.limits = limits.or(own.limits);
            own.against = against.or(own.against.take());
        })?
    } else {
        let judged = judge_record(&folder)?;
        // A record in an archive can be read only. The verdict is what was asked for.
        if let Err(error) = judged.save(&folder) {
            console.tell(&format!("note: {}", error.with_cause()));
        }
        judged
    };
    // The command that made the run has told the CI system already.
    let ci = args.formats.ci.unwrap_or(Ci::None);
    show(console, &args.formats, judged.recorded(), &folder, ci)?;
    Ok(judged.judgement.verdict.exit_code())
}

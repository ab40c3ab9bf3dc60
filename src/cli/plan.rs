//! `rollproof plan`.

use clap::Args;

use super::console::Console;
use super::forecast::ForecastArgs;
use super::output::{put, put_line};
use crate::error::Result;
use crate::plan::{self, Plan};

/// Predict what an update and its rollback will do, from the stack file alone
#[derive(Debug, Args)]
#[command(
    after_long_help = "The prediction plays the update on a model of Swarm. It needs no engine.\n\
    docs/plan.md describes the output, the JSON and the behaviour file."
)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    forecast: ForecastArgs,

    /// Stack file of the version that runs [default: the same settings]
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    from: Vec<String>,

    /// Format of the result
    #[arg(long, value_enum, default_value_t, hide_short_help = true)]
    format: PlanFormat,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum PlanFormat {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

pub(super) fn run(args: &PlanArgs, console: &Console) -> Result<u8> {
    let settings = args.forecast.settings(&args.from, console)?;
    let plans: Vec<Plan> = settings.iter().map(Plan::of).collect();
    if console.global.json || args.format == PlanFormat::Json {
        return put_line(plan::json(&plans)).map(|()| 0);
    }
    if plans.len() > 1 && !console.global.verbose {
        put(&plan::table(&plans))?;
        console.tell("for the whole plan of one: rollproof plan --service NAME; of all: -v");
        return Ok(0);
    }
    let texts: Vec<String> =
        plans.iter().zip(&settings).map(|(plan, setting)| plan::text(plan, setting)).collect();
    put(&texts.join("\n\n"))?;
    Ok(0)
}

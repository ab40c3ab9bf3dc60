//! What can be typed.

use clap::{Args, Parser, Subcommand};

use super::{broken_update, build, deploy, down, lab, probe, report, stack, update, verify, watch};
use crate::probe::StreamPlan;
use crate::site::EngineChoice;

/// Proves that a Docker Swarm service can be updated, and fail to be updated, without its users
/// noticing.
///
/// Exit codes: 0 pass, 1 fail, 2 wrong usage or invalid stack file, 3 inconclusive, 4 the
/// environment (no engine, no swarm, build failed), 130 interrupted.
#[derive(Debug, Parser)]
#[command(name = "rollproof", version, max_term_width = 100, subcommand_required = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
    #[command(flatten)]
    pub(super) global: GlobalArgs,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct GlobalArgs {
    /// Which engine to use: the host's if it is an active swarm manager, else a private one
    #[arg(long, global = true, value_enum, default_value_t, env = "ROLLPROOF_ENGINE")]
    pub(super) engine: EngineChoice,

    /// Address of the engine, as `DOCKER_HOST` spells it: unix://, tcp:// or ssh://
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub(super) host: Option<String>,

    /// Put an engine that is in no swarm into one of its own, until the end of the run
    #[arg(long, global = true)]
    pub(super) init_swarm: bool,

    /// Show only errors and results
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,

    /// Print the result as JSON on standard output
    #[arg(long, global = true)]
    pub(super) json: bool,

    /// Log more; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Build the example's images, or a folder with a Dockerfile, into every engine of the swarm
    Build(build::BuildArgs),
    /// Deploy a stack and return when it has converged
    Deploy(deploy::DeployArgs),
    /// Roll a good update under load and judge it
    Update(update::UpdateArgs),
    /// Break the health check on purpose, expect Swarm to roll back, and judge it
    BrokenUpdate(broken_update::BrokenUpdateArgs),
    /// Deploy, roll a good and a broken update under load, and give one verdict: for CI
    Verify(verify::VerifyArgs),
    Watch(watch::WatchArgs),
    /// Remove the stack, and the private engine if there is one, and prove that nothing is left
    Down(down::DownArgs),
    /// Say what is missing on this machine, and what each missing thing costs
    Doctor,
    /// A private swarm in a network namespace of its own
    Lab(LabArgs),
    Probe(probe::ProbeArgs),
    /// What runs inside the network of the stack under test
    #[command(hide = true)]
    ProbeAgent,
    /// Judge a recorded run again, offline
    Report(report::ReportArgs),
    /// Work with stack files
    Stack(stack::StackCommandArgs),
}

/// `rollproof lab …`.
#[derive(Debug, Args)]
pub(super) struct LabArgs {
    #[command(subcommand)]
    pub(super) command: lab::LabCommand,
}

/// Reads a duration such as `90s`, `1m30s` or `500ms`.
pub(super) fn duration(text: &str) -> Result<std::time::Duration, String> {
    humantime::parse_duration(text).map_err(|error| format!("{error}; write 500ms, 90s or 2m"))
}

/// Reads a number of requests per second.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|rate| StreamPlan::RATES.contains(rate))
        .ok_or_else(|| "must be between 0.001 and 50,000, for example 200".to_owned())
}

/// Reads `KEY=VALUE`.
pub(super) fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write KEY=VALUE".into()),
    }
}

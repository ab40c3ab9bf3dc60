//! What can be typed: the commands, and the options that several of them share.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use super::config::ConfigArgs;
use super::discreet::Discreet;
pub(super) use super::load_args::LoadArgs;
use super::next_args::RegistryArgs;
use super::stand_in_args::StandInArgs;
use super::values::{duration, key_value, stack_name, words};
use super::{
    build, calibrate, compare, deploy, down, explain, init, lab, lint, plan, probe, report, runs,
    scenarios, serve, shell, simulated_engine, stack, status, sweep, try_scenarios, update as roll,
    verify, watch,
};
use crate::deploy::{Change, EndpointMode};
use crate::site::EngineChoice;

/// Proves that a Docker Swarm service can be updated, and can fail to be updated, without its
/// users noticing
#[derive(Debug, Parser)]
#[command(
    name = "rollproof",
    version,
    max_term_width = 100,
    args_override_self = true,
    after_help = "Start with `rollproof verify`: it tries the built-in example on a private engine.\n\
                  `rollproof COMMAND --help` shows all options of a command.",
    after_long_help = "Exit codes:\n  \
        0    pass: every expectation was met, and the measurement can be trusted\n  \
        1    fail: an expectation was broken\n  \
        2    wrong usage, or a stack file that cannot be used\n  \
        3    inconclusive: the measurement cannot be trusted, or the update was not seen\n  \
        4    environment: no engine, no swarm, no rights, a failed build, a full disk\n  \
        130  interrupted\n\n\
        Examples:\n  \
        rollproof verify                       try the built-in example\n  \
        rollproof verify -c stack.yml          test your own stack, for example in CI"
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) global: GlobalArgs,
    #[command(flatten)]
    config: ConfigArgs,
}

/// Options of every command.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag on the command line")]
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct GlobalArgs {
    /// Engine to use: the host's if it is an active swarm manager, else a private one
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        env = "ROLLPROOF_ENGINE",
        hide_short_help = true
    )]
    pub(super) engine: EngineChoice,

    /// Address of the engine, spelled as in `DOCKER_HOST`: unix://, tcp:// or ssh://
    #[arg(long, global = true, value_name = "ADDRESS", hide_short_help = true)]
    pub(super) host: Option<String>,

    /// Root folder of another system whose engine a private swarm uses
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "ROLLPROOF_LAB_ROOT",
        hide_short_help = true
    )]
    pub(super) lab_root: Option<PathBuf>,

    /// Let the time of a simulated engine pass N times faster [default: 1, or as it runs already]
    #[arg(
        long,
        global = true,
        value_name = "N",
        value_parser = super::values::speed,
        env = "ROLLPROOF_SPEED",
        hide_short_help = true
    )]
    pub(super) speed: Option<f64>,

    /// Create a swarm for the run on an engine that is in none
    #[arg(long, global = true, hide_short_help = true)]
    pub(super) init_swarm: bool,

    /// Print only errors and the result
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,

    /// Print every detail of the run and of the result
    #[arg(short, long, global = true)]
    pub(super) verbose: bool,

    /// Print the result as JSON (short for --format json)
    #[arg(long, global = true)]
    pub(super) json: bool,

    /// Log level: error, warn, info, debug, trace, or a filter such as rollproof=debug
    #[arg(
        long,
        global = true,
        value_name = "LEVEL",
        env = "ROLLPROOF_LOG",
        hide_short_help = true
    )]
    pub(super) log: Option<String>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Verify(verify::VerifyArgs),
    Deploy(deploy::DeployArgs),
    Update(roll::UpdateArgs),
    BrokenUpdate(roll::BrokenUpdateArgs),
    Scenarios(scenarios::ScenariosArgs),
    Try(try_scenarios::TryArgs),
    Watch(watch::WatchArgs),
    Plan(plan::PlanArgs),
    Sweep(sweep::SweepArgs),
    Calibrate(calibrate::CalibrateArgs),
    Lint(lint::LintArgs),
    Init(init::InitArgs),
    Probe(probe::ProbeArgs),
    Status(status::StatusArgs),
    Report(report::ReportArgs),
    Compare(compare::CompareArgs),
    Explain(explain::ExplainArgs),
    Runs(runs::RunsArgs),
    Open(runs::OpenArgs),
    Serve(serve::ServeArgs),
    Down(down::DownArgs),
    /// Show what this machine lacks, and how to fix it
    Doctor,
    /// Manage a private swarm in a network namespace of its own
    Lab(lab::LabArgs),
    Build(build::BuildArgs),
    /// Read stack files as docker does
    Stack(stack::StackCommandArgs),
    Completions(shell::CompletionsArgs),
    Man(shell::ManArgs),
    /// Send requests from inside the network of the stack under test
    #[command(hide = true)]
    ProbeAgent,
    /// Serve the simulated engine of a state folder
    #[command(hide = true)]
    SimulatedEngine(simulated_engine::SimulatedEngineArgs),
}

/// Which stack, and how it is deployed.
#[derive(Debug, Clone, Args)]
pub(super) struct StackArgs {
    /// Stack file, `-` for standard input; repeat to merge several [default: the example]
    #[arg(short = 'c', long = "compose-file", value_name = "FILE")]
    pub(super) files: Vec<String>,

    /// Take over a stack of this name that rollproof did not deploy
    #[arg(long, hide_short_help = true)]
    pub(super) adopt: bool,

    #[command(flatten)]
    pub(super) registry: RegistryArgs,

    #[command(flatten)]
    pub(super) stand_ins: StandInArgs,

    /// Reach services in this way instead of the stack file's; the report says so
    #[arg(long, value_enum, hide_short_help = true)]
    pub(super) endpoint_mode: Option<EndpointMode>,

    /// Fail if the deployment makes no progress for this long
    #[arg(long, value_name = "TIME", default_value = "120s", value_parser = duration, hide_short_help = true)]
    pub(super) progress_deadline: Duration,
}

impl StackArgs {
    /// For a stack that is built in.
    pub(super) fn built_in(progress_deadline: Duration) -> Self {
        Self {
            files: Vec::new(),
            adopt: false,
            registry: RegistryArgs::default(),
            stand_ins: StandInArgs::default(),
            endpoint_mode: None,
            progress_deadline,
        }
    }
}

/// What a good update changes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Change")]
pub(super) struct ChangeArgs {
    /// Update to this image
    #[arg(long, value_name = "IMAGE", value_parser = words)]
    image: Option<String>,

    /// Set an environment variable
    #[arg(long, value_name = "KEY=VALUE", value_parser = Discreet(key_value), hide_short_help = true)]
    env: Vec<(String, String)>,

    /// Set what `docker service update` sets, with the name of its option, such as replicas=8,
    /// env-rm=DEBUG, limit-memory=64M, update-order=start-first or config-add=NAME; repeat for several
    #[arg(long = "set", value_name = "OPTION=VALUE", value_parser = Discreet(Change::parse))]
    set: Vec<Change>,

    /// Restart all tasks with the same settings [default if nothing else is changed]
    #[arg(long, hide_short_help = true)]
    force: bool,
}

impl ChangeArgs {
    pub(super) fn changes(&self) -> Vec<Change> {
        let image = self.image.clone().map(|image| Change::Image { image });
        let env = self.env.iter().cloned().map(|(key, value)| Change::Env { key, value });
        let set = self.set.iter().cloned();
        image.into_iter().chain(env).chain(set).chain(self.force.then_some(Change::Force)).collect()
    }
}

/// A name for a stack.
#[derive(Debug, Clone, Args)]
pub(super) struct StackName {
    /// The stack's name [default: the stack deployed from this folder]
    #[arg(value_name = "STACK", value_parser = stack_name)]
    pub(super) stack: Option<String>,
}

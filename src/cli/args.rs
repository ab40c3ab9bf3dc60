//! What can be typed: the commands, and the options that several of them share.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use super::ci::Ci;
pub(super) use super::load_args::LoadArgs;
use super::request_args::weighted_path;
use super::values::{FormatChoice, duration, key_value, stack_name, words};
use super::{
    build, deploy, down, explain, lab, lint, plan, probe, report, runs, scenarios, shell, stack,
    status, try_scenarios, update as roll, verify, watch,
};
use crate::deploy::{Change, EndpointMode, ResolveImage};
use crate::probe::WeightedPath;
use crate::report::FORMATS;
use crate::run::{Scheme, TargetWish};
use crate::site::EngineChoice;
use crate::streams::{Address, Place};

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
    Lint(lint::LintArgs),
    Probe(probe::ProbeArgs),
    Status(status::StatusArgs),
    Report(report::ReportArgs),
    Explain(explain::ExplainArgs),
    Runs(runs::RunsArgs),
    Open(runs::OpenArgs),
    Down(down::DownArgs),
    /// Show what this machine lacks, and how to fix it
    Doctor,
    /// Manage a private swarm in a network namespace of its own
    Lab(LabArgs),
    Build(build::BuildArgs),
    /// Read stack files as docker does
    Stack(stack::StackCommandArgs),
    Completions(shell::CompletionsArgs),
    Man(shell::ManArgs),
    /// Send requests from inside the network of the stack under test
    #[command(hide = true)]
    ProbeAgent,
}

/// `rollproof lab …`.
#[derive(Debug, Args)]
pub(super) struct LabArgs {
    #[command(subcommand)]
    pub(super) command: lab::LabCommand,
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

    /// When to look up image digests in a registry, as in `docker stack deploy`
    #[arg(long, value_enum, default_value_t, hide_short_help = true)]
    pub(super) resolve_image: ResolveImage,

    /// Pass the docker CLI's registry logins on to the nodes
    #[arg(long, hide_short_help = true)]
    pub(super) with_registry_auth: bool,

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
            resolve_image: ResolveImage::default(),
            with_registry_auth: false,
            endpoint_mode: None,
            progress_deadline,
        }
    }
}

/// Which service is under test, and which address its users ask.
#[derive(Debug, Clone, Args)]
pub(super) struct TargetArgs {
    /// Service to update, with or without the stack's prefix [default: the one with the most
    /// replicas]
    #[arg(long, value_name = "NAME")]
    service: Option<String>,

    #[command(flatten)]
    pub(super) address: AddressArgs,
}

/// How several addresses are written.
const URL_HELP: &str = "Address that users ask [default: the port that the stack publishes]. Repeat for \
    several, each with a name: --url site=https://shop.example.org/ --url admin=:9090/health. A URL without \
    a host, or a port alone, is a port of the stack. Each address has streams of its own, which reports \
    call by its name";

/// Which address users ask.
#[derive(Debug, Clone, Args)]
pub(super) struct AddressArgs {
    /// Address that users ask; repeat for several, each with a name, as in api=https://… [default:
    /// the port that the stack publishes]
    #[arg(long, value_name = "[NAME=]URL", conflicts_with = "paths", long_help = URL_HELP)]
    pub(super) url: Vec<Address>,

    /// Path that users ask at the port that the stack publishes, such as /health; repeat for
    /// several in turn, with weights as in 3:/search [default: /]
    #[arg(long = "path", value_name = "[WEIGHT:]PATH", value_parser = weighted_path)]
    pub(super) paths: Vec<WeightedPath>,

    /// How the port that the stack publishes is asked [default: https for 443 and 8443]
    #[arg(long, value_enum, conflicts_with = "url", hide_short_help = true)]
    scheme: Option<Scheme>,
}

impl AddressArgs {
    /// An address like the one that will be asked: the stack's own is not known before it is
    /// deployed.
    pub(super) fn example(&self) -> String {
        let path = self.paths.first().map_or("/", |first| first.path.as_str());
        let scheme = self.scheme.unwrap_or(Scheme::Http).as_str();
        let found = || format!("{scheme}://127.0.0.1{path}");
        self.url.first().map_or_else(found, |first| first.url("127.0.0.1"))
    }

    /// Where users of `service` ask.
    pub(super) fn wish(&self, service: Option<&str>) -> TargetWish {
        let wish = TargetWish {
            service: service.map(str::to_owned),
            path: self.paths.first().map(|first| first.path.clone()),
            scheme: self.scheme,
            ..TargetWish::default()
        };
        match self.url.first().map(|first| &first.place) {
            None => wish,
            // Only http and https are usual at a port that the stack publishes.
            Some(Place::Port { scheme, port, path })
                if scheme.as_ref().is_none_or(|scheme| scheme.starts_with("http")) =>
            {
                let scheme = scheme.as_deref().map(|scheme| match scheme {
                    "https" => Scheme::Https,
                    _ => Scheme::Http,
                });
                TargetWish { port: Some(*port), path: Some(path.clone()), scheme, ..wish }
            }
            Some(Place::Port { .. } | Place::Url(_)) => {
                TargetWish { url: Some(self.example()), ..wish }
            }
        }
    }
}

impl TargetArgs {
    pub(super) fn wish(&self) -> TargetWish {
        self.address.wish(self.service.as_deref())
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
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value, hide_short_help = true)]
    env: Vec<(String, String)>,

    /// Restart all tasks with the same settings [default if nothing else is changed]
    #[arg(long, hide_short_help = true)]
    force: bool,
}

impl ChangeArgs {
    pub(super) fn changes(&self) -> Vec<Change> {
        let image = self.image.clone().map(|image| Change::Image { image });
        let env = self.env.iter().cloned().map(|(key, value)| Change::Env { key, value });
        image.into_iter().chain(env).chain(self.force.then_some(Change::Force)).collect()
    }
}

/// How a result is written.
#[derive(Debug, Clone, Args)]
pub(super) struct FormatArgs {
    /// Write the result in this format, to standard output or to FILE; repeat for several
    #[arg(long = "format", value_name = "NAME[=FILE]", hide_short_help = true, long_help = format_help())]
    pub(super) formats: Vec<FormatChoice>,

    /// CI system to tell the result [default: github under GitHub Actions, else none]
    #[arg(long, value_name = "SYSTEM", value_enum, hide_short_help = true)]
    pub(super) ci: Option<Ci>,
}

fn format_help() -> String {
    let mut help =
        "Write the result in this format, to standard output or to FILE; repeat for several\n"
            .to_owned();
    for format in FORMATS {
        let _ = write!(help, "\n{:10} {}", format.name(), format.about());
    }
    help
}

/// A name for a stack.
#[derive(Debug, Clone, Args)]
pub(super) struct StackName {
    /// The stack's name [default: the stack deployed from this folder]
    #[arg(value_name = "STACK", value_parser = stack_name)]
    pub(super) stack: Option<String>,
}

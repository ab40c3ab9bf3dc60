//! `rollproof plan`.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::console::Console;
use super::output::{put, put_line};
use super::values::{duration, engine_version};
use crate::deploy::{read_or_example, read_stack};
use crate::error::{Error, Result};
use crate::plan::{self, BehaviourFile, Plan, Setting};
use crate::stack::ServiceBody;
use crate::swarm::EngineVersion;
use crate::swarm_model::{NEWEST, Node, Spec};

/// Predict what an update and its rollback will do, from the stack file alone
#[derive(Debug, Args)]
#[command(
    after_long_help = "The prediction plays the update on a model of Swarm. It needs no engine.\n\
    docs/plan.md describes the output, the JSON and the behaviour file."
)]
pub(super) struct PlanArgs {
    /// Stack file, `-` for standard input; repeat to merge several [default: the example]
    #[arg(short = 'c', long = "compose-file", value_name = "FILE")]
    files: Vec<String>,

    /// Service to plan, without the stack's prefix [default: all]
    #[arg(long, value_name = "NAME")]
    service: Option<String>,

    /// Time from the start of a container until its program is ready
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    boot: Duration,

    /// Time from the stop signal to the end of the program
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = duration)]
    stop: Duration,

    /// How the versions behave, in YAML: see docs/plan.md
    #[arg(long, value_name = "FILE")]
    behaviour: Option<PathBuf>,

    /// Stack file of the version that runs [default: the same settings]
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    from: Vec<String>,

    /// Release of the engine [default: the newest that is known]
    #[arg(long, value_name = "VERSION", value_parser = engine_version, hide_short_help = true)]
    engine_version: Option<EngineVersion>,

    /// Nodes of the swarm [default: as many as the running version needs]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), hide_short_help = true)]
    nodes: Option<u16>,

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

/// The name that services are prefixed with, only to be removed again.
const NAMESPACE: &str = "plan";

pub(super) fn run(args: &PlanArgs, console: &Console) -> Result<u8> {
    let behaviour = args.behaviour.as_deref().map(read_behaviour).transpose()?;
    let stack = read_or_example(console.state.path(), &args.files)?;
    for warning in stack.warnings() {
        console.detail(&warning.to_string());
    }
    let bodies = stack.requests(NAMESPACE)?.services;
    let previous = match args.from.as_slice() {
        [] => bodies.clone(),
        files => read_stack(files)?.requests(NAMESPACE)?.services,
    };
    let settings = settings(args, &bodies, &previous, behaviour.as_ref())?;
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

/// The settings of the services that were asked for.
fn settings(
    args: &PlanArgs,
    bodies: &[ServiceBody],
    previous: &[ServiceBody],
    behaviour: Option<&BehaviourFile>,
) -> Result<Vec<Setting>> {
    let names: Vec<&str> = bodies.iter().map(key).collect();
    if let Some(wanted) = &args.service
        && !names.contains(&wanted.as_str())
    {
        return Err(Error::usage(format!("the stack has no service `{wanted}`"))
            .hint(format!("its services are {}", crate::wording::list(&names))));
    }
    let chosen = |body: &&ServiceBody| {
        args.service.as_deref().map_or(!body.is_job(), |wanted| wanted == key(body))
    };
    let of = |body: &ServiceBody| {
        if body.is_job() {
            return Err(Error::usage(format!(
                "`{}` is a job, which Swarm does not update",
                key(body)
            )));
        }
        let spec = Spec::of(body, None);
        let mut setting = Setting::new(key(body), spec, args.boot.into(), args.stop.into());
        setting.engine = args.engine_version.unwrap_or(NEWEST);
        setting.nodes = vec![Node::default(); args.nodes.map_or(0, usize::from)];
        if let Some(before) = previous.iter().find(|other| other.name() == body.name())
            && !args.from.is_empty()
        {
            setting = setting.from(before, body);
        }
        if let Some(behaviour) = behaviour {
            behaviour.apply(&mut setting);
        }
        Ok(setting)
    };
    bodies.iter().filter(chosen).map(of).collect()
}

/// A service's name in the stack file.
fn key(body: &ServiceBody) -> &str {
    let name = body.name();
    name.strip_prefix(NAMESPACE).and_then(|rest| rest.strip_prefix('_')).unwrap_or(name)
}

fn read_behaviour(path: &Path) -> Result<BehaviourFile> {
    let name = path.to_string_lossy();
    let failed = |error: std::io::Error| {
        Error::usage(format!("cannot read the behaviour file {name}")).caused_by(error)
    };
    let text = if name == "-" {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text).map_err(failed)?;
        text
    } else {
        std::fs::read_to_string(path).map_err(failed)?
    };
    BehaviourFile::read(&name, &text)
}

//! What `plan` and `sweep` have in common: which services they are about, how their versions
//! behave, and where they run.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::calibrate::read_hop_times;
use super::console::Console;
use super::values::{duration, engine_version};
use crate::deploy::{read_or_example, read_stack};
use crate::error::{Error, Result};
use crate::plan::{BehaviourFile, Setting};
use crate::stack::ServiceBody;
use crate::swarm::{EngineVersion, SpecChange};
use crate::swarm_model::{HopTimes, NEWEST, Node, Spec};
use crate::yaml_file;

#[derive(Debug, Args)]
pub(super) struct ForecastArgs {
    /// Stack file, `-` for standard input; repeat to merge several [default: the example]
    #[arg(short = 'c', long = "compose-file", value_name = "FILE")]
    pub(super) files: Vec<String>,

    /// Service to look at, without the stack's prefix [default: all]
    #[arg(long, value_name = "NAME")]
    pub(super) service: Option<String>,

    /// Time from the start of a container until its program is ready
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    boot: Duration,

    /// Time from the stop signal to the end of the program
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = duration)]
    stop: Duration,

    /// How the versions behave, in YAML: see docs/plan.md
    #[arg(long, value_name = "FILE")]
    behaviour: Option<PathBuf>,

    /// How long the engine's own steps take, as `rollproof calibrate` writes it [default: those of an
    /// idle machine]
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    hop_times: Option<PathBuf>,

    /// Release of the engine [default: the newest that is known]
    #[arg(long, value_name = "VERSION", value_parser = engine_version, hide_short_help = true)]
    engine_version: Option<EngineVersion>,

    /// Nodes of the swarm [default: as many as the running version needs]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..), hide_short_help = true)]
    nodes: Option<u16>,
}

/// The name that services are prefixed with, only to be removed again.
pub(super) const NAMESPACE: &str = "plan";

impl ForecastArgs {
    /// Whether the user says how the versions behave.
    pub(super) fn has_behaviour(&self) -> bool {
        self.behaviour.is_some()
    }

    /// The settings of the services that were asked for. `from` are the stack files of the version
    /// that runs, if it has other settings.
    pub(super) fn settings(&self, from: &[String], console: &Console) -> Result<Vec<Setting>> {
        let behaviour = self.behaviour.as_deref().map(read_behaviour).transpose()?;
        let hops = self.hop_times.as_deref().map(read_hop_times).transpose()?;
        let stack = read_or_example(console.state.path(), &self.files)?;
        for warning in stack.warnings() {
            console.detail(&warning.to_string());
        }
        let bodies = stack.requests(NAMESPACE)?.services;
        let previous = match from {
            [] => Vec::new(),
            files => read_stack(files)?.requests(NAMESPACE)?.services,
        };
        let names: Vec<&str> = bodies.iter().map(key).collect();
        if let Some(wanted) = &self.service
            && !names.contains(&wanted.as_str())
        {
            return Err(Error::usage(format!("the stack has no service `{wanted}`"))
                .hint(format!("its services are {}", crate::wording::list(&names))));
        }
        let chosen = |body: &&ServiceBody| {
            self.service.as_deref().map_or(!body.is_job(), |wanted| wanted == key(body))
        };
        let chosen = bodies.iter().filter(chosen);
        chosen.map(|body| self.setting(body, &previous, hops, behaviour.as_ref())).collect()
    }

    fn setting(
        &self,
        body: &ServiceBody,
        previous: &[ServiceBody],
        hops: Option<HopTimes>,
        behaviour: Option<&BehaviourFile>,
    ) -> Result<Setting> {
        if body.is_job() {
            return Err(Error::usage(format!(
                "`{}` is a job, which Swarm does not update",
                key(body)
            )));
        }
        let spec = Spec::of(body, None);
        let mut setting = Setting::new(key(body), spec, self.boot.into(), self.stop.into());
        setting.hops = hops.unwrap_or_default();
        setting.engine = self.engine_version.unwrap_or(NEWEST);
        setting.nodes = vec![Node::default(); self.nodes.map_or(0, usize::from)];
        if let Some(before) = previous.iter().find(|other| other.name() == body.name()) {
            setting = setting.of_change(SpecChange::between(before, body, &|_| None));
        }
        if let Some(behaviour) = behaviour {
            behaviour.apply(&mut setting);
        }
        setting.check_size()?;
        Ok(setting)
    }
}

/// A service's name in the stack file.
pub(super) fn key(body: &ServiceBody) -> &str {
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
        yaml_file::read_text(path).map_err(failed)?
    };
    BehaviourFile::read(&name, &text)
}

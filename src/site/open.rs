//! Choosing and opening the engine.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{EngineChoice, EngineKind, Ledger, StateFolder, kernel_has_ipvs};
use crate::Clock;
use crate::Offset;
use crate::deploy::Kernel;
use crate::engine::{
    DockerHost, Engine, EngineInfo, HostChoice, Simulated, SwarmRole, resolve_host,
};
use crate::error::{Error, Result};
use crate::lab::{EngineSource, Lab, LabNode, LabOptions};
use crate::record::EngineFacts;
use crate::simulated::{Simulation, SimulationOptions};

/// How a command uses the lab, if it uses the lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LabUse {
    /// It only uses a lab that is running.
    Running,
    /// It may start a lab, which then stays until it is removed.
    Start,
    /// It may start a lab for this run only. It reuses one that a killed run left behind.
    ForOneRun,
}

/// How to choose the engine.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// Which engine to use.
    pub choice: EngineChoice,
    /// `--host`.
    pub host: Option<String>,
    /// Whether to make an engine without a swarm the manager of a new one.
    pub init_swarm: bool,
    /// How to use the lab.
    pub lab: LabUse,
    /// The number of nodes, if a lab has to be started.
    pub nodes: u8,
    /// Where its engines come from, if a lab has to be started.
    pub lab_engine: EngineSource,
    /// How much faster than real the time of a simulated engine passes; absent: as it runs, or in real
    /// time.
    pub speed: Option<f64>,
    /// How long a lab may take to start.
    pub start_deadline: Duration,
}

impl OpenOptions {
    /// The simulated engine to start, if one has to be started.
    fn simulation_options(&self, state: &StateFolder) -> SimulationOptions {
        SimulationOptions {
            state: state.path().to_owned(),
            speed: self.speed,
            for_one_run: self.lab == LabUse::ForOneRun,
        }
    }

    /// The lab to start, if one has to be started.
    pub(super) fn lab_options(&self, state: &StateFolder) -> LabOptions {
        LabOptions {
            nodes: self.nodes,
            engine: self.lab_engine.clone(),
            start_deadline: self.start_deadline,
            for_one_run: self.lab == LabUse::ForOneRun,
            ..LabOptions::new(state.path())
        }
    }
}

/// The engine that a command uses.
#[derive(Debug)]
pub struct Site {
    /// A manager of the swarm.
    pub manager: Engine,
    /// Every engine of the swarm that can be reached, the manager first.
    pub engines: Vec<Engine>,
    /// Whose engine it is.
    pub kind: EngineKind,
    /// What the manager reports about itself.
    pub info: EngineInfo,
    /// What its kernel supports.
    pub kernel: Kernel,
    /// The host at which published ports can be reached.
    pub published_host: String,
    /// The id of the state folder: the mark of everything that is created.
    pub owner: String,
    /// The engine that the docker CLI uses, beside a private one: it may have images.
    pub beside: Option<HostChoice>,
    /// The root folder of a private engine's nodes, if they do not have this machine's files.
    pub node_root: Option<PathBuf>,
    /// Whether the command removes everything at its end.
    pub for_one_run: bool,
    /// Whether the lab exists for this run only, and is removed at its end.
    pub lab_for_one_run: bool,
    /// Whether this command created the swarm.
    pub made_swarm: bool,
    /// One sentence that says which engine it is and why.
    pub reason: String,
    /// The simulated engine of this process, which ends with it.
    _simulation: Option<Simulation>,
}

impl Site {
    /// Chooses and opens the engine.
    ///
    /// # Errors
    /// When there is no usable engine. The message says what to do.
    pub async fn open(
        options: &OpenOptions,
        state: &StateFolder,
        tell: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Self> {
        match options.choice {
            EngineChoice::Lab => Self::lab(options, state, "chosen with --engine lab", tell).await,
            EngineChoice::Simulated => Self::simulated(options, state).await,
            EngineChoice::Host => {
                let choice = host_choice(options)?;
                let engine = Engine::connect(choice.host.clone()).await?;
                Self::host(engine, &choice, options, state).await
            }
            EngineChoice::Auto => Self::auto(options, state, tell).await,
        }
    }

    async fn auto(
        options: &OpenOptions,
        state: &StateFolder,
        tell: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Self> {
        let choice = host_choice(options)?;
        // With the variables from `rollproof lab env`, the host is this folder's lab. Its ports are
        // open on the lab's own address.
        if is_own_lab(&choice.host, state).await? {
            return Self::lab(options, state, &choice.source, tell).await;
        }
        // An engine that the user chose is used or refused, never silently replaced.
        if choice.explicit {
            let engine = Engine::connect(choice.host.clone()).await?;
            return Self::host(engine, &choice, options, state).await;
        }
        let why_not = match Engine::connect(choice.host.clone()).await {
            Ok(engine) => match engine.info().await?.role {
                SwarmRole::Manager => return Self::host(engine, &choice, options, state).await,
                SwarmRole::None if options.init_swarm => {
                    return Self::host(engine, &choice, options, state).await;
                }
                _ => "the engine here is not a swarm manager".to_owned(),
            },
            Err(error) => error.message().to_owned(),
        };
        Self::lab(options, state, &why_not, tell).await.map_err(|error| {
            if error.kind() == crate::ErrorKind::Environment {
                error.hint(format!("the lab is used because {why_not}"))
            } else {
                error
            }
        })
    }

    /// The simulated engine of this state folder, started if the command may do that.
    async fn simulated(options: &OpenOptions, state: &StateFolder) -> Result<Self> {
        let simulation = if options.lab == LabUse::Running {
            Simulation::find(state.path())?.ok_or_else(|| {
                Error::environment("no simulated engine is running").hint(
                    "`rollproof deploy --engine simulated` or `rollproof lab up --engine simulated` starts one",
                )
            })?
        } else {
            state.create()?;
            Simulation::up(&options.simulation_options(state))?
        };
        let host = DockerHost::Unix(simulation.socket().to_owned());
        let engine = Engine::connect(host).await?;
        let info = engine.info().await?;
        let facts = info.simulated.clone().ok_or_else(|| {
            Error::environment(format!("the engine at {} is not a simulated one", engine.host()))
        })?;
        let site = Self::of_simulation(options, state, engine, info, facts)?;
        let lab_for_one_run = simulation.is_for_one_run();
        Ok(Self { lab_for_one_run, _simulation: Some(simulation), ..site })
    }

    fn of_simulation(
        options: &OpenOptions,
        state: &StateFolder,
        engine: Engine,
        info: EngineInfo,
        facts: Simulated,
    ) -> Result<Self> {
        let faster = match facts.speed {
            speed if (speed - 1.0).abs() < f64::EPSILON => String::new(),
            speed => format!(", {speed} times faster than real"),
        };
        Ok(Self {
            reason: format!("simulated engine{faster}: what it shows is no proof"),
            engines: vec![engine.clone()],
            manager: engine,
            kind: EngineKind::Simulated,
            info,
            kernel: Kernel { ipvs: true },
            published_host: facts.address,
            owner: state.id()?,
            beside: None,
            node_root: None,
            for_one_run: options.lab == LabUse::ForOneRun,
            lab_for_one_run: false,
            made_swarm: false,
            _simulation: None,
        })
    }

    /// How much faster than real the swarm's time passes.
    #[must_use]
    pub fn speed(&self) -> f64 {
        self.info.simulated.as_ref().map_or(1.0, |simulated| simulated.speed)
    }

    async fn host(
        engine: Engine,
        choice: &HostChoice,
        options: &OpenOptions,
        state: &StateFolder,
    ) -> Result<Self> {
        let mut info = engine.info().await?;
        if let Some(facts) = info.simulated.clone() {
            return Self::of_simulation(options, state, engine, info, facts);
        }
        let mut made_swarm = false;
        match info.role {
            SwarmRole::Manager => {}
            SwarmRole::None if options.init_swarm => {
                let mut ledger = Ledger::read(state)?;
                ledger.swarms.push(engine.host().to_string());
                ledger.write()?;
                engine.init_swarm("127.0.0.1").await?;
                made_swarm = true;
                info = engine.info().await?;
            }
            SwarmRole::None => return Err(not_a_manager(&engine, "is not part of a swarm").hint("run `docker swarm init`, or use --init-swarm to do that for this run only, or --engine lab to use a private engine")),
            SwarmRole::Worker => return Err(not_a_manager(&engine, "is a worker, or its swarm has no leader").hint("choose a manager with --host or DOCKER_HOST, or use --engine lab to use a private engine")),
            SwarmRole::Unusable => {
                let state = format!("is not usable: its swarm is {}", info.swarm_state);
                return Err(not_a_manager(&engine, &state).hint("see `docker info`; to unlock a locked swarm, run `docker swarm unlock`"));
            }
        }
        let published_host = published_host(engine.host());
        // Nothing is known about a remote kernel, but few lack IPVS.
        let ipvs = !engine.host().is_local() || kernel_has_ipvs();
        let reason = format!("engine {} at {} ({})", info.version, engine.host(), choice.source);
        Ok(Self {
            engines: vec![engine.clone()],
            manager: engine,
            kind: EngineKind::Host,
            info,
            kernel: Kernel { ipvs },
            published_host,
            owner: state.id()?,
            beside: None,
            node_root: None,
            for_one_run: options.lab == LabUse::ForOneRun,
            lab_for_one_run: false,
            made_swarm,
            reason,
            _simulation: None,
        })
    }

    async fn lab(
        options: &OpenOptions,
        state: &StateFolder,
        why: &str,
        tell: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Self> {
        let for_one_run = options.lab == LabUse::ForOneRun;
        let lab = if options.lab == LabUse::Running {
            Lab::find(state.path()).await?.ok_or_else(|| {
                Error::environment(format!("no lab is running ({why})"))
                    .hint("`rollproof deploy` or `rollproof lab up` starts one")
            })?
        } else {
            state.create()?;
            Lab::up(&options.lab_options(state), tell).await?
        };
        let lab_for_one_run = for_one_run && lab.is_for_one_run();
        let mut engines = Vec::new();
        for node in lab.nodes() {
            engines.push(Engine::connect(DockerHost::Unix(node.socket.clone())).await?);
        }
        let manager =
            engines.first().cloned().ok_or_else(|| Error::environment("the lab has no node"))?;
        let info = manager.info().await?;
        let published_host =
            lab.nodes().first().map(|node| node.address.to_string()).unwrap_or_default();
        let reason = format!("private engine {} ({why})", info.version);
        // A context that cannot be read matters to those who need its engine.
        let beside = host_choice(options)
            .ok()
            .filter(|choice| engines.iter().all(|engine| *engine.host() != choice.host));
        Ok(Self {
            manager,
            engines,
            kind: EngineKind::Lab,
            info,
            kernel: Kernel { ipvs: kernel_has_ipvs() },
            published_host,
            owner: state.id()?,
            beside,
            node_root: lab.root().map(Path::to_path_buf),
            for_one_run,
            lab_for_one_run,
            made_swarm: false,
            reason,
            _simulation: None,
        })
    }

    /// The engine's facts for the record, including the offset of its clock from ours.
    ///
    /// # Errors
    /// When the engine does not respond.
    pub async fn facts(&self, clock: &Clock) -> Result<EngineFacts> {
        let sent = clock.now();
        let info = self.manager.info().await?;
        let received = clock.now();
        let middle = Offset::from_nanos(i64::midpoint(sent.as_nanos(), received.as_nanos()));
        let offset = info.time.map_or(Offset::ZERO, |time| clock.at_wall(time) - middle);
        // Half the round trip is the error bound: a smaller offset counts as none.
        let error = Offset::from_nanos((received - sent).as_nanos() / 2);
        let clock_offset = if offset.abs() <= error { Offset::ZERO } else { offset };
        Ok(EngineFacts {
            version: info.version,
            api: info.api,
            kernel: info.kernel,
            ipvs: self.kernel.ipvs,
            nodes: info.nodes,
            kind: self.kind.to_string(),
            speed: info.simulated.map(|simulated| simulated.speed),
            clock_offset,
        })
    }

    /// The engine's address, as in the ledger.
    #[must_use]
    pub fn address(&self) -> String {
        self.manager.host().to_string()
    }
}

/// The host under which an engine's published ports are reached. A lab, also that of another state
/// folder, publishes them at its own address, although its socket is on this machine.
fn published_host(host: &DockerHost) -> String {
    let node = match host {
        DockerHost::Unix(socket) => LabNode::at_socket(socket),
        _ => None,
    };
    node.map_or_else(|| host.published_host().to_owned(), |node| node.address.to_string())
}

pub(super) fn host_choice(options: &OpenOptions) -> Result<HostChoice> {
    resolve_host(options.host.as_deref(), &|key| std::env::var(key).ok())
}

/// Whether an address is that of the first node of this folder's lab, and the node is a manager.
async fn is_own_lab(host: &DockerHost, state: &StateFolder) -> Result<bool> {
    let DockerHost::Unix(socket) = host else { return Ok(false) };
    let lab = Lab::find(state.path()).await?;
    let first = lab.as_ref().and_then(|lab| lab.nodes().first());
    if first.is_none_or(|node| node.socket != *socket) {
        return Ok(false);
    }
    let engine = Engine::connect(host.clone()).await?;
    Ok(engine.info().await?.role == SwarmRole::Manager)
}

fn not_a_manager(engine: &Engine, state: &str) -> Error {
    Error::environment(format!("the engine at {} {state}", engine.host()))
}

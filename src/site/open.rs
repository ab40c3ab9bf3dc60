//! Choosing and opening the engine.

use std::time::Duration;

use super::{EngineChoice, EngineKind, LabUse, Ledger, StateFolder, kernel_has_ipvs};
use crate::Clock;
use crate::Offset;
use crate::deploy::Kernel;
use crate::engine::{DockerHost, Engine, EngineInfo, HostChoice, SwarmRole, resolve_host};
use crate::error::{Error, Result};
use crate::lab::{Lab, LabNode, LabOptions};
use crate::record::EngineFacts;

/// How to choose the engine.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// Which engine.
    pub choice: EngineChoice,
    /// `--host`.
    pub host: Option<String>,
    /// Whether an engine outside a swarm may be put into one.
    pub init_swarm: bool,
    /// What to do with the lab.
    pub lab: LabUse,
    /// Nodes of a lab that has to be started.
    pub nodes: u8,
    /// How long a lab may take to start.
    pub start_deadline: Duration,
}

/// The engine a command works with.
#[derive(Debug)]
pub struct Site {
    /// A manager.
    pub manager: Engine,
    /// Every engine of the swarm that can be reached, the manager first.
    pub engines: Vec<Engine>,
    /// Whose engine it is.
    pub kind: EngineKind,
    /// What the manager says of itself.
    pub info: EngineInfo,
    /// What its kernel can do.
    pub kernel: Kernel,
    /// The host under which published ports are reached.
    pub published_host: String,
    /// Whether the lab is there for this run alone, which then removes it.
    pub lab_for_one_run: bool,
    /// Whether this command made the swarm.
    pub made_swarm: bool,
    /// One sentence on which engine it is and why.
    pub reason: String,
}

impl Site {
    /// Chooses and opens the engine.
    ///
    /// # Errors
    /// When there is none that can be used; the message says what to do.
    pub async fn open(
        options: &OpenOptions,
        state: &StateFolder,
        tell: &mut (dyn FnMut(&str) + Send),
    ) -> Result<Self> {
        match options.choice {
            EngineChoice::Lab => Self::lab(options, state, "--engine lab asks for it", tell).await,
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
        // `rollproof lab env` tells a shell to use the lab: then it is the lab that is named, and
        // its ports are at its own address.
        if is_own_lab(&choice.host, state).await? {
            return Self::lab(options, state, &choice.source, tell).await;
        }
        // An engine that the user named is used or refused, never silently replaced.
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

    async fn host(
        engine: Engine,
        choice: &HostChoice,
        options: &OpenOptions,
        state: &StateFolder,
    ) -> Result<Self> {
        let mut info = engine.info().await?;
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
            SwarmRole::None => return Err(not_a_manager(&engine, "is in no swarm").hint("`docker swarm init` makes it one; --init-swarm does that for the time of the run; --engine lab uses a private one")),
            SwarmRole::Worker => return Err(not_a_manager(&engine, "is a worker of its swarm, or its swarm has no leader").hint("name a manager with --host or DOCKER_HOST, or use a private one: --engine lab")),
            SwarmRole::Unusable => {
                let state = format!("its swarm is {}", info.swarm_state);
                return Err(not_a_manager(&engine, &state).hint("`docker info` tells more; a locked swarm needs `docker swarm unlock`"));
            }
        }
        let published_host = published_host(engine.host());
        // Of a remote kernel nothing is known; one without IPVS is rare.
        let ipvs = !engine.host().is_local() || kernel_has_ipvs();
        let reason = format!("engine {} at {} ({})", info.version, engine.host(), choice.source);
        Ok(Self {
            engines: vec![engine.clone()],
            manager: engine,
            kind: EngineKind::Host,
            info,
            kernel: Kernel { ipvs },
            published_host,
            lab_for_one_run: false,
            made_swarm,
            reason,
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
                Error::environment(format!("no lab is running, and {why}"))
                    .hint("`rollproof deploy` or `rollproof lab up` starts one")
            })?
        } else {
            state.create()?;
            let lab_options = LabOptions {
                nodes: options.nodes,
                start_deadline: options.start_deadline,
                for_one_run,
                ..LabOptions::new(state.path())
            };
            Lab::up(&lab_options, tell).await?
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
        Ok(Self {
            manager,
            engines,
            kind: EngineKind::Lab,
            info,
            kernel: Kernel { ipvs: kernel_has_ipvs() },
            published_host,
            lab_for_one_run,
            made_swarm: false,
            reason,
        })
    }

    /// The engine's facts for the record; measures the engine's clock against ours.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn facts(&self, clock: &Clock) -> Result<EngineFacts> {
        let asked = clock.now();
        let info = self.manager.info().await?;
        let answered = clock.now();
        let middle = Offset::from_nanos(i64::midpoint(asked.as_nanos(), answered.as_nanos()));
        let offset = info.time.map_or(Offset::ZERO, |time| clock.at_wall(time) - middle);
        // Half the round trip is the error of the measurement: less than that is no offset.
        let error = Offset::from_nanos((answered - asked).as_nanos() / 2);
        let clock_offset = if offset.abs() <= error { Offset::ZERO } else { offset };
        Ok(EngineFacts {
            version: info.version,
            api: info.api,
            kernel: info.kernel,
            ipvs: self.kernel.ipvs,
            nodes: info.nodes,
            kind: self.kind.to_string(),
            clock_offset,
        })
    }

    /// The engine's address, as the ledger has it.
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

fn host_choice(options: &OpenOptions) -> Result<HostChoice> {
    resolve_host(options.host.as_deref(), &|key| std::env::var(key).ok())
}

/// Whether an address is that of the first node of this folder's lab, and that is a manager still.
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

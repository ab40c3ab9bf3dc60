//! Which engine a command would use, for `--dry-run`.

use std::collections::BTreeMap;

use super::open::host_choice;
use super::{EngineChoice, LabUse, OpenOptions, Site, StateFolder, kernel_has_ipvs};
use crate::deploy::Kernel;
use crate::engine::{Engine, SwarmRole};
use crate::error::Result;
use crate::image::own_health_check;
use crate::lab::Lab;
use crate::simulated::Simulation;

/// The `HEALTHCHECK`s of images, by their names.
pub type ImageChecks = BTreeMap<String, serde_json::Value>;

/// The engine that a command would use. Nothing was started or changed to find out.
#[derive(Debug)]
pub enum Foreseen {
    /// One that is there.
    Present(Box<Site>),
    /// A private one, which the command would start.
    NewLab {
        /// Why.
        why: String,
    },
    /// A simulated one, which the command would start.
    NewSimulation {
        /// How much faster than real its time passes.
        speed: f64,
    },
    /// One that is in no swarm: the command would make it the manager of a new one.
    NewSwarm {
        /// Its address.
        address: String,
    },
}

impl Foreseen {
    /// Finds out which engine a command with these options would use.
    ///
    /// # Errors
    /// As [`Site::open`]: also when a private engine could not be started.
    pub async fn look(options: &OpenOptions, state: &StateFolder) -> Result<Self> {
        // Opened like this, nothing is started and no swarm is made.
        let present = OpenOptions { lab: LabUse::Running, init_swarm: false, ..options.clone() };
        let found = async || Site::open(&present, state, &mut |_| ()).await.map(Box::new);
        if options.choice == EngineChoice::Simulated {
            let there = Simulation::find(state.path())?.is_some();
            return if there || options.lab == LabUse::Running {
                found().await.map(Self::Present)
            } else {
                Ok(Self::NewSimulation { speed: options.speed.unwrap_or(1.0) })
            };
        }
        let why = if options.choice == EngineChoice::Lab {
            "chosen with --engine lab".to_owned()
        } else {
            let host = host_choice(options)?;
            let role = match Engine::connect(host.host.clone()).await {
                Ok(engine) => engine.info().await.map(|info| info.role),
                Err(error) => Err(error),
            };
            match role {
                Ok(SwarmRole::None) if options.init_swarm => {
                    return Ok(Self::NewSwarm { address: host.host.to_string() });
                }
                Ok(SwarmRole::Manager) => return found().await.map(Self::Present),
                _ if options.choice == EngineChoice::Host || host.explicit => {
                    return found().await.map(Self::Present);
                }
                Ok(_) => "the engine here is not a swarm manager".to_owned(),
                Err(error) => error.message().to_owned(),
            }
        };
        if options.lab == LabUse::Running || Lab::find(state.path()).await?.is_some() {
            return found().await.map(Self::Present);
        }
        Lab::check(&options.lab_options(state))?;
        Ok(Self::NewLab { why })
    }

    /// The engine, if it is there already.
    #[must_use]
    pub fn site(&self) -> Option<&Site> {
        match self {
            Self::Present(site) => Some(site),
            _ => None,
        }
    }

    /// The `HEALTHCHECK` of each of these images that has one, as far as that is known now: an image
    /// that the engine lacks is not looked into, unless it is one of ours.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn health_checks<'a>(
        &self,
        images: impl IntoIterator<Item = &'a str>,
    ) -> Result<ImageChecks> {
        health_checks(self.site(), images).await
    }

    /// What its kernel supports; a private engine has this machine's.
    #[must_use]
    pub fn kernel(&self) -> Kernel {
        if matches!(self, Self::NewSimulation { .. }) {
            return Kernel { ipvs: true };
        }
        self.site().map_or_else(|| Kernel { ipvs: kernel_has_ipvs() }, |site| site.kernel)
    }

    /// How much faster than real the swarm's time passes.
    #[must_use]
    pub fn speed(&self) -> f64 {
        match self {
            Self::NewSimulation { speed } => *speed,
            _ => self.site().map_or(1.0, Site::speed),
        }
    }

    /// The host at which published ports would be reached; absent before there is one.
    #[must_use]
    pub fn published_host(&self) -> Option<&str> {
        self.site().map(|site| site.published_host.as_str())
    }
}

/// The `HEALTHCHECK` of each of these images that has one: what the engine says, and without it what is
/// known of our own.
///
/// # Errors
/// When the engine does not answer.
pub async fn health_checks<'a>(
    site: Option<&Site>,
    images: impl IntoIterator<Item = &'a str>,
) -> Result<ImageChecks> {
    let mut checks = ImageChecks::new();
    for name in images {
        let found = match site {
            Some(site) => site.manager.image(name).await?,
            None => None,
        };
        let check = match found {
            Some(found) => found.healthcheck,
            None => own_health_check(name).and_then(|check| serde_json::to_value(check).ok()),
        };
        checks.extend(check.map(|check| (name.to_owned(), check)));
    }
    Ok(checks)
}

impl std::fmt::Display for Foreseen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Present(site) => f.write_str(&site.reason),
            Self::NewLab { why } => write!(f, "a private engine, which is started for it ({why})"),
            Self::NewSimulation { .. } => {
                f.write_str("a simulated engine, which is started for it")
            }
            Self::NewSwarm { address } => {
                write!(f, "the engine at {address}, which becomes the manager of a new swarm")
            }
        }
    }
}

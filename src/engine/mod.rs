//! The Docker engine: every request goes through [`Engine`].
//!
//! Lists, images, events and the swarm itself use bollard. Services and tasks use [`RawClient`],
//! because bollard's models drop fields that the engine sends (a service's health check and its
//! previous spec). Both use the same connections, described by [`DockerHost`].

mod connection;
mod container_log;
mod containers;
mod context;
mod docker_host;
mod events;
mod health;
mod image_content;
mod image_copy;
mod images;
mod masking;
mod raw_client;
mod registry_auth;
mod services;
mod stacks;
mod swarm;
mod tasks;

use std::time::Duration;

use bollard::Docker;

pub use container_log::PrintedLine;
pub use containers::{ContainerState, LogPiece};
pub use context::{HostChoice, resolve_host};
pub use docker_host::{DockerHost, published_url};
pub use events::EngineEvent;
pub use health::{CheckResult, HealthLog};
pub use images::{Distribution, ImageView};
pub use registry_auth::RegistryAuth;
pub use services::{ServiceView, UpdateStatusView};
pub use stacks::{Leftover, StackObject, StackObjectKind};
pub use swarm::{EngineInfo, NodeView, Simulated, SwarmRole};
pub use tasks::TaskView;

pub use crate::stack::{STACK_IMAGE_LABEL, STACK_LABEL};

use crate::error::{Error, Result};
use raw_client::RawClient;

/// The label of everything that rollproof deploys. Its value is the run's id.
pub const RUN_LABEL: &str = "rollproof.run";

/// The label of everything that rollproof deploys. Its value is the id of the state folder that
/// owns it.
pub const OWNER_LABEL: &str = "rollproof.owner";

/// Docker's label for the service that a container belongs to. Its value is the service's name.
pub const CONTAINER_SERVICE_LABEL: &str = "com.docker.swarm.service.name";

/// Docker's label for the task that a container belongs to. Its value is the task's id.
pub const CONTAINER_TASK_LABEL: &str = "com.docker.swarm.task.id";

/// Time limit of an ordinary request.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Time limit of the first ping.
const PING_WITHIN: Duration = Duration::from_secs(10);

/// A connection to one Docker engine. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Engine {
    host: DockerHost,
    docker: Docker,
    raw: RawClient,
}

impl Engine {
    /// Connects to an engine and checks that it answers.
    ///
    /// # Errors
    /// When nothing answers there, with a hint.
    pub async fn connect(host: DockerHost) -> Result<Self> {
        let docker = connection::bollard(&host)?;
        let engine = Self { raw: RawClient::new(host.clone()), docker, host };
        match tokio::time::timeout(PING_WITHIN, engine.raw.get_text("/_ping")).await {
            Ok(Ok(_)) => Ok(engine),
            Ok(Err(error)) => Err(engine.unreachable().caused_by(error)),
            Err(_) => Err(engine
                .unreachable()
                .caused_by(format!("no answer to a ping within {} s", PING_WITHIN.as_secs()))),
        }
    }

    /// Where the engine listens.
    #[must_use]
    pub fn host(&self) -> &DockerHost {
        &self.host
    }

    fn unreachable(&self) -> Error {
        Error::environment(format!("no Docker engine answers at {}", self.host))
            .hint("start it, choose another engine with --host, DOCKER_HOST or DOCKER_CONTEXT, or use a private engine with --engine lab")
    }
}

//! The Docker engine: everything that is asked of it goes through [`Engine`].
//!
//! Lists, images, events and the swarm itself are asked through bollard; services and tasks
//! through [`RawClient`], because bollard's models lose fields on the way back (a service's
//! health check and its previous spec). Both use the same connections, made by [`DockerHost`].

mod api_error;
mod connection;
mod containers;
mod context;
mod docker_host;
mod engine_info;
mod events;
mod images;
mod leftovers;
mod raw_client;
mod registry_auth;
mod service_view;
mod services;
mod ssh;
mod stack_objects;
mod swarm;
mod task_view;
mod tls;

use std::time::Duration;

use bollard::Docker;

pub use containers::{ContainerState, LogPiece};
pub use context::{HostChoice, resolve_host};
pub use docker_host::{DockerHost, published_url};
pub use engine_info::{EngineInfo, SwarmRole};
pub use events::EngineEvent;
pub use images::{Distribution, ImageView};
pub use leftovers::Leftover;
pub use registry_auth::RegistryAuth;
pub use service_view::{ServiceView, UpdateStatusView};
pub use stack_objects::{StackObject, StackObjectKind};
pub use swarm::{JoinTokens, NodeView};
pub use task_view::TaskView;

use crate::error::{Error, Result};
use raw_client::RawClient;

/// The label that marks everything this program creates; its value is the run's id.
pub const RUN_LABEL: &str = "rollproof.run";

/// The label that Docker gives everything of a stack.
pub const STACK_LABEL: &str = "com.docker.stack.namespace";

/// How long an engine may take to answer an ordinary request.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// How long an engine may take to answer the first ping.
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
            .hint("start it, name another with --host, DOCKER_HOST or DOCKER_CONTEXT, or use a private one: --engine lab")
    }
}

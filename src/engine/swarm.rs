//! The swarm an engine is in.

use bollard::models::{SwarmInitRequest, SwarmJoinRequest};
use bollard::query_parameters::LeaveSwarmOptions;

use super::Engine;
use super::api_error::ApiError;
use super::services::items;
use crate::error::Result;

/// The secrets that let an engine join a swarm. Not to be shown.
#[derive(Clone)]
pub struct JoinTokens {
    /// For a manager.
    pub manager: String,
    /// For a worker.
    pub worker: String,
}

/// A node of a swarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeView {
    /// Its id.
    pub id: String,
    /// Its host name.
    pub hostname: String,
    /// Its address in the swarm.
    pub address: String,
    /// `ready`, `down`, …
    pub state: String,
    /// `active`, `pause` or `drain`.
    pub availability: String,
}

impl Engine {
    /// Makes the engine the first manager of a new swarm that is reached at `address`.
    ///
    /// # Errors
    /// When the engine refuses, for instance because it is in a swarm already.
    pub async fn init_swarm(&self, address: &str) -> Result<()> {
        let request = SwarmInitRequest {
            advertise_addr: Some(address.to_owned()),
            listen_addr: Some(format!("{address}:2377")),
            ..SwarmInitRequest::default()
        };
        let done = self.docker.init_swarm(request).await.map_err(ApiError::from);
        done.map(drop).map_err(|error| error.into_error("cannot form a swarm"))
    }

    /// Joins the swarm of the manager at `manager`, being reached at `address`.
    ///
    /// # Errors
    /// When the engine refuses or the manager does not answer.
    pub async fn join_swarm(&self, manager: &str, address: &str, token: &str) -> Result<()> {
        let request = SwarmJoinRequest {
            remote_addrs: Some(vec![format!("{manager}:2377")]),
            join_token: Some(token.to_owned()),
            advertise_addr: Some(address.to_owned()),
            listen_addr: Some(format!("{address}:2377")),
            ..SwarmJoinRequest::default()
        };
        let done = self.docker.join_swarm(request).await.map_err(ApiError::from);
        done.map_err(|error| error.into_error("cannot join the swarm"))
    }

    /// The tokens with which other engines join this manager's swarm.
    ///
    /// # Errors
    /// When the engine is no manager.
    pub async fn join_tokens(&self) -> Result<JoinTokens> {
        let failed = |error: ApiError| error.into_error("cannot read the swarm's join tokens");
        let swarm = self.docker.inspect_swarm().await.map_err(ApiError::from).map_err(failed)?;
        let tokens = swarm.join_tokens.unwrap_or_default();
        Ok(JoinTokens {
            manager: tokens.manager.unwrap_or_default(),
            worker: tokens.worker.unwrap_or_default(),
        })
    }

    /// Leaves the swarm; the last manager takes the swarm with it.
    ///
    /// # Errors
    /// When the engine refuses.
    pub async fn leave_swarm(&self) -> Result<()> {
        let left = self.docker.leave_swarm(Some(LeaveSwarmOptions { force: true })).await;
        left.map_err(|error| ApiError::from(error).into_error("cannot leave the swarm"))
    }

    /// The nodes of the swarm.
    ///
    /// # Errors
    /// When the engine is no manager.
    pub async fn nodes(&self) -> Result<Vec<NodeView>> {
        let failed = |error: ApiError| error.into_error("cannot list the nodes");
        let list = self.raw.get("/nodes").await.map_err(failed)?;
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let node = |node: &serde_json::Value| NodeView {
            id: text(&node["ID"]),
            hostname: text(&node["Description"]["Hostname"]),
            address: text(&node["Status"]["Addr"]),
            state: text(&node["Status"]["State"]),
            availability: text(&node["Spec"]["Availability"]),
        };
        Ok(items(&list).map(node).collect())
    }
}

//! An engine's versions, and the swarm that it belongs to.

use std::collections::BTreeMap;

use bollard::models::{SwarmInitRequest, SwarmJoinRequest};
use bollard::query_parameters::LeaveSwarmOptions;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Engine;
use super::raw_client::ApiError;
use super::services::items;
use crate::error::Result;

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
    /// The manager's message on the state, such as `heartbeat failure`.
    pub message: String,
    /// Whether it is a manager.
    pub manager: bool,
    /// For a manager: `reachable` or `unreachable`, else empty.
    pub reachability: String,
    /// When the swarm last changed anything about it.
    pub updated_at: Option<Timestamp>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// An engine's place in a swarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwarmRole {
    /// Not in a swarm.
    None,
    /// A worker, or a manager that cannot reach the other managers.
    Worker,
    /// A manager that accepts requests.
    Manager,
    /// In a swarm that is locked, pending or in an error state.
    Unusable,
}

/// What an engine reports about itself.
#[derive(Debug, Clone)]
pub struct EngineInfo {
    /// Engine version, such as `20.10.24`.
    pub version: String,
    /// Newest API version, such as `1.41`.
    pub api: String,
    /// Kernel release.
    pub kernel: String,
    /// Its place in a swarm.
    pub role: SwarmRole,
    /// The state of its swarm, such as `active` or `locked`.
    pub swarm_state: String,
    /// This node's id in the swarm, empty outside a swarm.
    pub node_id: String,
    /// Nodes in the swarm; 0 outside a swarm or on a worker.
    pub nodes: u64,
    /// Whether containers survive the daemon (live-restore), which does not work with a swarm.
    pub live_restore: bool,
    /// Storage driver, such as `overlay2`.
    pub storage: String,
    /// Whether images are in containerd's store, where a copy keeps the digest of its manifest.
    pub keeps_digests: bool,
    /// The engine's time when it answered.
    pub time: Option<Timestamp>,
    /// What an engine that only plays one says about itself; absent for a real one.
    pub simulated: Option<Simulated>,
}

/// What a simulated engine says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulated {
    /// How much faster than real its time passes.
    pub speed: f64,
    /// The address at which published ports are open.
    pub address: String,
}

impl Simulated {
    /// The label of a simulated engine with its speed, which tells that it is one.
    pub const SPEED_LABEL: &str = "rollproof.simulated.speed";
    /// The label with the address at which published ports are open.
    pub const ADDRESS_LABEL: &str = "rollproof.simulated.address";

    fn of(info: &Value) -> Option<Self> {
        let label = |key: &str| {
            let labels = items(&info["Labels"]).filter_map(|label| label.as_str()?.split_once('='));
            labels.into_iter().find(|(name, _)| *name == key).map(|(_, value)| value.to_owned())
        };
        let speed = label(Self::SPEED_LABEL)?.parse().ok()?;
        Some(Self { speed, address: label(Self::ADDRESS_LABEL).unwrap_or_default() })
    }
}

impl Engine {
    /// The engine's versions, resources and place in a swarm.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn info(&self) -> Result<EngineInfo> {
        let failed =
            |error: ApiError| error.into_error("cannot read the engine's version and state");
        let info = self.raw.get("/info").await.map_err(failed)?;
        let version = self.raw.get("/version").await.map_err(failed)?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let swarm = &info["Swarm"];
        let role = match swarm["LocalNodeState"].as_str().unwrap_or_default() {
            "" | "inactive" => SwarmRole::None,
            "active" if swarm["ControlAvailable"].as_bool().unwrap_or(false) => SwarmRole::Manager,
            "active" => SwarmRole::Worker,
            _ => SwarmRole::Unusable,
        };
        Ok(EngineInfo {
            version: text(&version["Version"]),
            api: text(&version["ApiVersion"]),
            kernel: text(&info["KernelVersion"]),
            role,
            swarm_state: text(&swarm["LocalNodeState"]),
            node_id: text(&swarm["NodeID"]),
            nodes: swarm["Nodes"].as_u64().unwrap_or(0),
            live_restore: info["LiveRestoreEnabled"].as_bool().unwrap_or(false),
            storage: text(&info["Driver"]),
            keeps_digests: items(&info["DriverStatus"]).any(|pair| {
                pair[1].as_str().is_some_and(|kind| kind.starts_with("io.containerd."))
            }),
            time: info["SystemTime"].as_str().and_then(|time| time.parse().ok()),
            simulated: Simulated::of(&info),
        })
    }

    /// Makes the engine the first manager of a new swarm, reachable at `address`.
    ///
    /// # Errors
    /// When the engine refuses, for example because it is already in a swarm.
    pub async fn init_swarm(&self, address: &str) -> Result<()> {
        let request = SwarmInitRequest {
            advertise_addr: Some(address.to_owned()),
            listen_addr: Some(format!("{address}:2377")),
            ..SwarmInitRequest::default()
        };
        let done = self.docker.init_swarm(request).await.map_err(ApiError::from);
        done.map(drop).map_err(|error| error.into_error("cannot create a swarm"))
    }

    /// Joins the swarm of the manager at `manager`. `address` is where this engine is reachable.
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

    /// The token that lets other engines join this manager's swarm as workers. It is secret.
    ///
    /// # Errors
    /// When the engine is not a manager.
    pub async fn worker_token(&self) -> Result<String> {
        let failed = |error: ApiError| error.into_error("cannot read the swarm's join tokens");
        let swarm = self.docker.inspect_swarm().await.map_err(ApiError::from).map_err(failed)?;
        Ok(swarm.join_tokens.unwrap_or_default().worker.unwrap_or_default())
    }

    /// Leaves the swarm. When the last manager leaves, the swarm is gone.
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
    /// When the engine is not a manager.
    pub async fn nodes(&self) -> Result<Vec<NodeView>> {
        let failed = |error: ApiError| error.into_error("cannot list the nodes");
        let list = self.raw.get("/nodes").await.map_err(failed)?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let node = |node: &Value| NodeView {
            id: text(&node["ID"]),
            hostname: text(&node["Description"]["Hostname"]),
            address: text(&node["Status"]["Addr"]),
            state: text(&node["Status"]["State"]),
            availability: text(&node["Spec"]["Availability"]),
            message: text(&node["Status"]["Message"]),
            manager: node["Spec"]["Role"] == "manager",
            reachability: text(&node["ManagerStatus"]["Reachability"]),
            updated_at: node["UpdatedAt"].as_str().and_then(|time| time.parse().ok()),
            labels: serde_json::from_value(node["Spec"]["Labels"].clone()).unwrap_or_default(),
        };
        Ok(items(&list).map(node).collect())
    }

    /// Whether a network is cut off from outside (`internal: true`).
    ///
    /// # Errors
    /// When the engine does not answer or does not know it.
    pub async fn is_internal(&self, network: &str) -> Result<bool> {
        let failed =
            |error: ApiError| error.into_error(format!("cannot inspect network {network}"));
        let found = self.raw.get(&format!("/networks/{network}")).await.map_err(failed)?;
        Ok(found["Internal"] == true)
    }

    /// The drivers of volumes that the engine has.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn volume_drivers(&self) -> Result<Vec<String>> {
        let failed = |error: ApiError| error.into_error("cannot list the engine's plugins");
        let info = self.raw.get("/info").await.map_err(failed)?;
        Ok(serde_json::from_value(info["Plugins"]["Volume"].clone()).unwrap_or_default())
    }

    /// Adds labels to a node.
    ///
    /// # Errors
    /// When the engine does not answer or refuses.
    pub async fn label_node(&self, id: &str, labels: &BTreeMap<String, String>) -> Result<()> {
        let failed = |error: ApiError| error.into_error(format!("cannot label node {id}"));
        let node = self.raw.get(&format!("/nodes/{id}")).await.map_err(failed)?;
        let mut spec = node["Spec"].clone();
        if !spec["Labels"].is_object() {
            spec["Labels"] = json!({});
        }
        for (key, value) in labels {
            spec["Labels"][key] = json!(value);
        }
        let version = node["Version"]["Index"].as_u64().unwrap_or_default();
        let path = format!("/nodes/{id}/update?version={version}");
        self.raw.post(&path, &spec, &[]).await.map(drop).map_err(failed)
    }
}

//! What an engine says of itself.

use jiff::Timestamp;

use super::Engine;
use super::api_error::ApiError;
use crate::error::Result;

/// An engine's place in a swarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwarmRole {
    /// In no swarm.
    None,
    /// A worker, or a manager that cannot reach the others.
    Worker,
    /// A manager that can be asked.
    Manager,
    /// In a swarm that is locked, pending or in error.
    Unusable,
}

/// What an engine says of itself.
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
    /// The swarm's own word on its state, such as `active` or `locked`.
    pub swarm_state: String,
    /// This node's id in the swarm, empty outside one.
    pub node_id: String,
    /// This node's address in the swarm, empty outside one.
    pub node_address: String,
    /// Nodes in the swarm; 0 outside one or on a worker.
    pub nodes: u64,
    /// Whether containers outlive the daemon; such an engine cannot be in a swarm.
    pub live_restore: bool,
    /// Storage driver, such as `overlay2`.
    pub storage: String,
    /// Memory in bytes.
    pub memory: u64,
    /// The engine's clock when it answered.
    pub time: Option<Timestamp>,
}

impl Engine {
    /// Asks the engine for its versions and its place in a swarm.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn info(&self) -> Result<EngineInfo> {
        let failed = |error: ApiError| error.into_error("cannot ask the engine what it is");
        let info = self.raw.get("/info").await.map_err(failed)?;
        let version = self.raw.get("/version").await.map_err(failed)?;
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
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
            node_address: text(&swarm["NodeAddr"]),
            nodes: swarm["Nodes"].as_u64().unwrap_or(0),
            live_restore: info["LiveRestoreEnabled"].as_bool().unwrap_or(false),
            storage: text(&info["Driver"]),
            memory: info["MemTotal"].as_u64().unwrap_or(0),
            time: info["SystemTime"].as_str().and_then(|time| time.parse().ok()),
        })
    }
}

//! What a lab is doing.

use std::net::IpAddr;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

/// What a lab is doing.
#[derive(Debug, Clone, Serialize)]
pub struct LabStatus {
    /// The lab's id, which is part of all its names.
    pub id: String,
    /// The state folder that it belongs to.
    pub state: PathBuf,
    /// When it came up.
    pub since: Timestamp,
    /// Its network.
    pub subnet: String,
    /// The host's address in that network.
    pub host_address: IpAddr,
    /// What `DOCKER_HOST` has to be for the docker CLI to talk to it.
    pub docker_host: String,
    /// Its nodes; the first is the manager.
    pub nodes: Vec<NodeStatus>,
}

/// What a node of a lab is doing.
#[derive(Debug, Clone, Serialize)]
pub struct NodeStatus {
    /// `n1`, `n2`, …
    pub name: String,
    /// Its address; host-mode published ports answer there.
    pub address: IpAddr,
    /// The engine's socket.
    pub socket: PathBuf,
    /// The network namespace.
    pub namespace: PathBuf,
    /// The engine's process, if it was found.
    pub pid: Option<i32>,
    /// The engine's version.
    pub engine_version: String,
    /// The engine's storage driver.
    pub storage_driver: String,
    /// What images, containers and volumes take on disk, in bytes.
    pub disk_bytes: u64,
    /// The engine's log.
    pub log: PathBuf,
}

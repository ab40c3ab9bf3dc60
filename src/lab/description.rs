//! What a lab is: its options, its nodes, its record, and reports about it.

use std::io::{ErrorKind, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::engine_source::EngineSource;
use super::names::LabNames;
use super::network::Ipv4Net;
use crate::engine::DockerHost;
use crate::error::{Error, Result};

/// How to make a lab.
#[derive(Debug, Clone)]
pub struct LabOptions {
    /// The state folder (`.rollproof`) that the lab belongs to.
    pub state: PathBuf,
    /// Number of nodes, 1 to 7.
    pub nodes: u8,
    /// Where the engines' programs come from.
    pub engine: EngineSource,
    /// Time limit for the whole start.
    pub start_deadline: Duration,
    /// Whether the lab is for one run, which removes it afterwards. A running lab becomes
    /// permanent once it is requested without this.
    pub for_one_run: bool,
}

impl LabOptions {
    /// The largest number of nodes.
    pub const MOST_NODES: u8 = 7;

    /// One node, the system's `dockerd`, a minute to start.
    #[must_use]
    pub fn new(state: impl Into<PathBuf>) -> Self {
        Self {
            state: state.into(),
            nodes: 1,
            engine: EngineSource::System,
            start_deadline: Duration::from_secs(60),
            for_one_run: false,
        }
    }
}

/// One node of a lab: one engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabNode {
    /// `n1`, `n2`, …; the first is the manager.
    pub name: String,
    /// Its address, where ports published in host mode answer, also from the host.
    pub address: IpAddr,
    /// The engine's socket.
    pub socket: PathBuf,
    /// The network namespace: `nsenter --net=<file>` enters it.
    pub namespace: PathBuf,
}

impl LabNode {
    pub(super) fn new(names: &LabNames, name: String, address: Ipv4Addr) -> Self {
        Self {
            address: address.into(),
            socket: names.node_socket(&name),
            namespace: names.node_namespace(&name),
            name,
        }
    }

    /// The node whose engine listens on this socket, of any state folder's lab; absent if the
    /// socket is not a lab's.
    #[must_use]
    pub fn at_socket(socket: &Path) -> Option<Self> {
        let socket = socket.canonicalize().ok()?;
        let record = LabRecord::read_file(&socket.with_file_name("lab.json")).ok()??;
        let names = LabNames::of(&record.state).ok()?;
        record
            .nodes
            .into_iter()
            .map(|(name, address)| Self::new(&names, name, address))
            .find(|node| node.socket == socket)
    }

    /// Where the node's engine listens.
    #[must_use]
    pub fn host(&self) -> DockerHost {
        DockerHost::Unix(self.socket.clone())
    }
}

/// The file that describes a running lab. It is written last: a lab without it is incomplete.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LabRecord {
    /// The state folder that the lab belongs to.
    pub state: PathBuf,
    /// When the start was complete.
    pub since: Timestamp,
    /// The lab's network.
    pub subnet: Ipv4Net,
    /// Node names and addresses.
    pub nodes: Vec<(String, Ipv4Addr)>,
    /// The root folder of the engines, if they have one of their own.
    #[serde(default)]
    pub root: Option<PathBuf>,
    /// Whether the lab is for one run. If that run is killed, the next one takes it over.
    #[serde(default)]
    pub for_one_run: bool,
}

impl LabRecord {
    /// Reads the record; `None` if it is missing or not valid.
    pub(super) fn read(names: &LabNames) -> Result<Option<Self>> {
        Self::read_file(&names.record())
    }

    /// Reads a record at any path.
    pub(super) fn read_file(path: &Path) -> Result<Option<Self>> {
        match std::fs::read(path) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => {
                Err(Error::environment(format!("cannot read {}", path.display())).caused_by(error))
            }
        }
    }

    /// Writes the record atomically.
    pub(super) fn write(&self, names: &LabNames) -> Result<()> {
        let path = names.record();
        let write = || -> std::io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(names.runtime())?;
            serde_json::to_writer(&mut file, self)?;
            file.flush()?;
            file.persist(&path)?;
            Ok(())
        };
        write().map_err(|error| {
            Error::environment(format!("cannot write {}", path.display())).caused_by(error)
        })
    }
}

/// The state of a lab.
#[derive(Debug, Clone, Serialize)]
pub struct LabStatus {
    /// The lab's id, which is part of all names that the lab uses.
    pub id: String,
    /// The state folder that it belongs to.
    pub state: PathBuf,
    /// When the start was complete.
    pub since: Timestamp,
    /// The root folder of the engines, if they have one of their own.
    pub root: Option<PathBuf>,
    /// Its network, as `address/prefix`.
    pub subnet: String,
    /// The host's address in that network.
    pub host_address: IpAddr,
    /// The value of `DOCKER_HOST` that points the docker CLI at it.
    pub docker_host: String,
    /// Its nodes; the first is the manager.
    pub nodes: Vec<NodeStatus>,
}

/// The state of one node of a lab.
#[derive(Debug, Clone, Serialize)]
pub struct NodeStatus {
    /// `n1`, `n2`, …
    pub name: String,
    /// Its address, where ports published in host mode answer.
    pub address: IpAddr,
    /// The engine's socket.
    pub socket: PathBuf,
    /// The network namespace.
    pub namespace: PathBuf,
    /// The engine's process id, if it was found.
    pub pid: Option<i32>,
    /// The engine's version.
    pub engine_version: String,
    /// The engine's storage driver.
    pub storage_driver: String,
    /// Disk space of images, containers and volumes, in bytes.
    pub disk_bytes: u64,
    /// The engine's log.
    pub log: PathBuf,
}

/// The result of removing a lab.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DownReport {
    /// What was removed, one line each; empty if there was no lab.
    pub removed: Vec<String>,
    /// What is still there, one line each; anything here is a failure.
    pub left: Vec<String>,
}

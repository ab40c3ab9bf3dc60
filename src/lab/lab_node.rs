//! One node of a lab.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use super::lab_names::LabNames;
use super::lab_record::LabRecord;
use crate::engine::DockerHost;

/// One node of a lab: one engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabNode {
    /// `n1`, `n2`, …; the first is the manager.
    pub name: String,
    /// Its address; host-mode published ports answer there, from the host too.
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

    /// The node whose engine listens on this socket, of any state folder's lab; none if the
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

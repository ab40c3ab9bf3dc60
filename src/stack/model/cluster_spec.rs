//! A cluster (CSI) volume; `docker stack deploy` reads it and does nothing with it.

use super::Texts;

/// A cluster (CSI) volume; `docker stack deploy` reads it and does nothing with it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ClusterSpec {
    pub(crate) group: String,
    pub(crate) access_mode: Option<AccessMode>,
    pub(crate) accessibility: Option<Topology>,
    pub(crate) capacity: Option<Capacity>,
    /// Pairs of key and secret.
    pub(crate) secrets: Vec<(String, String)>,
    pub(crate) availability: String,
}

/// How tasks use the volume.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct AccessMode {
    pub(crate) scope: String,
    pub(crate) sharing: String,
    /// File system type and mount flags.
    pub(crate) mount_volume: Option<(String, Vec<String>)>,
    pub(crate) block_volume: bool,
}

/// Where the volume must be reachable.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Topology {
    pub(crate) requisite: Vec<Texts>,
    pub(crate) preferred: Vec<Texts>,
}

/// Bytes at least and at most.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Capacity {
    pub(crate) required: i64,
    pub(crate) limit: i64,
}

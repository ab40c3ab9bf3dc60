//! A stack file after reading: the client's types. Absent and empty values are kept apart where
//! merging or sending treats them differently.

mod service;

use std::collections::BTreeMap;

pub(crate) use service::{
    Build, CredentialSpec, Deploy, FileRef, GenericResource, Healthcheck, Logging, Mount,
    Placement, Port, Resources, RestartPolicy, Service, ServiceNetwork, Share, Ulimit,
    UpdateConfig, VolumeOptions,
};

use super::diagnostic::Mark;
use super::node::Node;

/// Strings by key.
pub(crate) type Texts = BTreeMap<String, String>;
/// Strings by key; a key may have none.
pub(crate) type MaybeTexts = BTreeMap<String, Option<String>>;
/// Keys that begin with `x-`.
pub(crate) type Extras = BTreeMap<String, Node>;

/// Where something outside the stack is looked up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct External {
    /// It already exists and is not created.
    pub(crate) external: bool,
    /// Its name in the old form, `external: {name: …}`.
    pub(crate) name: String,
}

/// A whole stack file, or several merged files.
#[derive(Debug, Clone, Default)]
pub(crate) struct Config {
    /// `3.0` to `3.13`.
    pub(crate) version: String,
    pub(crate) services: BTreeMap<String, Service>,
    pub(crate) networks: BTreeMap<String, Network>,
    pub(crate) volumes: BTreeMap<String, Volume>,
    pub(crate) secrets: BTreeMap<String, FileObject>,
    pub(crate) configs: BTreeMap<String, FileObject>,
    pub(crate) extras: Extras,
}

/// A network of the stack.
#[derive(Debug, Clone, Default)]
pub(crate) struct Network {
    pub(crate) name: String,
    pub(crate) driver: String,
    pub(crate) driver_opts: Option<Texts>,
    pub(crate) ipam_driver: String,
    /// Subnets; an entry without a subnet is empty.
    pub(crate) subnets: Vec<String>,
    pub(crate) external: External,
    pub(crate) internal: bool,
    pub(crate) attachable: bool,
    pub(crate) labels: Texts,
    /// Kept by the client for external networks only.
    pub(crate) extras: Extras,
}

/// A volume of the stack.
#[derive(Debug, Clone, Default)]
pub(crate) struct Volume {
    pub(crate) name: String,
    pub(crate) driver: String,
    /// Absent and empty are sent differently.
    pub(crate) driver_opts: Option<Texts>,
    pub(crate) external: External,
    pub(crate) labels: Texts,
    /// Kept by the client for external volumes only.
    pub(crate) extras: Extras,
    pub(crate) cluster_spec: Option<ClusterSpec>,
}

/// A secret or config of the stack.
#[derive(Debug, Clone, Default)]
pub(crate) struct FileObject {
    pub(crate) name: String,
    /// Absolute path, unless it is external or has a driver.
    pub(crate) file: String,
    pub(crate) external: External,
    pub(crate) labels: Texts,
    pub(crate) driver: String,
    pub(crate) driver_opts: Option<Texts>,
    pub(crate) template_driver: String,
    pub(crate) extras: Extras,
    /// The place of its file's name.
    pub(crate) file_mark: Mark,
}

/// A cluster (CSI) volume (`x-cluster-spec`). None of it reaches the engine, but a mistake in it
/// makes the client refuse the file.
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

/// Minimum and maximum size in bytes.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Capacity {
    pub(crate) required: i64,
    pub(crate) limit: i64,
}

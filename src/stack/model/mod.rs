//! A stack file after reading: the client's types, with its difference between what is absent
//! and what is empty kept wherever merging or sending depends on it.

mod build;
mod cluster_spec;
mod config;
mod deploy;
mod file_object;
mod file_ref;
mod healthcheck;
mod logging;
mod mount;
mod network;
mod port;
mod resources;
mod service;
mod service_network;
mod ulimit;
mod volume;

use std::collections::BTreeMap;

pub(crate) use build::Build;
pub(crate) use cluster_spec::{AccessMode, Capacity, ClusterSpec, Topology};
pub(crate) use config::Config;
pub(crate) use deploy::{Deploy, Placement, RestartPolicy, UpdateConfig};
pub(crate) use file_object::FileObject;
pub(crate) use file_ref::FileRef;
pub(crate) use healthcheck::Healthcheck;
pub(crate) use logging::Logging;
pub(crate) use mount::{Mount, VolumeOptions};
pub(crate) use network::Network;
pub(crate) use port::Port;
pub(crate) use resources::{GenericResource, Resources, Share};
pub(crate) use service::{CredentialSpec, Service};
pub(crate) use service_network::ServiceNetwork;
pub(crate) use ulimit::Ulimit;
pub(crate) use volume::Volume;

use super::node::Node;

/// Texts by key.
pub(crate) type Texts = BTreeMap<String, String>;
/// Texts by key; some keys have none.
pub(crate) type MaybeTexts = BTreeMap<String, Option<String>>;
/// Keys that begin with `x-`.
pub(crate) type Extras = BTreeMap<String, Node>;

/// Where something outside the stack is looked up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct External {
    /// It exists already and is not created.
    pub(crate) external: bool,
    /// Its name, in the old form `external: {name: …}`.
    pub(crate) name: String,
}

//! A whole stack file, or several merged ones.

use std::collections::BTreeMap;

use super::{Extras, FileObject, Network, Service, Volume};

/// A whole stack file, or several merged ones.
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

//! A volume of the stack.

use super::{ClusterSpec, External, Extras, Texts};

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

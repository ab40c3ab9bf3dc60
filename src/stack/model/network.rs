//! A network of the stack.

use super::{External, Extras, Texts};

/// A network of the stack.
#[derive(Debug, Clone, Default)]
pub(crate) struct Network {
    pub(crate) name: String,
    pub(crate) driver: String,
    pub(crate) driver_opts: Option<Texts>,
    pub(crate) ipam_driver: String,
    /// Subnets; an entry without one is empty.
    pub(crate) subnets: Vec<String>,
    pub(crate) external: External,
    pub(crate) internal: bool,
    pub(crate) attachable: bool,
    pub(crate) labels: Texts,
    /// Kept by the client for external networks only.
    pub(crate) extras: Extras,
}

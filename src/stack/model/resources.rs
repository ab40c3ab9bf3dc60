//! Resources of a service.

use crate::stack::mark::Mark;

/// Limits and reservations.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Resources {
    pub(crate) limits: Option<Share>,
    pub(crate) reservations: Option<Share>,
}

/// Shares of a node.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Share {
    /// A decimal or rational number, unchecked.
    pub(crate) cpus: String,
    pub(crate) cpus_mark: Mark,
    /// Bytes.
    pub(crate) memory: i64,
    /// Of limits only.
    pub(crate) pids: i64,
    /// Of reservations only.
    pub(crate) generic_resources: Vec<GenericResource>,
}

/// A resource the user has defined on nodes: kind and amount, if given.
pub(crate) type GenericResource = Option<(String, i64)>;

//! A resource limit of the processes of a service.

/// A resource limit: one number for both, or two.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ulimit {
    pub(crate) single: i64,
    pub(crate) soft: i64,
    pub(crate) hard: i64,
}

//! A secret or config that a service uses.

use crate::stack::mark::Mark;

/// A secret or config that a service uses.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct FileRef {
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) uid: String,
    pub(crate) gid: String,
    pub(crate) mode: Option<u32>,
    pub(crate) mark: Mark,
}

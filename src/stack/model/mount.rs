//! A mount of a service.

use crate::stack::mark::Mark;

/// A mount of a service.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Mount {
    /// `volume`, `bind`, `tmpfs`, `npipe`, `image` or `cluster`; unchecked.
    pub(crate) kind: String,
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) read_only: bool,
    pub(crate) consistency: String,
    /// Bind options are there; the text may be empty.
    pub(crate) propagation: Option<String>,
    pub(crate) volume: Option<VolumeOptions>,
    /// Size in bytes of the tmpfs options.
    pub(crate) tmpfs: Option<i64>,
    pub(crate) mark: Mark,
}

/// Options of a volume mount.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct VolumeOptions {
    pub(crate) nocopy: bool,
    pub(crate) subpath: String,
}

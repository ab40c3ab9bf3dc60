//! A published port as the file gives it.

/// A published port as the file gives it; what is left out is empty or 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Port {
    pub(crate) mode: String,
    pub(crate) target: u32,
    pub(crate) published: u32,
    pub(crate) protocol: String,
}

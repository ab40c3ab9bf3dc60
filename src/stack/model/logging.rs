//! The log driver of a service.

use super::Texts;

/// The log driver of a service.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Logging {
    pub(crate) driver: String,
    /// Absent and empty behave differently when files are merged.
    pub(crate) options: Option<Texts>,
}

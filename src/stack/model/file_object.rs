//! A secret or config of the stack.

use super::{External, Extras, Texts};
use crate::stack::mark::Mark;

/// A secret or config of the stack.
#[derive(Debug, Clone, Default)]
pub(crate) struct FileObject {
    pub(crate) name: String,
    /// Absolute path, unless external or with a driver.
    pub(crate) file: String,
    pub(crate) external: External,
    pub(crate) labels: Texts,
    pub(crate) driver: String,
    pub(crate) driver_opts: Option<Texts>,
    pub(crate) template_driver: String,
    pub(crate) extras: Extras,
    /// Where its file is named.
    pub(crate) file_mark: Mark,
}

//! A program that can be packed into an image.

use std::path::PathBuf;

use super::file_tree::FileTree;
use super::library_search::LibrarySearch;
use super::shared_objects::SharedObjects;
use crate::Result;

/// Where a program was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgramOrigin {
    /// The user gave its path.
    Given,
    /// A package in the cache, downloaded now or before.
    Package,
    /// The host's `PATH`.
    Path,
}

/// A program that can be packed into an image, with all its libraries.
#[derive(Debug, Clone)]
pub struct Program {
    /// Its name, such as `caddy`.
    pub name: String,
    /// The executable.
    pub path: PathBuf,
    /// Where it was found.
    pub origin: ProgramOrigin,
    pub(super) search: LibrarySearch,
}

impl Program {
    /// Puts the program at `image_path` in an image, and its libraries where it looks for them.
    ///
    /// # Errors
    /// When a file cannot be read, a library is missing, or something else is in its place.
    pub fn pack(&self, image_path: &str, files: &mut FileTree) -> Result<()> {
        SharedObjects::of(&self.path, image_path, &self.search)?.pack(files)
    }
}

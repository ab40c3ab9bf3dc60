//! The image of the program's own services beside a stack under test.

use std::fs;
use std::path::Path;

use super::built_image::BuiltImage;
use super::image_archive::ImageArchive;
use super::library_search::LibrarySearch;
use super::shared_objects::SharedObjects;
use crate::{Error, Result};

/// The image of the program's own services beside a stack under test.
pub const COMPANION: &str = concat!("rollproof/companion:", env!("CARGO_PKG_VERSION"));

/// Where this program is in it.
pub const COMPANION_PROGRAM: &str = "/rollproof";
/// Where the application is in it.
pub const COMPANION_APP: &str = "/rollproof-app";

/// Libraries that older C libraries open by name when a name is looked up.
const LOOKUP: [&str; 2] = ["libnss_files.so.2", "libnss_dns.so.2"];

/// Makes [`COMPANION`] of this program and the application's static binary, and of nothing else,
/// so that it can be made wherever the program runs.
///
/// # Errors
/// When a file cannot be read or a library is missing.
pub fn companion_image(program: &Path, app: &Path) -> Result<BuiltImage> {
    let mut image = ImageArchive::default();
    let files = &mut image.files;
    let search = LibrarySearch::of_host();
    SharedObjects::of(program, COMPANION_PROGRAM, &search)?.pack(files)?;
    for library in LOOKUP {
        if let Some(library) = search.library(library, program)? {
            files.add_file(&library.image.to_string_lossy(), read(&library.here)?, 0o755)?;
        }
    }
    files.add_file(COMPANION_APP, read(app)?, 0o755)?;
    // The engine provides the hosts file, and `localhost` must be looked for there first.
    files.add_file("/etc/nsswitch.conf", "hosts: files dns\n", 0o644)?;
    image.config.entrypoint = vec![COMPANION_PROGRAM.to_owned()];
    image.config.stop_signal = Some("SIGTERM".to_owned());
    image.config.labels.insert("rollproof.image".to_owned(), "companion".to_owned());
    let title = "org.opencontainers.image.title".to_owned();
    image.config.labels.insert(title, "rollproof-companion".to_owned());
    image.build(COMPANION)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|cause| {
        Error::environment(format!("cannot read {}", path.display())).caused_by(cause)
    })
}

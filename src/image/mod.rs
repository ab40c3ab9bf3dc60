//! Images without a registry: archives for the engine's load endpoint, programs of the host packed
//! into them, and build contexts of a user's folder.
//!
//! Nothing here talks to an engine. The results are bytes for its load or build endpoint.

mod build_context;
mod dockerignore;
mod elf_headers;
mod file_tree;
mod image_archive;
mod library_search;
mod own_images;
mod package_cache;
mod programs;
mod server_images;
mod shared_objects;
mod stand_in;

pub use build_context::BuildContext;
pub use dockerignore::IgnoreFile;
pub use elf_headers::ElfHeaders;
pub use file_tree::FileTree;
pub use image_archive::{BuiltImage, CONTENT_LABEL, Healthcheck, ImageArchive, ImageConfig};
pub use library_search::LibrarySearch;
pub use own_images::{
    APP_V1, APP_V2, COMPANION_APP, COMPANION_PROGRAM, ITSELF, OWN_IMAGES, PROXY, companion_image,
    example_images, find_app_binary, own_health_check, program_image,
};
pub use package_cache::PackageCache;
pub use programs::{Program, ProgramOrigin, Programs};
pub use server_images::{POSTGRES, REDIS, server_image};
pub use shared_objects::{MissingLibrary, SharedObject, SharedObjects};
pub use stand_in::{StandInImage, is_stand_in};

//! Images without a registry: archives for the engine's load endpoint made by hand, programs of
//! the host packed into them, and build contexts of a user's own folder.
//!
//! Nothing here talks to an engine. What comes out are bytes for its load or build endpoint.

mod app_binary;
mod build_context;
mod built_image;
mod companion_image;
mod elf_headers;
mod example_images;
mod file_tree;
mod healthcheck;
mod ignore_file;
mod ignore_pattern;
mod image_archive;
mod image_config;
mod library_search;
mod package_cache;
mod patient_command;
mod program;
mod programs;
mod shared_objects;

pub use app_binary::find_app_binary;
pub use build_context::BuildContext;
pub use built_image::BuiltImage;
pub use companion_image::{COMPANION, COMPANION_APP, COMPANION_PROGRAM, companion_image};
pub use elf_headers::ElfHeaders;
pub use example_images::{APP_V1, APP_V2, PROXY, example_images};
pub use file_tree::FileTree;
pub use healthcheck::Healthcheck;
pub use ignore_file::IgnoreFile;
pub use image_archive::ImageArchive;
pub use image_config::ImageConfig;
pub use library_search::LibrarySearch;
pub use package_cache::PackageCache;
pub use program::{Program, ProgramOrigin};
pub use programs::Programs;
pub use shared_objects::{MissingLibrary, SharedObject, SharedObjects};

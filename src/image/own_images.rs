//! rollproof's own images: the example application, its proxy, and the companion services.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::elf_headers::ElfHeaders;
use super::file_tree::FileTree;
use super::image_archive::{BuiltImage, Healthcheck, ImageArchive};
use super::library_search::LibrarySearch;
use super::programs::{Program, Programs};
use super::shared_objects::SharedObjects;
use crate::{Error, Result};

macro_rules! own_image {
    ($name:expr) => {
        concat!("rollproof/", $name)
    };
}

/// The prefix of rollproof's own images. They are in no registry, and a registry's image of the same
/// name must not replace them.
pub const OWN_IMAGES: &str = own_image!("");

/// The label of images that rollproof builds. Its value says what the image is for.
pub(super) const IMAGE_LABEL: &str = "rollproof.image";

/// The application, first version.
pub const APP_V1: &str = own_image!("app:v1");
/// The application, second version: the same files with another `ROLLPROOF_VERSION`.
pub const APP_V2: &str = own_image!("app:v2");
/// The proxy in front of the application.
pub const PROXY: &str = own_image!("caddy:2");

/// The path of the application's binary in its image.
const APP_PATH: &str = "/rollproof-app";

/// Commands of busybox for health checks and for exploring a container.
const COMMANDS: [&str; 31] = [
    "sh", "wget", "ash", "cat", "cp", "date", "echo", "env", "false", "grep", "head", "hostname",
    "id", "kill", "ls", "mkdir", "mv", "nc", "netstat", "nslookup", "ping", "ps", "pwd", "rm",
    "sed", "sleep", "tail", "test", "touch", "true", "wc",
];

/// Builds the images of the example stacks: [`APP_V1`], [`APP_V2`] and [`PROXY`].
///
/// # Errors
/// When a program cannot be found or a file cannot be read.
pub fn example_images(programs: &Programs, app_binary: &Path) -> Result<Vec<BuiltImage>> {
    let busybox = programs.find("busybox")?;
    let caddy = programs.find("caddy")?;
    let app = app(app_binary, &busybox)?;
    let version = |version: &str| {
        let mut image = app.clone();
        image.config.env.insert("ROLLPROOF_VERSION".to_owned(), version.to_owned());
        label(&mut image, "version", version);
        image
    };
    Ok(vec![
        version("v1").build(APP_V1)?,
        version("v2").build(APP_V2)?,
        proxy(&caddy, &busybox)?.build(PROXY)?,
    ])
}

/// The health check that one of these images has, known before it is built.
#[must_use]
pub fn own_health_check(image: &str) -> Option<Healthcheck> {
    let test = || words(&["CMD", APP_PATH, "health"]);
    [APP_V1, APP_V2]
        .contains(&image)
        .then(|| Healthcheck { test: test(), ..Healthcheck::default() })
}

fn app(binary: &Path, busybox: &Program) -> Result<ImageArchive> {
    let content = read(binary)?;
    let mut image = base(busybox, None)?;
    image.files.add_file(APP_PATH, content, 0o755)?;
    image.config.entrypoint = words(&[APP_PATH]);
    image.config.exposed_ports.insert("8000/tcp".to_owned());
    // No timings: the engine uses an image's timings for those that a stack file leaves out, and
    // a stack without timings should get Docker's defaults.
    image.config.healthcheck = own_health_check(APP_V1);
    label_as(&mut image, "rollproof-app", "Names the container that answers", "app");
    Ok(image)
}

fn proxy(caddy: &Program, busybox: &Program) -> Result<ImageArchive> {
    let mut image = base(busybox, None)?;
    caddy.pack("/usr/bin/caddy", &mut image.files)?;
    let command = ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"];
    image.config.entrypoint = words(&command);
    image.config.exposed_ports.insert("80/tcp".to_owned());
    for (name, folder) in [("XDG_CONFIG_HOME", "/config"), ("XDG_DATA_HOME", "/data")] {
        image.files.add_directory(folder, 0o755)?;
        image.config.env.insert(name.to_owned(), folder.to_owned());
    }
    image.config.env.insert("HOME".to_owned(), "/data".to_owned());
    label_as(&mut image, "caddy", "Caddy as packaged by this machine's distribution", "proxy");
    Ok(image)
}

/// The common base of the images: busybox, user names, and a folder for temporary files.
/// With a `user`, its name and number are known in the image.
pub(super) fn base(busybox: &Program, user: Option<(&str, u32)>) -> Result<ImageArchive> {
    let mut image = ImageArchive::default();
    let files = &mut image.files;
    busybox.pack("/bin/busybox", files)?;
    link_commands(busybox, files)?;
    files.add_directory("/tmp", 0o1777)?;
    let (user, group) = user.map_or_else(Default::default, |(name, number)| {
        let user = format!("{name}:x:{number}:{number}:{name}:/tmp:/bin/sh\n");
        (user, format!("{name}:x:{number}:\n"))
    });
    files.add_file("/etc/passwd", format!("root:x:0:0:root:/root:/bin/sh\n{user}"), 0o644)?;
    files.add_file("/etc/group", format!("root:x:0:\n{group}"), 0o644)?;
    // The engine provides the hosts file, which must be searched first for `localhost`.
    files.add_file("/etc/nsswitch.conf", "hosts: files dns\n", 0o644)?;
    image.config.stop_signal = Some("SIGTERM".to_owned());
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    image.config.env.insert("PATH".to_owned(), path.to_owned());
    label(&mut image, "source", env!("CARGO_PKG_REPOSITORY"));
    Ok(image)
}

/// Adds a link for each command that this busybox has. The binary contains their names, separated
/// by zero bytes.
fn link_commands(busybox: &Program, files: &mut FileTree) -> Result<()> {
    let content = read(&busybox.path)?;
    let names: BTreeSet<&[u8]> = content.split(|byte| *byte == 0).collect();
    for command in COMMANDS {
        if names.contains(command.as_bytes()) {
            files.add_symlink(&format!("/bin/{command}"), "busybox")?;
        } else if matches!(command, "sh" | "wget") {
            let message = format!("{} has no {command}", busybox.path.display());
            return Err(Error::environment(message)
                .hint("the health checks of the example stacks need it: use another busybox"));
        }
    }
    Ok(())
}

pub(super) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Labels that say what the image is, and what it is for.
pub(super) fn label_as(image: &mut ImageArchive, title: &str, description: &str, purpose: &str) {
    label(image, "title", title);
    label(image, "description", description);
    image.config.labels.insert(IMAGE_LABEL.to_owned(), purpose.to_owned());
}

fn label(image: &mut ImageArchive, name: &str, value: &str) {
    image.config.labels.insert(format!("org.opencontainers.image.{name}"), value.to_owned());
}

/// The name of the image of rollproof's companion services, which run next to a stack under test.
/// Its tag is the image's content, so that two versions of rollproof do not take each other's.
const COMPANION: &str = own_image!("companion");

/// The path of rollproof in the companion image.
pub const COMPANION_PROGRAM: &str = "/rollproof";
/// The path of the application in the companion image.
pub const COMPANION_APP: &str = "/rollproof-app";

/// Libraries that older C libraries open to resolve host names.
const LOOKUP: [&str; 2] = ["libnss_files.so.2", "libnss_dns.so.2"];

/// Builds the companion image from this program and the application's static binary alone, so that it can
/// be built wherever this program runs.
///
/// # Errors
/// When a file cannot be read or a library is missing.
pub fn companion_image(program: &Path, app: &Path) -> Result<BuiltImage> {
    let image = itself(program, app, "companion")?;
    image.build_as(|content| format!("{COMPANION}:{content}"))
}

/// The image of rollproof itself, for stacks that run it as a service.
pub const ITSELF: &str = own_image!("rollproof:latest");

/// Builds [`ITSELF`] from this program and the application.
///
/// # Errors
/// When a file cannot be read or a library is missing.
pub fn program_image(program: &Path, app: &Path) -> Result<BuiltImage> {
    itself(program, app, "program")?.build(ITSELF)
}

fn itself(program: &Path, app: &Path, purpose: &str) -> Result<ImageArchive> {
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
    // The engine provides the hosts file, which must be searched first for `localhost`.
    files.add_file("/etc/nsswitch.conf", "hosts: files dns\n", 0o644)?;
    image.config.entrypoint = vec![COMPANION_PROGRAM.to_owned()];
    image.config.stop_signal = Some("SIGTERM".to_owned());
    image.config.labels.insert(IMAGE_LABEL.to_owned(), purpose.to_owned());
    label(&mut image, "title", &format!("rollproof-{purpose}"));
    Ok(image)
}

/// The binary's name.
const NAME: &str = "rollproof-app";
/// The cargo profile it is built with.
const PROFILE: &str = "app";

/// Finds the application's static binary: the path `given` by the user, else next to the running
/// program, else in a `target` folder of the current folder, of the running program's folder, or of
/// a parent of these.
///
/// # Errors
/// When there is no static binary, with the reason for each rejected one.
pub fn find_app_binary(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = given {
        return check(path).map(|()| path.to_owned());
    }
    let program = std::env::current_exe().ok();
    let next_to_it = program.iter().map(|program| program.with_file_name(NAME));
    let folder = std::env::current_dir().ok();
    let starts = folder.iter().map(PathBuf::as_path).chain(program.as_deref());
    let built = starts.flat_map(Path::ancestors).flat_map(|folder| {
        ["gnu", "musl"].map(|libc| {
            let triple = format!("{}-unknown-linux-{libc}", std::env::consts::ARCH);
            folder.join("target").join(triple).join(PROFILE).join(NAME)
        })
    });
    first_good(next_to_it.chain(built))
}

fn first_good(candidates: impl Iterator<Item = PathBuf>) -> Result<PathBuf> {
    let mut rejected = Vec::new();
    for path in candidates.filter(|path| path.is_file()) {
        match check(&path) {
            Ok(()) => return Ok(path),
            Err(error) if rejected.iter().all(|known| *known != error.to_string()) => {
                rejected.push(error.to_string());
            }
            Err(_) => {}
        }
    }
    let error = Error::environment(format!("cannot find a static {NAME}"));
    let error = rejected.into_iter().fold(error, Error::hint);
    Err(error.hint("run `make build`, or give the path of the binary"))
}

/// With a binary that needs libraries, the image would not start.
fn check(path: &Path) -> Result<()> {
    let content = read(path)?;
    let headers = ElfHeaders::parse(path, &content)?;
    if headers.is_static() {
        return Ok(());
    }
    let needs = headers.interpreter.iter().chain(&headers.needed);
    let needs = needs.map(String::as_str).collect::<Vec<_>>().join(", ");
    Err(Error::environment(format!("{} is not static: it needs {needs}", path.display()))
        .hint("run `make build`, which builds it with `-C target-feature=+crt-static`"))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|cause| {
        Error::environment(format!("cannot read {}", path.display())).caused_by(cause)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dynamic_binary_is_refused_with_what_it_needs() {
        let me = std::env::current_exe().unwrap();
        let error = find_app_binary(Some(&me)).unwrap_err();
        assert!(error.message().contains("is not static: it needs /"), "{error}");
        assert!(error.message().contains("libc."), "{error}");
        assert!(error.hints()[0].contains("make build"));
    }

    #[test]
    fn without_a_good_binary_each_rejected_one_is_explained() {
        let me = std::env::current_exe().unwrap();
        let nowhere = me.with_file_name("rollproof-no-such");
        let error = first_good([nowhere, me.clone(), me.clone()].into_iter()).unwrap_err();
        assert_eq!(error.to_string(), "cannot find a static rollproof-app");
        assert_eq!(error.hints().len(), 2, "{:?}", error.hints());
    }
}

//! The images of the example stacks: the application in two versions, and the proxy.

use std::fs;
use std::path::Path;

use super::built_image::BuiltImage;
use super::file_tree::FileTree;
use super::healthcheck::Healthcheck;
use super::image_archive::ImageArchive;
use super::program::Program;
use super::programs::Programs;
use crate::{Error, Result};

/// The application, first version.
pub const APP_V1: &str = "rollproof/app:v1";
/// The application, second version: the same files, another `ROLLPROOF_VERSION`.
pub const APP_V2: &str = "rollproof/app:v2";
/// The proxy in front of the application.
pub const PROXY: &str = "rollproof/caddy:2";

/// Where the application's binary is in its image.
const APP_PATH: &str = "/rollproof-app";

/// Commands of busybox that health checks and people who look around use.
const COMMANDS: [&str; 30] = [
    "sh", "wget", "ash", "cat", "cp", "date", "echo", "env", "false", "grep", "head", "hostname",
    "id", "kill", "ls", "mkdir", "nc", "netstat", "nslookup", "ping", "ps", "pwd", "rm", "sed",
    "sleep", "tail", "test", "touch", "true", "wc",
];

/// Makes the images of the example stacks: [`APP_V1`], [`APP_V2`] and [`PROXY`].
///
/// # Errors
/// When a program cannot be found (the error says what to do) or a file cannot be read.
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

fn app(binary: &Path, busybox: &Program) -> Result<ImageArchive> {
    let content = fs::read(binary).map_err(|cause| {
        Error::environment(format!("cannot read {}", binary.display())).caused_by(cause)
    })?;
    let mut image = base(busybox)?;
    image.files.add_file(APP_PATH, content, 0o755)?;
    image.config.entrypoint = words(&[APP_PATH]);
    image.config.exposed_ports.insert("8000/tcp".to_owned());
    // No timings: an engine takes an image's timings for whatever a stack's own health check
    // leaves out, and a stack without timings is to get Docker's defaults.
    image.config.healthcheck =
        Some(Healthcheck { test: words(&["CMD", APP_PATH, "health"]), ..Healthcheck::default() });
    label(&mut image, "title", "rollproof-app");
    label(&mut image, "description", "Says which container answers");
    image.config.labels.insert("rollproof.image".to_owned(), "app".to_owned());
    Ok(image)
}

fn proxy(caddy: &Program, busybox: &Program) -> Result<ImageArchive> {
    let mut image = base(busybox)?;
    caddy.pack("/usr/bin/caddy", &mut image.files)?;
    let command = ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"];
    image.config.entrypoint = words(&command);
    image.config.exposed_ports.insert("80/tcp".to_owned());
    for (name, folder) in [("XDG_CONFIG_HOME", "/config"), ("XDG_DATA_HOME", "/data")] {
        image.files.add_directory(folder, 0o755)?;
        image.config.env.insert(name.to_owned(), folder.to_owned());
    }
    image.config.env.insert("HOME".to_owned(), "/data".to_owned());
    label(&mut image, "title", "caddy");
    label(&mut image, "description", "The Caddy of this machine's distribution");
    image.config.labels.insert("rollproof.image".to_owned(), "proxy".to_owned());
    Ok(image)
}

/// What both images begin with: busybox, names, and a folder for temporary files.
fn base(busybox: &Program) -> Result<ImageArchive> {
    let mut image = ImageArchive::default();
    let files = &mut image.files;
    busybox.pack("/bin/busybox", files)?;
    link_commands(busybox, files)?;
    files.add_directory("/tmp", 0o1777)?;
    files.add_file("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n", 0o644)?;
    files.add_file("/etc/group", "root:x:0:\n", 0o644)?;
    // `localhost` is in the hosts file the engine provides, and must be looked for there first.
    files.add_file("/etc/nsswitch.conf", "hosts: files dns\n", 0o644)?;
    image.config.stop_signal = Some("SIGTERM".to_owned());
    let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    image.config.env.insert("PATH".to_owned(), path.to_owned());
    label(&mut image, "source", env!("CARGO_PKG_REPOSITORY"));
    Ok(image)
}

/// Links the commands that this busybox has. Its list of them is in the binary, one after the
/// other with a zero byte between them.
fn link_commands(busybox: &Program, files: &mut FileTree) -> Result<()> {
    let content = fs::read(&busybox.path).map_err(|cause| {
        Error::environment(format!("cannot read {}", busybox.path.display())).caused_by(cause)
    })?;
    let names: std::collections::BTreeSet<&[u8]> = content.split(|byte| *byte == 0).collect();
    for command in COMMANDS {
        if names.contains(command.as_bytes()) {
            files.add_symlink(&format!("/bin/{command}"), "busybox")?;
        } else if matches!(command, "sh" | "wget") {
            let message = format!("{} has no {command}", busybox.path.display());
            return Err(Error::environment(message)
                .hint("the health checks of the example stacks need it; give another busybox"));
        }
    }
    Ok(())
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn label(image: &mut ImageArchive, name: &str, value: &str) {
    image.config.labels.insert(format!("org.opencontainers.image.{name}"), value.to_owned());
}

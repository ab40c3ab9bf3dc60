//! Images of servers for stacks with several tiers, packed from the distribution's packages: Redis
//! and PostgreSQL. They follow the official images' names for settings and files.

use super::image_archive::{BuiltImage, ImageArchive};
use super::own_images::{base, label_as, words};
use super::programs::Programs;
use crate::{Error, Result};

/// Redis.
pub const REDIS: &str = "rollproof/redis:7";
/// PostgreSQL, with a database that is made on the first start.
pub const POSTGRES: &str = "rollproof/postgres:15";

/// The user that a server runs as; neither runs as root.
const USER: u32 = 999;

/// Builds the image of a server.
///
/// # Errors
/// When a program cannot be found or a file cannot be read.
pub fn server_image(programs: &Programs, name: &str) -> Result<BuiltImage> {
    match name {
        REDIS => redis(programs)?.build(REDIS),
        POSTGRES => postgres(programs)?.build(POSTGRES),
        other => Err(Error::environment(format!("there is no image {other}"))
            .hint(format!("the images of servers are {REDIS} and {POSTGRES}"))),
    }
}

fn redis(programs: &Programs) -> Result<ImageArchive> {
    let mut image = base(&programs.find("busybox")?, Some(("redis", USER)))?;
    // One program: its name decides what it does.
    let server = programs.find_in("redis-tools", "usr/bin/redis-check-rdb")?;
    server.pack("/usr/bin/redis-server", &mut image.files)?;
    let client = programs.find_in("redis-tools", "usr/bin/redis-cli")?;
    client.pack("/usr/bin/redis-cli", &mut image.files)?;
    image.files.add_directory("/data", 0o1777)?;
    image.config.working_dir = Some("/data".to_owned());
    image.config.user = Some("redis".to_owned());
    // As in the official image: a container's port is closed unless somebody opens it.
    image.config.entrypoint = words(&["redis-server", "--protected-mode", "no"]);
    image.config.exposed_ports.insert("6379/tcp".to_owned());
    label_as(&mut image, "redis", "Redis as packaged by this machine's distribution", "server");
    Ok(image)
}

fn postgres(programs: &Programs) -> Result<ImageArchive> {
    let mut image = base(&programs.find("busybox")?, Some(("postgres", USER)))?;
    // The package `postgresql` depends on that of the distribution's version.
    let package = programs.dependency("postgresql", "postgresql-")?;
    let version = package.trim_start_matches("postgresql-").to_owned();
    let programs_folder = format!("usr/lib/postgresql/{version}/bin");
    for (package, name) in [
        (package.clone(), "postgres"),
        (package.clone(), "initdb"),
        (format!("postgresql-client-{version}"), "pg_isready"),
    ] {
        let path = format!("{programs_folder}/{name}");
        let program = programs.find_in(&package, &path)?;
        program.pack(&format!("/{path}"), &mut image.files)?;
        image.files.add_symlink(&format!("/usr/bin/{name}"), format!("/{path}"))?;
    }
    let root = programs.package(&package)?;
    let modules = format!("usr/lib/postgresql/{version}/lib");
    let shared = format!("usr/share/postgresql/{version}");
    // What initdb needs, and no other extension: they would need more libraries.
    image.files.add_tree(&root, &modules, &|file| {
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        file.extension().is_some_and(|extension| extension == "so")
            && (name.contains("_and_") || matches!(name, "plpgsql.so" | "dict_snowball.so"))
    })?;
    image.files.add_tree(&root, &shared, &|file| {
        let extension = file.components().any(|part| part.as_os_str() == "extension");
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        !extension || name.starts_with("plpgsql")
    })?;
    // Debian's PostgreSQL has no time zones of its own. Two folders repeat all of them.
    image.files.add_tree(&programs.package("tzdata")?, "usr/share/zoneinfo", &|file| {
        !file.components().any(|part| matches!(part.as_os_str().to_str(), Some("posix" | "right")))
    })?;
    let start = include_str!("postgres_start.sh");
    image.files.add_file("/usr/bin/postgres-start", start, 0o755)?;
    // Without a volume the data is in the container; a volume belongs here, because only this
    // folder can be written by the user of the image.
    image.files.add_directory("/var/lib/postgresql", 0o1777)?;
    image.files.add_directory("/var/run/postgresql", 0o1777)?;
    image.config.user = Some("postgres".to_owned());
    image.config.entrypoint = words(&["postgres-start"]);
    image.config.exposed_ports.insert("5432/tcp".to_owned());
    // SIGTERM waits until the last client has left; this ends their sessions.
    image.config.stop_signal = Some("SIGINT".to_owned());
    image.config.env.insert("PGDATA".to_owned(), "/var/lib/postgresql/data".to_owned());
    let description = "PostgreSQL as packaged by this machine's distribution";
    label_as(&mut image, "postgres", description, "server");
    Ok(image)
}

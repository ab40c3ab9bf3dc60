//! The programs of the system that a lab is made with.

use std::env;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Where system programs are that an ordinary user's `PATH` often lacks.
const SYSTEM: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// The programs of the system that a lab is made with.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    pub dockerd: PathBuf,
    pub ip: PathBuf,
    pub nsenter: PathBuf,
    pub unshare: PathBuf,
    pub setsid: PathBuf,
}

impl Programs {
    /// Finds them, or says what is missing.
    pub(super) fn find(dockerd: Option<&Path>) -> Result<Self> {
        let dockerd = match dockerd {
            Some(path) if is_program(path) => std::path::absolute(path).map_err(|error| {
                Error::environment(format!("cannot find {}", path.display())).caused_by(error)
            })?,
            Some(path) => {
                return Err(Error::usage(format!("{} is not a program", path.display()))
                    .hint("give the path of a `dockerd`"));
            }
            None => needed("dockerd", "docker.io or docker-ce")?,
        };
        Ok(Self {
            dockerd,
            ip: needed("ip", "iproute2")?,
            nsenter: needed("nsenter", "util-linux")?,
            unshare: needed("unshare", "util-linux")?,
            setsid: needed("setsid", "util-linux")?,
        })
    }

    /// The search path of a node's daemon: what stands beside `dockerd` first, so that an
    /// engine that was unpacked somewhere brings its own containerd and runc.
    pub(super) fn node_path(&self) -> OsString {
        let beside = self.dockerd.parent().map(Path::to_path_buf);
        let folders = beside.into_iter().chain(search_path());
        env::join_paths(folders).unwrap_or_else(|_| SYSTEM.join(":").into())
    }
}

/// The path of a program in `PATH` or in the system's folders.
#[must_use]
pub fn find_program(name: &str) -> Option<PathBuf> {
    search_path().map(|folder| folder.join(name)).find(|path| is_program(path))
}

fn needed(name: &str, package: &str) -> Result<PathBuf> {
    find_program(name).ok_or_else(|| {
        Error::environment(format!("the program `{name}` is missing, which a private engine needs"))
            .hint(format!("run `make setup`, or install {package}"))
    })
}

fn search_path() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let of_user: Vec<PathBuf> = env::split_paths(&path).filter(|p| p.is_absolute()).collect();
    of_user.into_iter().chain(SYSTEM.map(PathBuf::from))
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

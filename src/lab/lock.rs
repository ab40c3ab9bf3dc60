//! Prevents two commands from making or removing the same lab at the same time.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use tokio::time::Instant;

use super::names::{LabNames, RUNTIME};
use crate::error::{Error, Result};

/// A lock on a file that exists only while a process holds or waits for the lock, so nothing is
/// left behind. The kernel releases it when the holder dies.
#[derive(Debug)]
pub(super) struct LabLock {
    path: PathBuf,
    _file: Flock<File>,
}

impl LabLock {
    /// Locks one lab, for making or removing it.
    pub(super) async fn of_lab(names: &LabNames, deadline: Instant) -> Result<Self> {
        let path = Path::new(RUNTIME).join(format!("{}.lock", names.id()));
        Self::acquire(path, "another command that is making or removing this lab", deadline).await
    }

    /// Locks the choice of a network, for all labs of this machine.
    pub(super) async fn of_networks(deadline: Instant) -> Result<Self> {
        let path = Path::new(RUNTIME).join("networks.lock");
        Self::acquire(path, "another lab that is choosing its network", deadline).await
    }

    async fn acquire(path: PathBuf, what: &str, deadline: Instant) -> Result<Self> {
        let failed = |error: std::io::Error| {
            Error::environment(format!("cannot lock {}", path.display())).caused_by(error)
        };
        loop {
            match try_acquire(&path).map_err(failed)? {
                Some(file) => return Ok(Self { path, _file: file }),
                None if Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                None => {
                    return Err(Error::environment(format!("timed out waiting for {what}"))
                        .hint(format!("`fuser {}` shows the process", path.display())));
                }
            }
        }
    }
}

impl Drop for LabLock {
    fn drop(&mut self) {
        // Remove the file before releasing the lock: a waiting process then sees that it locked a
        // file that is no longer at the path, and tries again.
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_dir(RUNTIME);
    }
}

/// Tries once; `None` if another process holds the lock or has just removed its file.
fn try_acquire(path: &Path) -> std::io::Result<Option<Flock<File>>> {
    fs::create_dir_all(RUNTIME)?;
    let file = match File::options().create(true).truncate(false).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let locked = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(locked) => locked,
        Err((_, Errno::EWOULDBLOCK)) => return Ok(None),
        Err((_, errno)) => return Err(errno.into()),
    };
    let there = match fs::metadata(path) {
        Ok(there) => there,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let here = locked.metadata()?;
    Ok(((here.dev(), here.ino()) == (there.dev(), there.ino())).then_some(locked))
}

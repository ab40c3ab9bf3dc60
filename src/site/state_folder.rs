//! The folder in which rollproof keeps its files.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The folder `.rollproof` in `ROLLPROOF_HOME`, or else in the current folder.
#[derive(Debug, Clone)]
pub struct StateFolder {
    path: PathBuf,
}

/// A lock that a command holds while it changes something. It is released even by `kill -9`.
#[derive(Debug)]
pub struct StateLock {
    _file: File,
}

impl StateFolder {
    /// The state folder for the current folder and environment. It may not exist yet.
    ///
    /// # Errors
    /// When the current folder cannot be found.
    pub fn find() -> Result<Self> {
        let base = match std::env::var_os("ROLLPROOF_HOME").filter(|home| !home.is_empty()) {
            Some(home) => std::path::absolute(home),
            None => std::env::current_dir(),
        };
        let base = base.map_err(|error| {
            Error::environment("cannot find the current folder").caused_by(error)
        })?;
        Ok(Self { path: base.join(".rollproof") })
    }

    /// The path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the records of runs are kept.
    #[must_use]
    pub fn runs(&self) -> PathBuf {
        self.path.join("runs")
    }

    /// Creates the folder, with a `.gitignore` that excludes it.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(&self) -> Result<()> {
        let failed = |error| {
            Error::environment(format!("cannot create the state folder {}", self.path.display()))
                .caused_by(error)
                .hint("set ROLLPROOF_HOME to use another place")
        };
        fs::create_dir_all(&self.path).map_err(failed)?;
        let ignore = self.path.join(".gitignore");
        if !ignore.exists() {
            fs::write(&ignore, "*\n").map_err(failed)?;
        }
        Ok(())
    }

    /// The folder's id, made when it is first needed: the mark of everything that is deployed from
    /// here.
    ///
    /// # Errors
    /// When the folder or the id cannot be created or read.
    pub fn id(&self) -> Result<String> {
        self.create()?;
        let path = self.path.join("id");
        let failed = |error: std::io::Error| {
            Error::environment(format!("cannot read or write {}", path.display())).caused_by(error)
        };
        match fs::read_to_string(&path) {
            Ok(id) if is_id(id.trim()) => return Ok(id.trim().to_owned()),
            Ok(_) => {
                return Err(Error::environment(format!("{} is damaged", path.display())).hint(
                    "it marks what was deployed from this folder; remove it only if nothing is left",
                ));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let mut random = [0_u8; 8];
        File::open("/dev/urandom")
            .and_then(|mut source| source.read_exact(&mut random))
            .map_err(failed)?;
        let id = hex::encode(random);
        // Whole or not at all: another command may read it at the same time.
        let part = self.path.join(format!("id.{}", std::process::id()));
        fs::write(&part, format!("{id}\n")).map_err(failed)?;
        match fs::hard_link(&part, &path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                let _ = fs::remove_file(&part);
                return self.id();
            }
            Err(error) => return Err(failed(error)),
        }
        fs::remove_file(&part).map_err(failed)?;
        Ok(id)
    }

    /// Keeps other rollproof commands from making changes at the same time.
    ///
    /// # Errors
    /// When another command holds the lock, or the lock file cannot be written.
    pub fn lock(&self) -> Result<StateLock> {
        self.create()?;
        let path = self.path.join("lock");
        let failed = |error: std::io::Error| {
            Error::environment(format!("cannot lock {}", path.display())).caused_by(error)
        };
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = fs::read_to_string(&path).unwrap_or_default();
                return Err(Error::environment(format!(
                    "another rollproof command (process {}) is using {}",
                    holder.trim(),
                    self.path.display()
                ))
                .hint("wait until it ends, or set ROLLPROOF_HOME to use another folder"));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
        Ok(StateLock { _file: file })
    }
}

fn is_id(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_its_id_and_no_two_have_the_same() {
        let folder = |path: &Path| StateFolder { path: path.join(".rollproof") };
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let id = folder(one.path()).id().unwrap();
        assert!(is_id(&id), "{id}");
        assert_eq!(folder(one.path()).id().unwrap(), id);
        assert_ne!(folder(two.path()).id().unwrap(), id);
        fs::write(one.path().join(".rollproof/id"), "").unwrap();
        assert!(folder(one.path()).id().is_err(), "a damaged id must not become another one");
    }
}

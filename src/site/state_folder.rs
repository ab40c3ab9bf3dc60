//! The folder in which rollproof keeps its files.

use std::fs::{self, File, TryLockError};
use std::io::Write as _;
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

//! The folder of one run.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The folder of one run: `<state>/runs/<id>/`. [`super::RecordWriter`] writes its files and
/// [`super::RecordReader`] reads them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Creates the folder of a new run in the state folder (`.rollproof`).
    ///
    /// # Errors
    /// If `id` is not a plain file name, if a run with that id already exists, or if the folder
    /// cannot be created.
    pub fn create(state: &Path, id: &str) -> Result<Self> {
        if !is_plain_name(id) {
            return Err(Error::usage(format!("`{id}` is not a valid run id"))
                .hint("use letters, digits, `-` and `_`"));
        }
        let runs = state.join("runs");
        let path = runs.join(id);
        fs::create_dir_all(&runs).map_err(|error| cannot("create the folder", &runs, error))?;
        fs::create_dir(&path).map_err(|error| cannot("create the folder", &path, error))?;
        Ok(Self { path })
    }

    /// The folder of an existing run, or `runs/latest`.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file with what was known before the run.
    #[must_use]
    pub fn meta_file(&self) -> PathBuf {
        self.path.join("meta.json")
    }

    /// The file of the events, one per line.
    #[must_use]
    pub fn events_file(&self) -> PathBuf {
        self.path.join("events.jsonl")
    }

    /// The file of one stream's requests, one per line.
    #[must_use]
    pub fn shots_file(&self, stream: &str) -> PathBuf {
        self.path.join(format!("shots-{stream}.jsonl"))
    }

    /// The file with the line counts of the others. Written last, so a killed run has none.
    #[must_use]
    pub fn closed_file(&self) -> PathBuf {
        self.path.join("closed.json")
    }

    /// The file of the verdict, once there is one.
    #[must_use]
    pub fn report_file(&self) -> PathBuf {
        self.path.join("report.json")
    }

    /// Writes a file of the folder atomically: the whole file or nothing.
    ///
    /// # Errors
    /// If the file cannot be written. An existing file is then unchanged.
    pub fn save(&self, file: &Path, text: &str) -> Result<()> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let draft = self.path.join(format!(".{name}.{}", std::process::id()));
        let written = fs::write(&draft, text).and_then(|()| fs::rename(&draft, file));
        written.map_err(|error| {
            // Part of the draft may exist; a second error would only hide the first.
            let _ = fs::remove_file(&draft);
            cannot("write", file, error)
        })
    }

    /// Points `runs/latest` at this run. The link is replaced in one step, so a reader finds
    /// either the previous run or this one.
    ///
    /// # Errors
    /// If the link cannot be created, for example because a folder has its name.
    pub fn mark_latest(&self) -> Result<()> {
        let (Some(runs), Some(id)) = (self.path.parent(), self.path.file_name()) else {
            return Err(Error::environment("a run's folder must be inside another folder"));
        };
        let latest = runs.join("latest");
        let draft = runs.join(format!(".latest.{}", std::process::id()));
        // A killed run with the same process id may have left one.
        let _ = fs::remove_file(&draft);
        let linked = symlink(id, &draft).and_then(|()| fs::rename(&draft, &latest));
        linked.map_err(|error| {
            let _ = fs::remove_file(&draft);
            cannot("replace the link", &latest, error)
        })
    }
}

/// How many lines a record has: `closed.json`, written last. A killed run has none, and a file
/// that lost lines afterwards no longer matches.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Closed {
    /// Lines of `events.jsonl`.
    pub events: u64,
    /// Lines of each `shots-<stream>.jsonl`.
    pub shots: BTreeMap<String, u64>,
}

/// Whether a word is safe as part of a file name.
pub(super) fn is_plain_name(word: &str) -> bool {
    !word.is_empty()
        && word.len() <= 100
        && !word.starts_with('-')
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// The error for a failed operation on a file of the record.
pub(super) fn cannot(what: &str, path: &Path, error: io::Error) -> Error {
    let hint = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some disk space, or set ROLLPROOF_HOME to a folder on a disk with more"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "set ROLLPROOF_HOME to a folder you can write to"
        }
        io::ErrorKind::AlreadyExists => "another run has this name, or a file of this name exists",
        _ => "check the disk and the folder, or set ROLLPROOF_HOME to another folder",
    };
    Error::environment(format!("cannot {what} {}", path.display())).caused_by(error).hint(hint)
}

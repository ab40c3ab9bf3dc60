//! The folder of one run.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The folder of one run: `<state>/runs/<id>/`. What is in it is read with
/// [`super::RecordReader`] and written with [`super::RecordWriter`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes the folder of a new run below the state folder (`.rollproof`).
    ///
    /// # Errors
    /// If `id` is not a plain file name, if a run of that id exists already, or if the folder
    /// cannot be made.
    pub fn create(state: &Path, id: &str) -> Result<Self> {
        if !is_plain_name(id) {
            return Err(Error::usage(format!("`{id}` cannot be the id of a run"))
                .hint("use letters, digits, `-` and `_`"));
        }
        let runs = state.join("runs");
        let path = runs.join(id);
        fs::create_dir_all(&runs).map_err(|error| cannot("make the folder", &runs, error))?;
        fs::create_dir(&path).map_err(|error| cannot("make the folder", &path, error))?;
        Ok(Self { path })
    }

    /// The folder of a run that exists, `runs/latest` included.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was known before the run.
    #[must_use]
    pub fn meta_file(&self) -> PathBuf {
        self.path.join("meta.json")
    }

    /// The events, one a line.
    #[must_use]
    pub fn events_file(&self) -> PathBuf {
        self.path.join("events.jsonl")
    }

    /// The requests of one stream, one a line.
    #[must_use]
    pub fn shots_file(&self, stream: &str) -> PathBuf {
        self.path.join(format!("shots-{stream}.jsonl"))
    }

    /// How many lines the other files have: written last, so a run that was killed has none.
    #[must_use]
    pub fn closed_file(&self) -> PathBuf {
        self.path.join("closed.json")
    }

    /// The judgement, once there is one.
    #[must_use]
    pub fn report_file(&self) -> PathBuf {
        self.path.join("report.json")
    }

    /// Writes a file of the folder so that it is there whole or not at all.
    ///
    /// # Errors
    /// If the file cannot be written; what stood there before is still there then.
    pub fn save(&self, file: &Path, text: &str) -> Result<()> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let draft = self.path.join(format!(".{name}.{}", std::process::id()));
        let written = fs::write(&draft, text).and_then(|()| fs::rename(&draft, file));
        written.map_err(|error| {
            // The draft may be there in part; a second error would only hide the first.
            let _ = fs::remove_file(&draft);
            cannot("write", file, error)
        })
    }

    /// Points `runs/latest` at this run. The link is replaced in one step, so that a reader
    /// finds either the last run or this one.
    ///
    /// # Errors
    /// If the link cannot be made, for example because a folder has its name.
    pub fn mark_latest(&self) -> Result<()> {
        let (Some(runs), Some(id)) = (self.path.parent(), self.path.file_name()) else {
            return Err(Error::environment("a run's folder needs a folder around it"));
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

/// How many lines a record has: `closed.json`, written last. A run that was killed has none,
/// and a file that lost lines afterwards does not match.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Closed {
    /// Lines of `events.jsonl`.
    pub events: u64,
    /// Lines of each `shots-<stream>.jsonl`.
    pub shots: BTreeMap<String, u64>,
}

/// Whether a word can be part of a file name without surprises.
pub(super) fn is_plain_name(word: &str) -> bool {
    !word.is_empty()
        && word.len() <= 100
        && !word.starts_with('-')
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// The error for something that did not work on a file of the record.
pub(super) fn cannot(what: &str, path: &Path, error: io::Error) -> Error {
    let hint = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free space there, or let ROLLPROOF_HOME name a folder on a disk with more of it"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "let ROLLPROOF_HOME name a folder you may write to"
        }
        io::ErrorKind::AlreadyExists => "another run has this name, or a file is in the way",
        _ => "look at the disk and the folder, or let ROLLPROOF_HOME name another one",
    };
    Error::environment(format!("cannot {what} {}", path.display())).caused_by(error).hint(hint)
}

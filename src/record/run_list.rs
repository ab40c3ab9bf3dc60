//! The runs of a state folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use super::RunFolder;
use super::run_folder::cannot;
use crate::{Error, Result};

/// A record that was written to so short a time ago, and is not closed, may still be growing.
const GROWING: Duration = Duration::from_secs(60);

/// A run that has a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEntry {
    /// Its id.
    pub id: String,
    /// Its folder.
    pub path: PathBuf,
    /// When it began, RFC 3339.
    pub started_at: String,
    /// The command that was run.
    pub command: String,
    /// The service under test.
    pub service: String,
    /// Its verdict, if it has been judged.
    pub verdict: Option<String>,
    /// The sentence that decides it.
    pub headline: Option<String>,
    /// Whether its record cannot be read: nothing but its name and size is known then.
    pub damaged: bool,
    /// The size of all its files.
    pub bytes: u64,
}

/// What is needed of a run's `meta.json`.
#[derive(Deserialize)]
struct MetaRead {
    started_at: String,
    command: String,
    stack: StackRead,
}

#[derive(Deserialize)]
struct StackRead {
    service: String,
}

/// What is needed of a run's `report.json`.
#[derive(Deserialize)]
struct ReportRead {
    verdict: String,
    headline: String,
}

impl RunEntry {
    /// The runs in this folder, the newest first, and damaged ones last. What is no run is left out.
    ///
    /// # Errors
    /// If the folder cannot be read; one that does not exist has no runs.
    pub fn all(runs: &Path) -> Result<Vec<Self>> {
        let entries = match fs::read_dir(runs) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(cannot("read the folder", runs, error)),
        };
        let mut all: Vec<Self> =
            entries.filter_map(|entry| Self::read(&entry.ok()?.path())).collect();
        all.sort_by(|one, other| (&other.started_at, &other.id).cmp(&(&one.started_at, &one.id)));
        Ok(all)
    }

    fn read(path: &Path) -> Option<Self> {
        // `latest` is another name of a run that is in the list.
        if path.is_symlink() {
            return None;
        }
        let folder = RunFolder::at(path);
        let id = path.file_name()?.to_str()?.to_owned();
        let meta = fs::read(folder.meta_file()).ok();
        let meta: Option<MetaRead> = meta.and_then(|text| serde_json::from_slice(&text).ok());
        let Some(meta) = meta else {
            return is_remains(path, &id).then(|| Self::damaged(path, id));
        };
        let report = fs::read(folder.report_file()).ok();
        let report: Option<ReportRead> = report.and_then(|text| serde_json::from_slice(&text).ok());
        let (verdict, headline) = report.map(|report| (report.verdict, report.headline)).unzip();
        Some(Self {
            id,
            path: path.to_owned(),
            started_at: meta.started_at,
            command: meta.command,
            service: meta.stack.service,
            verdict,
            headline,
            damaged: false,
            bytes: size(path),
        })
    }

    fn damaged(path: &Path, id: String) -> Self {
        Self {
            id,
            path: path.to_owned(),
            started_at: String::new(),
            command: String::new(),
            service: String::new(),
            verdict: None,
            headline: None,
            damaged: true,
            bytes: size(path),
        }
    }

    /// The same as JSON.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({
            "run_id": self.id, "path": self.path, "started_at": self.started_at,
            "command": self.command, "service": self.service, "verdict": self.verdict,
            "headline": self.headline, "damaged": self.damaged, "bytes": self.bytes,
        })
    }

    /// Whether the run may still be going on.
    #[must_use]
    pub fn is_growing(&self) -> bool {
        let folder = RunFolder::at(&self.path);
        // Nothing may happen for minutes, but requests are written all the time. A folder that has
        // no file yet was made just now.
        let times = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let times = times.filter_map(|file| file.metadata().ok()?.modified().ok());
        let made = fs::metadata(&self.path).and_then(|folder| folder.modified()).ok();
        let recent = times
            .chain(made)
            .any(|at| SystemTime::now().duration_since(at).unwrap_or_default() < GROWING);
        recent && !folder.closed_file().exists()
    }

    /// Refuses a run that may still be going on.
    ///
    /// # Errors
    /// If it may be.
    pub fn check_at_rest(&self) -> Result<()> {
        if self.is_growing() {
            return Err(Error::usage(format!("run {} may still be going on", self.id))
                .hint("its record is not closed and was written to within the last minute"));
        }
        Ok(())
    }

    /// Removes the run's folder, and lets `latest` point at the newest run that is left.
    ///
    /// # Errors
    /// If the run may still be going on, or if something cannot be removed.
    pub fn remove(&self) -> Result<()> {
        self.check_at_rest()?;
        fs::remove_dir_all(&self.path)
            .map_err(|error| cannot("remove the folder", &self.path, error))?;
        let Some(runs) = self.path.parent() else { return Ok(()) };
        let latest = runs.join("latest");
        if latest.exists() {
            return Ok(());
        }
        match Self::all(runs)?.first().filter(|newest| !newest.damaged) {
            Some(newest) => RunFolder::at(&newest.path).mark_latest(),
            // A link that leads nowhere would only raise questions.
            None => fs::remove_file(&latest).or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => Ok(()),
                _ => Err(cannot("remove", &latest, error)),
            }),
        }
    }
}

/// Whether a folder is what is left of a run: a disk that was full, or a kill at the wrong moment.
/// It has the name of a run or its files, and nothing that is not a run's.
fn is_remains(folder: &Path, id: &str) -> bool {
    let Ok(files) = fs::read_dir(folder) else { return false };
    let names: Vec<_> = files.flatten().map(|file| file.file_name()).collect();
    let is_of_run = |name: &std::ffi::OsString| {
        let name = name.to_string_lossy();
        // A file that was being saved has a dot before its name and a number after it.
        let name = name.trim_start_matches('.').trim_end_matches(|c: char| c.is_ascii_digit());
        let name = name.trim_end_matches('.');
        matches!(name, "meta.json" | "events.jsonl" | "closed.json" | "report.json" | "report.html")
            || name.starts_with("shots-")
    };
    let is_id = id.len() == 20 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    names.iter().all(is_of_run) && (is_id || !names.is_empty())
}

/// The size of a folder's files; a run's folder has no folders in it.
fn size(folder: &Path) -> u64 {
    let Ok(files) = fs::read_dir(folder) else { return 0 };
    files.filter_map(|file| Some(file.ok()?.metadata().ok()?.len())).sum()
}

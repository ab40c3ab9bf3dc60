//! Reading the run record.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::run_folder::Closed;
use super::{Event, Meta, RunFolder, SCHEMA_VERSION, Shot, StreamFacts};
use crate::{Error, Place, Result};

/// A whole run, as recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// What was known before the run.
    pub meta: Meta,
    /// What happened, in the order it was seen.
    pub events: Vec<Event>,
    /// The requests of each stream, in the order they ended.
    pub shots: Vec<(StreamFacts, Vec<Shot>)>,
    /// Why the record is incomplete, if it is: the run was killed, or the disk was full.
    pub incomplete: Option<String>,
}

/// Reads a run's folder. A killed run leaves a truncated last line, which is skipped; anything
/// else that cannot be read is an error with file and line.
#[derive(Debug)]
pub struct RecordReader;

impl RecordReader {
    /// Reads the whole run in this folder.
    ///
    /// # Errors
    /// If there is no run, if a newer version of rollproof wrote it, or if a line of a file is
    /// invalid.
    pub fn open(path: &Path) -> Result<Run> {
        let folder = RunFolder::at(path);
        let meta = read_meta(&folder)?;
        let mut flaws = Vec::new();

        let made_by = meta.tool_version.as_str();
        let events: Vec<Event> = read_lines(&folder.events_file(), made_by, &mut flaws)?;
        let mut shots = Vec::with_capacity(meta.streams.len());
        for (stream, read) in meta.streams.iter().zip(read_shots(&folder, &meta)) {
            let (of_stream, torn) = read?;
            flaws.extend(torn);
            shots.push((stream.clone(), of_stream));
        }

        match read_closed(&folder)? {
            Some(closed) => {
                compare(&mut flaws, "events", closed.events, events.len());
                for (stream, of_stream) in &shots {
                    let said = closed.shots.get(&stream.name).copied().unwrap_or(0);
                    compare(&mut flaws, &stream.name, said, of_stream.len());
                }
            }
            None => flaws.push(
                "the record was not closed: the run was killed, its disk was full, \
                 or it is still going on"
                    .to_owned(),
            ),
        }
        let incomplete = (!flaws.is_empty()).then(|| flaws.join("; "));
        Ok(Run { meta, events, shots, incomplete })
    }
}

/// The requests of each stream, and what is wrong with its file. Each file is read on its own
/// thread: there are many requests, and the user is waiting for the verdict.
fn read_shots(folder: &RunFolder, meta: &Meta) -> Vec<Result<(Vec<Shot>, Vec<String>)>> {
    let read = |stream: &StreamFacts| {
        let mut flaws = Vec::new();
        let mut shots: Vec<Shot> =
            read_lines(&folder.shots_file(&stream.name), &meta.tool_version, &mut flaws)?;
        let mut names = HashSet::new();
        for shot in &mut shots {
            intern(&mut names, &mut shot.replica);
            intern(&mut names, &mut shot.version);
        }
        Ok((shots, flaws))
    };
    thread::scope(|scope| {
        let start = |stream| thread::Builder::new().spawn_scoped(scope, move || read(stream));
        let threads: Vec<_> = meta.streams.iter().map(start).collect();
        let no_thread = |cause| {
            Error::environment("cannot start a thread that reads the record").caused_by(cause)
        };
        let failed = |_| Err(Error::environment("a thread that read the record failed"));
        threads
            .into_iter()
            .map(|thread| thread.map_err(no_thread)?.join().unwrap_or_else(failed))
            .collect()
    })
}

fn compare(flaws: &mut Vec<String>, what: &str, said: u64, found: usize) {
    if said != found as u64 {
        flaws.push(format!("`{what}` should have {said} lines and has {found}"));
    }
}

/// All requests share a few names: one allocation for each name is enough.
fn intern(names: &mut HashSet<Arc<str>>, slot: &mut Option<Arc<str>>) {
    if let Some(name) = slot {
        if let Some(known) = names.get(name) {
            *name = Arc::clone(known);
        } else {
            names.insert(Arc::clone(name));
        }
    }
}

fn read_meta(folder: &RunFolder) -> Result<Meta> {
    #[derive(Deserialize)]
    struct Version {
        schema_version: u32,
        #[serde(default)]
        tool_version: String,
    }
    let file = folder.meta_file();
    let text = fs::read(&file).map_err(|error| {
        let missing = error.kind() == io::ErrorKind::NotFound;
        let error = Error::usage(format!("no run in {}", folder.path().display())).caused_by(error);
        if missing {
            error.hint("give the folder of a run, such as `.rollproof/runs/latest`")
        } else {
            error
        }
    })?;
    let version: Version =
        serde_json::from_slice(&text).map_err(|error| bad_json(&file, 0, &text, "", &error))?;
    if version.schema_version > SCHEMA_VERSION {
        return Err(Error::usage(format!(
            "{} has format {}, but this version of rollproof reads format {SCHEMA_VERSION}",
            file.display(),
            version.schema_version
        ))
        .hint("a newer version of rollproof wrote it: use that version"));
    }
    serde_json::from_slice(&text)
        .map_err(|error| bad_json(&file, 0, &text, &version.tool_version, &error))
}

fn read_closed(folder: &RunFolder) -> Result<Option<Closed>> {
    let file = folder.closed_file();
    match fs::read(&file) {
        Ok(text) => serde_json::from_slice(&text)
            .map(Some)
            .map_err(|error| bad_json(&file, 0, &text, "", &error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(&file, error)),
    }
}

fn read_lines<T: DeserializeOwned>(
    file: &Path,
    made_by: &str,
    flaws: &mut Vec<String>,
) -> Result<Vec<T>> {
    let input = File::open(file).map_err(|error| unreadable(file, error))?;
    let mut input = BufReader::with_capacity(64 * 1024, input);
    let mut values = Vec::new();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if input.read_until(b'\n', &mut line).map_err(|error| unreadable(file, error))? == 0 {
            break;
        }
        let torn = line.pop_if(|last| *last == b'\n').is_none();
        match serde_json::from_slice(&line) {
            Ok(value) => values.push(value),
            Err(_) if torn => {
                flaws.push(format!("{} breaks off in line {number}", file.display()));
            }
            Err(error) => return Err(bad_json(file, number, &line, made_by, &error)),
        }
    }
    Ok(values)
}

fn unreadable(file: &Path, error: io::Error) -> Error {
    Error::usage(format!("cannot read {}", file.display())).caused_by(error).hint(
        "a run's folder contains `meta.json`, `events.jsonl` and one `shots-` file per stream",
    )
}

/// `number` is the line in a file of JSON lines, 0 for a file that is one JSON text. `made_by` is the
/// version of rollproof that wrote it; empty if that is not known.
fn bad_json(
    file: &Path,
    number: usize,
    text: &[u8],
    made_by: &str,
    error: &serde_json::Error,
) -> Error {
    let line = if number == 0 { error.line().max(1) } else { number };
    let shown = if number == 0 {
        text.split(|byte| *byte == b'\n').nth(line - 1).unwrap_or_default()
    } else {
        text
    };
    let place = Place {
        file: file.to_owned(),
        line,
        column: error.column().max(1),
        text: String::from_utf8_lossy(shown).into_owned(),
    };
    let cause = error.to_string();
    // A word that this version does not know comes from a later one, also before that is released.
    if is_newer(made_by) || cause.starts_with("unknown variant") {
        let own = env!("CARGO_PKG_VERSION");
        let of = if is_newer(made_by) { format!(" {made_by}") } else { String::new() };
        let unknown = cause.split(", expected").next().unwrap_or_default().to_owned();
        return Error::usage(format!("a newer rollproof{of} made {}", file.display()))
            .caused_by(unknown)
            .at(place)
            .hint(format!("this is {own}, which cannot read all of it: use the newer one"));
    }
    Error::usage(format!("{} is not a valid rollproof record", file.display()))
        .caused_by(cause)
        .at(place)
        .hint("records must not be edited")
}

/// Whether a version of rollproof is a later one than this.
fn is_newer(version: &str) -> bool {
    let numbers = |text: &str| -> Vec<u32> {
        text.split(['.', '-', '+']).map_while(|number| number.parse().ok()).collect()
    };
    numbers(version) > numbers(env!("CARGO_PKG_VERSION"))
}

//! Writing the run record.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::run_folder::{Closed, cannot, is_plain_name};
use super::{Event, Meta, RunFolder, Shot, StackFacts, StreamFacts};
use crate::{Error, Result};

/// How long requests may stay in the buffer while more are being written.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// Appends to a run's files during the run.
///
/// A killed run leaves a readable record: all lines except the last are complete, events reach
/// the kernel at once, and requests within a second or with the next event. After the first write
/// error, which is returned, nothing more is written: a record that ends early is better than one
/// with a gap in the middle. [`RecordWriter::incomplete`] then has the reason.
#[derive(Debug)]
pub struct RecordWriter {
    folder: RunFolder,
    meta: Meta,
    /// Absent after a write has failed.
    files: Option<Files>,
    flushed: Instant,
    incomplete: Option<String>,
}

#[derive(Debug)]
struct Files {
    events: LineFile,
    shots: Vec<LineFile>,
}

impl RecordWriter {
    /// Starts a run's record in its folder and points `runs/latest` at it.
    ///
    /// # Errors
    /// If two streams have the same name, if a name is not valid in a file name, or if a file
    /// cannot be created.
    pub fn create(folder: &RunFolder, meta: &Meta) -> Result<Self> {
        let files = Files {
            events: LineFile::create(folder.events_file())?,
            shots: shot_files(folder, &[], &meta.streams)?,
        };
        // Written last: a folder with a `meta.json` has all its files.
        folder.save(&folder.meta_file(), &to_json(meta)?)?;
        folder.mark_latest()?;
        Ok(Self {
            folder: folder.clone(),
            meta: meta.clone(),
            files: Some(files),
            flushed: Instant::now(),
            incomplete: None,
        })
    }

    /// Adds streams after the existing ones. Which streams a service can have is only known once
    /// it responds.
    ///
    /// # Errors
    /// As [`RecordWriter::create`].
    pub fn add_streams(&mut self, streams: &[StreamFacts]) -> Result<()> {
        let (folder, meta) = (self.folder.clone(), &mut self.meta);
        let new = shot_files(&folder, &meta.streams, streams).and_then(|new| {
            meta.streams.extend_from_slice(streams);
            folder.save(&folder.meta_file(), &to_json(meta)?).map(|()| new)
        });
        self.attempt(|files| new.map(|new| files.shots.extend(new)))
    }

    /// Replaces the facts about the stack.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn set_stack(&mut self, facts: &StackFacts) -> Result<()> {
        let (folder, meta) = (self.folder.clone(), &mut self.meta);
        meta.stack = facts.clone();
        let saved = to_json(meta).and_then(|text| folder.save(&folder.meta_file(), &text));
        self.attempt(|_| saved)
    }

    /// Appends an event, and hands it and everything before it to the kernel.
    ///
    /// # Errors
    /// On the first write that fails.
    pub fn event(&mut self, event: &Event) -> Result<()> {
        self.attempt(|files| files.events.append(event))?;
        self.flush()
    }

    /// Appends a request of the stream with this index in [`Meta::streams`].
    ///
    /// # Errors
    /// On the first write that fails, or if there is no such stream.
    pub fn shot(&mut self, stream: usize, shot: &Shot) -> Result<()> {
        if stream >= self.meta.streams.len() {
            return Err(Error::environment(format!(
                "the record has no stream with index {stream}"
            )));
        }
        self.attempt(|files| match files.shots.get_mut(stream) {
            Some(file) => file.append(shot),
            None => Ok(()),
        })?;
        if self.flushed.elapsed() >= FLUSH_EVERY { self.flush() } else { Ok(()) }
    }

    /// Hands everything to the kernel. Call it once a second while there are no requests.
    ///
    /// # Errors
    /// On the first write that fails.
    pub fn flush(&mut self) -> Result<()> {
        self.flushed = Instant::now();
        self.attempt(|files| files.each(|file| file.out.flush()))
    }

    /// Ends the record: syncs everything to the disk and marks the record as complete. After a
    /// failed write this does nothing, and the record stays incomplete.
    ///
    /// # Errors
    /// On the first write that fails.
    pub fn finish(mut self) -> Result<()> {
        self.flush()?;
        // Some file systems report a full disk only here.
        self.attempt(|files| files.each(|file| file.out.get_ref().sync_data()))?;
        let Some(files) = &self.files else { return Ok(()) };
        let names = self.meta.streams.iter().map(|stream| stream.name.clone());
        let shots = names.zip(files.shots.iter().map(|file| file.lines));
        let closed =
            Closed { events: files.events.lines, shots: shots.collect::<BTreeMap<_, _>>() };
        self.folder.save(&self.folder.closed_file(), &to_json(&closed)?)
    }

    /// Does something with the files, unless an earlier write has failed.
    fn attempt(&mut self, work: impl FnOnce(&mut Files) -> Result<()>) -> Result<()> {
        let Some(files) = &mut self.files else { return Ok(()) };
        let Err(error) = work(files) else { return Ok(()) };
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        self.incomplete = Some(format!("{error}{}", cause.unwrap_or_default()));
        if let Some(files) = self.files.take() {
            files.abandon();
        }
        Err(error.hint("the rest of the run is not recorded"))
    }
}

impl Files {
    fn each(&mut self, mut work: impl FnMut(&mut LineFile) -> io::Result<()>) -> Result<()> {
        for file in std::iter::once(&mut self.events).chain(&mut self.shots) {
            work(file).map_err(|error| cannot("write", &file.path, error))?;
        }
        Ok(())
    }

    /// Closes the files without trying again to write what is still buffered.
    fn abandon(self) {
        for file in std::iter::once(self.events).chain(self.shots) {
            let _ = file.out.into_parts();
        }
    }
}

/// Creates the files of new streams; those of `known` streams already exist.
fn shot_files(
    folder: &RunFolder,
    known: &[StreamFacts],
    new: &[StreamFacts],
) -> Result<Vec<LineFile>> {
    let mut names: Vec<&str> = known.iter().map(|stream| stream.name.as_str()).collect();
    new.iter()
        .map(|stream| {
            let name = stream.name.as_str();
            if !is_plain_name(name) || names.contains(&name) {
                return Err(Error::usage(format!("`{name}` is not a valid stream name"))
                    .hint("each stream needs a unique name of letters, digits, `-` and `_`"));
            }
            names.push(name);
            LineFile::create(folder.shots_file(name))
        })
        .collect()
}

/// A file of JSON lines to append to.
#[derive(Debug)]
struct LineFile {
    path: PathBuf,
    out: BufWriter<File>,
    lines: u64,
    /// Reused for each line, so that only whole lines reach the buffer.
    line: Vec<u8>,
}

impl LineFile {
    fn create(path: PathBuf) -> Result<Self> {
        let file = File::create_new(&path).map_err(|error| cannot("create", &path, error))?;
        Ok(Self { path, out: BufWriter::with_capacity(64 * 1024, file), lines: 0, line: vec![] })
    }

    fn append(&mut self, value: &impl Serialize) -> Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, value)
            .map_err(io::Error::from)
            .and_then(|()| {
                self.line.push(b'\n');
                self.out.write_all(&self.line)
            })
            .map_err(|error| cannot("write", &self.path, error))?;
        self.lines += 1;
        Ok(())
    }
}

fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| Error::environment("cannot convert the record to JSON").caused_by(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::samples::{event, meta, shot, stream};
    use crate::record::{RecordReader, RunFolder};

    /// A writer whose first stream goes to a device that is always full.
    fn writer_on_a_full_disk(folder: &RunFolder) -> RecordWriter {
        let mut writer = RecordWriter::create(folder, &meta(&["fresh"])).unwrap();
        let full = File::options().write(true).open("/dev/full").unwrap();
        let files = writer.files.as_mut().unwrap();
        files.shots[0].out = BufWriter::new(full);
        writer
    }

    #[test]
    fn a_full_disk_is_reported_once_and_leaves_a_readable_record() {
        let home = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(home.path(), "r1").unwrap();
        let mut writer = writer_on_a_full_disk(&folder);

        writer.shot(0, &shot(10)).unwrap();
        let error = writer.event(&event(20)).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Environment);
        assert!(error.message().contains("shots-fresh.jsonl"), "{error}");
        assert!(error.hints()[0].contains("disk space"), "{:?}", error.hints());

        writer.event(&event(30)).unwrap();
        writer.shot(0, &shot(40)).unwrap();
        writer.flush().unwrap();
        let incomplete = writer.incomplete.clone().unwrap();
        assert!(incomplete.contains("No space left"), "{incomplete}");
        writer.finish().unwrap();

        let run = RecordReader::open(folder.path()).unwrap();
        assert_eq!(run.events, [event(20)], "nothing is written after the error");
        assert!(run.incomplete.is_some());
    }

    #[test]
    fn lines_can_be_read_before_the_run_ends() {
        let home = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(home.path(), "r1").unwrap();
        let mut writer = RecordWriter::create(&folder, &meta(&["fresh"])).unwrap();
        writer.shot(0, &shot(10)).unwrap();
        assert_eq!(RecordReader::open(folder.path()).unwrap().shots[0].1, []);
        writer.event(&event(20)).unwrap();
        let run = RecordReader::open(folder.path()).unwrap();
        assert_eq!(run.shots[0].1, [shot(10)], "an event flushes the requests before it");
        assert!(run.incomplete.unwrap().contains("not closed"));
    }

    #[test]
    fn streams_can_be_added_during_the_run() {
        let home = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(home.path(), "r1").unwrap();
        let mut writer = RecordWriter::create(&folder, &meta(&[])).unwrap();
        assert_eq!(RecordReader::open(folder.path()).unwrap().shots, []);
        writer.add_streams(&[stream("fresh"), stream("slow")]).unwrap();
        writer.shot(1, &shot(10)).unwrap();
        writer.flush().unwrap();
        assert!(writer.add_streams(&[stream("slow")]).is_err(), "the name is taken");
        writer.finish().unwrap();
        let run = RecordReader::open(folder.path()).unwrap();
        assert_eq!(run.meta.streams, [stream("fresh"), stream("slow")]);
        assert_eq!(run.shots[1].1, [shot(10)]);
        assert!(
            run.incomplete.is_some(),
            "a stream that could not be added makes the record incomplete"
        );
    }

    #[test]
    fn an_unknown_stream_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(home.path(), "r1").unwrap();
        let mut writer = RecordWriter::create(&folder, &meta(&["fresh"])).unwrap();
        assert!(writer.shot(1, &shot(10)).is_err());
        assert!(writer.incomplete.is_none());
    }
}

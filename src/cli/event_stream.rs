//! `--events`: what happens in a run, line by line, for a program that follows it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use clap::Args;

use super::format_args::FormatArgs;
use crate::error::{Error, Result};
use crate::record::{Event, Meta, Sink, StackFacts, StreamFacts};
use crate::report::{EventLines, Recorded};

/// How long a slow reader may take for what is left at the end.
const READER: Duration = Duration::from_secs(10);

/// Where events go while a run goes on.
#[derive(Debug, Clone, Args)]
pub(super) struct EventArgs {
    /// Write what happens to FILE as it happens, one JSON object a line; `-` for standard output,
    /// which then carries nothing else
    #[arg(long, value_name = "FILE|-", hide_short_help = true)]
    events: Option<PathBuf>,

    /// Say the engine's rule and the setting behind each step while it happens, as `explain` does of a
    /// recorded run
    #[arg(long, hide_short_help = true)]
    pub(super) explain: bool,
}

impl EventArgs {
    /// The file that they go to, unless that is standard output.
    pub(super) fn file(&self) -> Option<&Path> {
        self.events.as_deref().filter(|file| file.as_os_str() != "-")
    }

    /// Opens the stream, if one is wanted.
    ///
    /// # Errors
    /// If the file cannot be written, or standard output is wanted for something else, too.
    pub(super) fn open(
        &self,
        json: bool,
        formats: Option<&FormatArgs>,
    ) -> Result<Option<EventStream>> {
        let Some(file) = &self.events else { return Ok(None) };
        if file.as_os_str() != "-" {
            let name = file.display().to_string();
            if fs::metadata(file).is_ok_and(|there| there.file_type().is_fifo()) {
                let pipe = Pipe { path: file.to_owned(), open: None };
                return EventStream::start(Box::new(pipe), name, false).map(Some);
            }
            let open = File::create(file).map_err(|error| cannot_write(&name, error))?;
            return EventStream::start(Box::new(open), name, false).map(Some);
        }
        let to_stdout =
            formats.and_then(|args| args.formats.iter().find(|choice| choice.file.is_none()));
        let other = match (json, to_stdout) {
            (true, _) => Some("json"),
            (false, Some(choice)) => Some(choice.format.name()),
            (false, None) => None,
        };
        if let Some(name) = other {
            let what = if json { "--json".to_owned() } else { format!("--format {name}") };
            return Err(Error::usage(format!(
                "--events - and {what} both write to standard output"
            ))
            .hint(format!(
                "--format {name}=FILE, or --events FILE, writes one of them to a file"
            )));
        }
        let name = "standard output".to_owned();
        EventStream::start(Box::new(io::stdout()), name, true).map(Some)
    }
}

/// A named pipe. Opening one waits for its reader, which is the business of the thread that writes:
/// the run goes on, as it does with a slow reader.
struct Pipe {
    path: PathBuf,
    open: Option<File>,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut open = match self.open.take() {
            Some(open) => open,
            None => File::options().write(true).open(&self.path)?,
        };
        let written = open.write(bytes);
        self.open = Some(open);
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn cannot_write(name: &str, error: io::Error) -> Error {
    Error::environment(format!("cannot write events to {name}")).caused_by(error)
}

/// The stream of one command, which may make several runs. Lines are written by a thread of their
/// own: a reader that is slow, or does not read at all, holds up neither the record nor the screen.
pub(super) struct EventStream {
    lines: Sender<String>,
    ended: Receiver<()>,
    failure: Arc<Mutex<Option<Error>>>,
    stdout: bool,
}

impl EventStream {
    fn start(mut out: Box<dyn Write + Send>, name: String, stdout: bool) -> Result<Self> {
        let (lines, inbox) = mpsc::channel::<String>();
        let (end, ended) = mpsc::channel();
        let failure = Arc::new(Mutex::new(None));
        let noted = failure.clone();
        let work = move || {
            // Dropped when the last line is written.
            let _end = end;
            for line in inbox {
                match out.write_all(line.as_bytes()).and_then(|()| out.flush()) {
                    Ok(()) => {}
                    // Who has seen enough, such as `head`, is no reason to end the run.
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return,
                    Err(error) => {
                        let error = cannot_write(&name, error);
                        *noted.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                        return;
                    }
                }
            }
        };
        thread::Builder::new().name("events".into()).spawn(work).map_err(|error| {
            Error::environment("cannot start the thread that writes events").caused_by(error)
        })?;
        Ok(Self { lines, ended, failure, stdout })
    }

    /// Whether standard output is the events'.
    pub(super) fn is_on_stdout(&self) -> bool {
        self.stdout
    }

    /// Takes the events of one run.
    pub(super) fn sink(&self) -> Box<dyn Sink> {
        Box::new(EventSink {
            lines: self.lines.clone(),
            failure: self.failure.clone(),
            text: EventLines::default(),
        })
    }

    /// The verdict on a run that is over.
    pub(super) fn judged(&self, recorded: Recorded) {
        let _ = self.lines.send(EventLines::judged(recorded));
    }

    /// Waits until everything is written.
    ///
    /// # Errors
    /// If it could not be, or the reader does not take it.
    pub(super) fn finish(self) -> Result<()> {
        self.finish_within(READER)
    }

    fn finish_within(self, patience: Duration) -> Result<()> {
        drop(self.lines);
        let waited = self.ended.recv_timeout(patience);
        if let Some(error) = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(error);
        }
        match waited {
            Err(RecvTimeoutError::Timeout) => Err(Error::environment(format!(
                "the reader of the events took nothing more for {} s",
                patience.as_secs()
            ))
            .hint("the record of the run is whole: `rollproof report --format events` prints it")),
            _ => Ok(()),
        }
    }
}

struct EventSink {
    lines: Sender<String>,
    failure: Arc<Mutex<Option<Error>>>,
    text: EventLines,
}

impl EventSink {
    fn send(&self, line: String) -> Result<()> {
        // The run ends with what kept the lines from being written.
        if let Some(error) = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(error);
        }
        let _ = self.lines.send(line);
        Ok(())
    }
}

impl Sink for EventSink {
    fn begin(&mut self, meta: &Meta) -> Result<()> {
        self.send(self.text.run_started(meta))
    }

    fn event(&mut self, event: &Event) -> Result<()> {
        let line = self.text.event(event);
        self.send(line)
    }

    fn stack(&mut self, facts: &StackFacts) -> Result<()> {
        self.send(self.text.stack(facts))
    }

    fn streams(&mut self, facts: &[StreamFacts]) -> Result<()> {
        self.send(self.text.streams(facts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::samples;

    struct Broken(io::ErrorKind);

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Sends events until one is refused, or some have been taken.
    fn send_to(kind: io::ErrorKind) -> (Result<()>, Result<()>) {
        let stream = EventStream::start(Box::new(Broken(kind)), "x".into(), false).unwrap();
        let mut sink = stream.sink();
        let _ = sink.event(&samples::event(1));
        // The thread is over, or will be, whatever is sent.
        let _ = stream.ended.recv_timeout(READER);
        let sent = sink.event(&samples::event(2));
        drop(sink);
        (sent, stream.finish())
    }

    /// Takes nothing until it is told to.
    struct Blocked(Receiver<()>);

    impl Write for Blocked {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_does_not_read_holds_up_neither_the_run_nor_its_end() {
        let (release, blocked) = mpsc::channel();
        let stream = EventStream::start(Box::new(Blocked(blocked)), "x".into(), false).unwrap();
        let mut sink = stream.sink();
        for number in 0..1000 {
            sink.event(&samples::event(number)).unwrap();
        }
        drop(sink);
        let error = stream.finish_within(Duration::from_millis(50)).unwrap_err();
        assert!(error.to_string().contains("took nothing more"), "{error}");
        drop(release);
    }

    #[test]
    fn a_full_disk_ends_the_run_and_a_reader_that_left_does_not() {
        let (sent, _) = send_to(io::ErrorKind::StorageFull);
        assert!(sent.unwrap_err().to_string().contains("cannot write events to x"));
        let (sent, finished) = send_to(io::ErrorKind::BrokenPipe);
        sent.unwrap();
        finished.unwrap();
    }
}

//! Where all events and shots of a run come together, in one order.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::Clock;
use crate::error::{Error, Result};
use crate::observe::EventSink;
use crate::record::{Event, EventKind, Purpose, RecordWriter, Shot, StackFacts, StreamFacts};
use crate::ui::Screen;

/// How often the screen may be drawn anew.
const TICK: Duration = Duration::from_millis(66);

enum Entry {
    Event(Event),
    Shot(usize, Shot),
    Line(String),
    Streams(Vec<StreamFacts>),
    Stack(Box<StackFacts>),
    End,
}

/// Takes every event and shot of a run, in the order in which they come, and hands each to the
/// record and to the screen. Works on a thread of its own: neither a slow disk nor a slow
/// terminal holds up what is measured.
#[derive(Debug)]
pub struct Recorder {
    entries: mpsc::Sender<Entry>,
    thread: Option<JoinHandle<()>>,
    broken: CancellationToken,
    failure: Arc<Mutex<Option<Error>>>,
    clock: Clock,
}

impl Recorder {
    /// Starts to record.
    ///
    /// # Errors
    /// When no thread can be made.
    pub fn start(clock: Clock, writer: RecordWriter, screen: Screen) -> Result<Self> {
        let (entries, inbox) = mpsc::channel();
        let broken = CancellationToken::new();
        let failure = Arc::new(Mutex::new(None));
        let work = Work {
            clock,
            writer,
            screen,
            streams: Vec::new(),
            broken: broken.clone(),
            failure: failure.clone(),
        };
        let thread = thread::Builder::new()
            .name("recorder".into())
            .spawn(move || work.run(&inbox))
            .map_err(|error| {
                Error::environment("cannot start the recording thread").caused_by(error)
            })?;
        Ok(Self { entries, thread: Some(thread), broken, failure, clock })
    }

    /// Records something that happens now.
    pub fn tell(&self, kind: EventKind) {
        let now = self.clock.now();
        let _ = self.entries.send(Entry::Event(Event { at: now, seen: now, kind }));
    }

    /// Records an event.
    pub fn event(&self, event: Event) {
        let _ = self.entries.send(Entry::Event(event));
    }

    /// Prints a line that is not part of the record.
    pub fn line(&self, text: impl Into<String>) {
        let _ = self.entries.send(Entry::Line(text.into()));
    }

    /// Adds streams, in the order of the indices that their shots will come with.
    pub fn add_streams(&self, streams: Vec<StreamFacts>) {
        let _ = self.entries.send(Entry::Streams(streams));
    }

    /// Replaces what is known of the stack: somebody else's change can bring other settings.
    pub fn set_stack(&self, facts: StackFacts) {
        let _ = self.entries.send(Entry::Stack(Box::new(facts)));
    }

    /// Takes events from elsewhere.
    #[must_use]
    pub fn event_sink(&self) -> EventSink {
        let entries = self.entries.clone();
        Arc::new(move |event| {
            let _ = entries.send(Entry::Event(event));
        })
    }

    /// Takes shots from elsewhere.
    pub fn shot_sink(&self) -> impl Fn(usize, Shot) + Send + Sync + 'static {
        let entries = self.entries.clone();
        move |stream, shot| {
            let _ = entries.send(Entry::Shot(stream, shot));
        }
    }

    /// Fires when the record cannot be written any more.
    #[must_use]
    pub fn broken(&self) -> CancellationToken {
        self.broken.clone()
    }

    /// Ends the record and clears the screen.
    ///
    /// # Errors
    /// When the record could not be written whole.
    pub fn finish(mut self) -> Result<()> {
        let _ = self.entries.send(Entry::End);
        let ended = self.thread.take().map(JoinHandle::join);
        if let Some(Err(_)) = ended {
            return Err(Error::environment("the recording thread failed"));
        }
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.map_or(Ok(()), Err)
    }
}

struct Work {
    clock: Clock,
    writer: RecordWriter,
    screen: Screen,
    streams: Vec<Option<String>>,
    broken: CancellationToken,
    failure: Arc<Mutex<Option<Error>>>,
}

impl Work {
    fn run(mut self, inbox: &mpsc::Receiver<Entry>) {
        loop {
            match inbox.recv_timeout(TICK) {
                Ok(Entry::Event(event)) => {
                    let written = self.writer.event(&event);
                    self.check(written);
                    self.screen.event(&event);
                }
                Ok(Entry::Shot(stream, shot)) => {
                    let written = self.writer.shot(stream, &shot);
                    self.check(written);
                    if let Some(Some(name)) = self.streams.get(stream) {
                        self.screen.shot(name, &shot);
                    }
                }
                Ok(Entry::Line(text)) => self.screen.print(&text),
                Ok(Entry::Stack(facts)) => {
                    self.screen.facts(&facts);
                    let set = self.writer.set_stack(&facts);
                    self.check(set);
                }
                Ok(Entry::Streams(streams)) => {
                    let added = self.writer.add_streams(&streams);
                    self.check(added);
                    self.streams.extend(streams.into_iter().map(|stream| shown(&stream)));
                }
                Ok(Entry::End) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.screen.tick(self.clock.now());
        }
        let Self { writer, screen, broken, failure, .. } = self;
        note(writer.finish(), &failure, &broken);
        screen.finish();
    }

    fn check(&self, written: Result<()>) {
        note(written, &self.failure, &self.broken);
    }
}

/// The name under which a stream is shown. Streams in which requests have to fail are not: their
/// failures would look like the service's.
fn shown(stream: &StreamFacts) -> Option<String> {
    let shown = matches!(stream.purpose, Purpose::Users | Purpose::Control);
    shown.then(|| stream.name.clone())
}

fn note(written: Result<()>, failure: &Mutex<Option<Error>>, broken: &CancellationToken) {
    if let Err(error) = written {
        failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        broken.cancel();
    }
}

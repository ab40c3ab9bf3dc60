//! Where all events and shots of a run come together, in one order, on their way to the sinks.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::baseline::UsersCount;
use crate::Clock;
use crate::error::{Error, Result};
use crate::observe::EventSink;
use crate::record::{Event, EventKind, Shot, Sink, StackFacts, StreamFacts};

/// The time between two ticks of the sinks.
const TICK: Duration = Duration::from_millis(66);

enum Entry {
    Event(Event),
    Shot(usize, Shot),
    Line(String),
    Streams(Vec<StreamFacts>),
    Stack(Box<StackFacts>),
    End,
}

/// Takes every event and shot of a run, in the order in which they come, and hands each to every
/// sink: the record, the terminal, later ones. It works on a thread of its own, so that neither a
/// slow disk nor a slow terminal holds up what is measured.
#[derive(Debug)]
pub struct Recorder {
    entries: mpsc::Sender<Entry>,
    thread: Option<JoinHandle<()>>,
    broken: CancellationToken,
    failure: Arc<Mutex<Option<Error>>>,
    users: Arc<Mutex<UsersCount>>,
    clock: Clock,
}

impl Recorder {
    /// Starts to hand things on, to the sinks in this order.
    ///
    /// # Errors
    /// When no thread can be made.
    pub fn start(clock: Clock, sinks: Vec<Box<dyn Sink>>) -> Result<Self> {
        let (entries, inbox) = mpsc::channel();
        let broken = CancellationToken::new();
        let failure = Arc::new(Mutex::new(None));
        let users = Arc::new(Mutex::new(UsersCount::default()));
        let work = Work {
            clock,
            sinks,
            broken: broken.clone(),
            failure: failure.clone(),
            users: users.clone(),
            streams: Vec::new(),
        };
        let thread = thread::Builder::new()
            .name("recorder".into())
            .spawn(move || work.run(&inbox))
            .map_err(|error| {
                Error::environment("cannot start the recording thread").caused_by(error)
            })?;
        Ok(Self { entries, thread: Some(thread), broken, failure, users, clock })
    }

    /// Records something that happens now.
    pub fn tell(&self, kind: EventKind) {
        let now = self.clock.now();
        self.event(Event { at: now, seen: now, kind });
    }

    /// Says which part of the run begins.
    pub fn phase(&self, name: &str, text: impl Into<String>) {
        self.tell(EventKind::Phase { name: name.into(), text: text.into() });
    }

    /// Records something a reader of the verdict must know.
    pub fn caveat(&self, text: impl Into<String>) {
        self.tell(EventKind::Caveat { text: text.into() });
    }

    /// Records an event.
    pub fn event(&self, event: Event) {
        let _ = self.entries.send(Entry::Event(event));
    }

    /// Shows a line that is no part of the record.
    pub fn line(&self, text: impl Into<String>) {
        let _ = self.entries.send(Entry::Line(text.into()));
    }

    /// Adds streams, in the order of the indices that their shots will come with.
    pub fn add_streams(&self, streams: Vec<StreamFacts>) {
        let _ = self.entries.send(Entry::Streams(streams));
    }

    /// Says what is known of the stack, or is known now: an update from elsewhere can bring
    /// other settings.
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

    /// How users' requests ended since this was asked last.
    pub(super) fn take_users(&self) -> UsersCount {
        std::mem::take(&mut *self.users.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Fires when a sink cannot take things any more, such as a record whose disk is full.
    #[must_use]
    pub fn broken(&self) -> CancellationToken {
        self.broken.clone()
    }

    /// Ends every sink: the record is closed, the screen is clear.
    ///
    /// # Errors
    /// When a sink could not keep everything.
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
    sinks: Vec<Box<dyn Sink>>,
    broken: CancellationToken,
    failure: Arc<Mutex<Option<Error>>>,
    users: Arc<Mutex<UsersCount>>,
    /// The streams, by the index of their shots.
    streams: Vec<StreamFacts>,
}

impl Work {
    fn run(mut self, inbox: &mpsc::Receiver<Entry>) {
        loop {
            match inbox.recv_timeout(TICK) {
                Ok(Entry::Event(event)) => self.each(|sink| sink.event(&event)),
                Ok(Entry::Shot(stream, shot)) => {
                    if let Some(facts) = self.streams.get(stream) {
                        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
                        users.add(facts, &shot);
                    }
                    self.each(|sink| sink.shot(stream, &shot));
                }
                Ok(Entry::Line(text)) => self.each(|sink| {
                    sink.line(&text);
                    Ok(())
                }),
                Ok(Entry::Stack(facts)) => self.each(|sink| sink.stack(&facts)),
                Ok(Entry::Streams(streams)) => {
                    self.each(|sink| sink.streams(&streams));
                    self.streams.extend(streams);
                }
                Ok(Entry::End) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            let now = self.clock.now();
            self.sinks.iter_mut().for_each(|sink| sink.tick(now));
        }
        for sink in std::mem::take(&mut self.sinks) {
            self.note(sink.finish());
        }
    }

    fn each(&mut self, mut take: impl FnMut(&mut dyn Sink) -> Result<()>) {
        let taken: Vec<Result<()>> = self.sinks.iter_mut().map(|sink| take(&mut **sink)).collect();
        for taken in taken {
            self.note(taken);
        }
    }

    /// Keeps the first failure, which is the cause of those that follow.
    fn note(&self, taken: Result<()>) {
        if let Err(error) = taken {
            let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
            failure.get_or_insert(error);
            self.broken.cancel();
        }
    }
}

//! A prober in a container, and what it says.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::stderr_tail::StderrTail;
use super::waiting::Waiting;
use crate::Clock;
use crate::Offset;
use crate::engine::{Engine, LogPiece};
use crate::error::{Error, Result};
use crate::probe::{AgentEnd, AgentLine, EndedBy, ProbeTotals};
use crate::record::Shot;

/// What it is called in messages.
const WHO: &str = "the prober inside the network";
/// How long it may take to say its first word.
const HELLO_WITHIN: Duration = Duration::from_secs(30);
/// How long the engine may take to know that a container has ended after its log has.
const END_WITHIN: Duration = Duration::from_secs(5);

/// A prober that runs in a container. Its shots go to the sink as they are heard of, with their
/// times on the run's clock. Dropping it stops listening, and leaves the container.
#[derive(Debug)]
pub struct RemoteProber {
    engine: Engine,
    container: String,
    listener: AbortOnDropHandle<Result<AgentEnd>>,
    ended: Option<Result<AgentEnd>>,
}

/// Whose words are heard, and how they are understood.
pub(super) struct Listening<S> {
    pub engine: Engine,
    pub container: String,
    pub clock: Clock,
    /// The engine's wall clock minus this machine's.
    pub clock_offset: Offset,
    /// The index of its first stream in the run.
    pub first_stream: usize,
    /// How many streams it has.
    pub streams: usize,
    pub sink: S,
}

impl RemoteProber {
    /// Listens to a prober in a container from its first word on.
    ///
    /// # Errors
    /// When it does not say its first word, with what it said instead.
    pub(super) async fn listen(
        listening: Listening<impl Fn(usize, Shot) + Send + Sync + 'static>,
    ) -> Result<Self> {
        let (engine, container) = (listening.engine.clone(), listening.container.clone());
        let (greet, greeted) = oneshot::channel();
        let listener = AbortOnDropHandle::new(tokio::spawn(hear(listening, greet)));
        let mut prober = Self { engine, container, listener, ended: None };
        match timeout(HELLO_WITHIN, greeted).await {
            Ok(Ok(())) => Ok(prober),
            // It ended without a word.
            Ok(Err(_)) => {
                prober.ended().await;
                match prober.ended {
                    Some(Err(error)) => Err(error),
                    _ => Err(Error::environment(format!("{WHO} ended without a word"))),
                }
            }
            Err(_) => Err(Error::environment(format!(
                "{WHO} did not say a word within {} s",
                HELLO_WITHIN.as_secs()
            ))),
        }
    }

    /// Waits until it has ended for whatever reason, or cannot be heard any more: before
    /// [`RemoteProber::stop`] that should not happen. Can be dropped and called again.
    pub async fn ended(&mut self) {
        if self.ended.is_none() {
            let ended = (&mut self.listener).await;
            self.ended = Some(ended.unwrap_or_else(|error| {
                Err(Error::environment(format!("nobody listened to {WHO}")).caused_by(error))
            }));
        }
    }

    /// Asks it to stop, hears it to the end and returns what each stream did, in the order of the
    /// plans. Every shot has been given to the sink by then.
    ///
    /// # Errors
    /// When it had ended before and was not to, does not end `within` that time, or shots are
    /// missing: with what it wrote on its standard error.
    pub async fn stop(mut self, within: Duration) -> Result<Vec<ProbeTotals>> {
        let early = self.listener.is_finished() || self.ended.is_some();
        if !early {
            self.engine.signal_container(&self.container, "SIGTERM").await?;
        }
        if timeout(within, self.ended()).await.is_err() {
            return Err(Error::environment(format!(
                "{WHO} was asked to stop and has not told its last shots within {} s",
                within.as_secs()
            )));
        }
        let Some(end) = self.ended else { return Ok(Vec::new()) };
        let end = end?;
        match (end.by, early) {
            (EndedBy::Itself, _) | (EndedBy::Signal, false) => Ok(end.totals),
            (EndedBy::Signal, true) => {
                Err(Error::environment(format!("somebody stopped {WHO} during the run")))
            }
            (EndedBy::TimeLimit, _) => {
                Err(Error::environment(format!("the run took longer than {WHO} had been told")))
            }
        }
    }

    /// The container it runs in.
    #[must_use]
    pub fn container(&self) -> &str {
        &self.container
    }
}

/// Reads the log to the agent's last line.
async fn hear<S: Fn(usize, Shot)>(
    listening: Listening<S>,
    greet: oneshot::Sender<()>,
) -> Result<AgentEnd> {
    let mut log = Box::pin(listening.engine.follow_log(&listening.container));
    let (engine, container) = (listening.engine.clone(), listening.container.clone());
    let mut ear = Ear::new(listening, greet);
    let mut errors = StderrTail::default();
    let why = loop {
        match log.next().await {
            Some(Ok(LogPiece::Out(piece))) => {
                if let Some(end) = ear.hear(&piece)? {
                    return Ok(end);
                }
            }
            Some(Ok(LogPiece::Err(piece))) => errors.add(&piece),
            Some(Err(error)) => break format!("its log broke off: {error}"),
            None => break how_it_ended(&engine, &container).await,
        }
    };
    let said = errors.text();
    let error = Error::environment(format!("{WHO} ended early: {why}"));
    Err(if said.is_empty() { error } else { error.caused_by(said) })
}

async fn how_it_ended(engine: &Engine, container: &str) -> String {
    let waiting = Waiting::at_most(END_WITHIN);
    loop {
        match engine.container_state(container).await {
            Ok(Some(state)) if state.running => {}
            Ok(Some(state)) if state.oom_killed => return "its memory ran out".to_owned(),
            Ok(Some(state)) => {
                return format!("its container ended with exit code {}", state.exit_code);
            }
            Ok(None) => return "its container was removed".to_owned(),
            Err(error) => return format!("its log ended ({error})"),
        }
        if waiting.for_next_look("").await.is_err() {
            return "its log ended, and its container still runs".to_owned();
        }
    }
}

/// Turns what is heard into shots on the run's clock.
struct Ear<S> {
    listening: Listening<S>,
    greet: Option<oneshot::Sender<()>>,
    /// What is added to its times; known after its first word.
    shift: Option<Offset>,
    /// Shots heard of, by stream.
    heard: Vec<u64>,
    /// The beginning of a line whose end is still to come.
    part: Vec<u8>,
}

impl<S: Fn(usize, Shot)> Ear<S> {
    fn new(listening: Listening<S>, greet: oneshot::Sender<()>) -> Self {
        let heard = vec![0; listening.streams];
        Self { listening, greet: Some(greet), shift: None, heard, part: Vec::new() }
    }

    /// One more piece; the last line if it was in it.
    fn hear(&mut self, piece: &[u8]) -> Result<Option<AgentEnd>> {
        self.part.extend_from_slice(piece);
        while let Some(end) = self.part.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.part.drain(..=end).collect();
            if let Some(end) = self.line(&line)? {
                return Ok(Some(end));
            }
        }
        Ok(None)
    }

    fn line(&mut self, line: &[u8]) -> Result<Option<AgentEnd>> {
        let strange = || {
            Error::environment(format!("{WHO} said something that is not understood"))
                .caused_by(String::from_utf8_lossy(line).trim().to_owned())
        };
        let told = serde_json::from_slice(line).map_err(|_| strange())?;
        match (told, self.shift) {
            (AgentLine::Hello(hello), None) => {
                let Listening { clock, clock_offset, .. } = &self.listening;
                self.shift = Some(hello.shift(clock, *clock_offset));
                if let Some(greet) = self.greet.take() {
                    // Nobody waits any more if that took too long.
                    let _ = greet.send(());
                }
            }
            (AgentLine::Shot(stream, shot), Some(shift)) => {
                *self.heard.get_mut(stream).ok_or_else(strange)? += 1;
                (self.listening.sink)(self.listening.first_stream + stream, moved(shot, shift));
            }
            (AgentLine::End(end), Some(_)) => {
                self.check(&end)?;
                return Ok(Some(end));
            }
            _ => return Err(strange()),
        }
        Ok(None)
    }

    /// Whether every shot was heard of.
    fn check(&self, end: &AgentEnd) -> Result<()> {
        if end.totals.len() != self.heard.len() {
            return Err(Error::environment(format!("{WHO} had other streams than it was told")));
        }
        for (totals, heard) in end.totals.iter().zip(&self.heard) {
            if totals.shots() != *heard {
                return Err(Error::environment(format!(
                    "of the {} shots of stream `{}`, {heard} were heard from {WHO}",
                    totals.shots(),
                    totals.name
                )));
            }
        }
        Ok(())
    }
}

/// The shot with its times moved onto another clock.
fn moved(mut shot: Shot, shift: Offset) -> Shot {
    shot.intended = shot.intended + shift;
    for time in [&mut shot.sent, &mut shot.connected, &mut shot.first_byte, &mut shot.done] {
        *time = time.map(|time| time + shift);
    }
    shot
}

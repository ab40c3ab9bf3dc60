//! A prober in a container, and its output.

use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::waiting::Waiting;
use crate::Clock;
use crate::Offset;
use crate::engine::{Engine, LogPiece};
use crate::error::{Error, Result};
use crate::probe::{AgentEnd, AgentLine, EndedBy, ProbeTotals};
use crate::record::Shot;
use crate::wording::{count, counted, span};

/// The prober's name in messages.
const WHO: &str = "the prober inside the network";
/// How long it may take to print its first line.
const HELLO_WITHIN: Duration = Duration::from_secs(30);
/// How long the engine may take to notice that a container has ended, after the end of its log.
const END_WITHIN: Duration = Duration::from_secs(5);

/// How many bytes of a prober's standard error are kept.
const STDERR_KEPT: usize = 4_096;

/// A prober that runs in a container. Its shots go to the sink as they arrive, with their times on
/// the run's clock. Dropping it stops reading its output and leaves the container running.
#[derive(Debug)]
pub struct RemoteProber {
    engine: Engine,
    container: String,
    listener: AbortOnDropHandle<Result<AgentEnd>>,
    ended: Option<Result<AgentEnd>>,
}

/// Which prober to read, and how to interpret its output.
pub(super) struct Listening<S> {
    pub engine: Engine,
    pub container: String,
    pub clock: Clock,
    /// The engine's wall clock minus this machine's.
    pub clock_offset: Offset,
    /// The index of its first stream in the run.
    pub first_stream: usize,
    /// The number of its streams.
    pub streams: usize,
    pub sink: S,
}

impl RemoteProber {
    /// Reads the output of a prober in a container, and waits for its first line.
    ///
    /// # Errors
    /// When the first line does not arrive; the cause is what the prober printed instead.
    pub(super) async fn listen(
        listening: Listening<impl Fn(usize, Shot) + Send + Sync + 'static>,
    ) -> Result<Self> {
        let (engine, container) = (listening.engine.clone(), listening.container.clone());
        let (greet, greeted) = oneshot::channel();
        let listener = AbortOnDropHandle::new(tokio::spawn(read_output(listening, greet)));
        let mut prober = Self { engine, container, listener, ended: None };
        match timeout(HELLO_WITHIN, greeted).await {
            Ok(Ok(())) => Ok(prober),
            // It ended before its first line.
            Ok(Err(_)) => {
                prober.ended().await;
                match prober.ended {
                    Some(Err(error)) => Err(error),
                    _ => Err(Error::environment(format!("{WHO} ended without any output"))),
                }
            }
            Err(_) => Err(Error::environment(format!(
                "no output from {WHO} within {}",
                span(HELLO_WITHIN.into())
            ))),
        }
    }

    /// Waits until it has ended for any reason, or its output can no longer be read. Before
    /// [`RemoteProber::stop`] neither should happen. Can be dropped and called again.
    pub async fn ended(&mut self) {
        if self.ended.is_none() {
            let ended = (&mut self.listener).await;
            self.ended = Some(ended.unwrap_or_else(|error| {
                Err(Error::environment(format!("the task that reads {WHO} failed"))
                    .caused_by(error))
            }));
        }
    }

    /// Asks it to stop, reads the rest of its output and returns the totals of each stream, in the
    /// order of the plans. By then every shot has been passed to the sink.
    ///
    /// # Errors
    /// When it ended too early, does not end `within` that time, or shots are missing. The cause
    /// is what it wrote to standard error.
    pub async fn stop(mut self, within: Duration) -> Result<Vec<ProbeTotals>> {
        let early = self.listener.is_finished() || self.ended.is_some();
        if !early {
            self.engine.signal_container(&self.container, "SIGTERM").await?;
        }
        if timeout(within, self.ended()).await.is_err() {
            return Err(Error::environment(format!(
                "{WHO} did not stop within {}",
                span(within.into())
            )));
        }
        let Some(end) = self.ended else { return Ok(Vec::new()) };
        let end = end?;
        match (end.by, early) {
            (EndedBy::Itself, _) | (EndedBy::Signal, false) => Ok(end.totals),
            (EndedBy::Signal, true) => {
                Err(Error::environment(format!("something stopped {WHO} during the run")))
            }
            (EndedBy::TimeLimit, _) => {
                Err(Error::environment(format!("the run took longer than the time limit of {WHO}")))
            }
        }
    }

    /// The container it runs in.
    #[must_use]
    pub fn container(&self) -> &str {
        &self.container
    }
}

/// Reads the log up to the agent's last line.
async fn read_output<S: Fn(usize, Shot)>(
    listening: Listening<S>,
    greet: oneshot::Sender<()>,
) -> Result<AgentEnd> {
    let mut log = Box::pin(listening.engine.follow_log(&listening.container));
    let (engine, container) = (listening.engine.clone(), listening.container.clone());
    let mut reader = Reader::new(listening, greet);
    let mut errors = StderrTail::default();
    let why = loop {
        match log.next().await {
            Some(Ok(LogPiece::Out(piece))) => {
                if let Some(end) = reader.read(&piece)? {
                    return Ok(end);
                }
            }
            Some(Ok(LogPiece::Err(piece))) => errors.add(&piece),
            Some(Err(error)) => break format!("reading its log failed: {error}"),
            None => break how_it_ended(&engine, &container).await,
        }
    };
    let printed = errors.text();
    let error = Error::environment(format!("{WHO} ended early: {why}"));
    Err(if printed.is_empty() { error } else { error.caused_by(printed) })
}

async fn how_it_ended(engine: &Engine, container: &str) -> String {
    let waiting = Waiting::at_most(END_WITHIN);
    loop {
        match engine.container_state(container).await {
            Ok(Some(state)) if state.running => {}
            Ok(Some(state)) if state.oom_killed => return "it ran out of memory".to_owned(),
            Ok(Some(state)) => {
                return format!("its container ended with exit code {}", state.exit_code);
            }
            Ok(None) => return "its container was removed".to_owned(),
            Err(error) => return format!("its log ended ({error})"),
        }
        if waiting.next_check("").await.is_err() {
            return "its log ended, but its container is still running".to_owned();
        }
    }
}

/// Turns the prober's output into shots on the run's clock.
struct Reader<S> {
    listening: Listening<S>,
    greet: Option<oneshot::Sender<()>>,
    /// What to add to its times; known after its first line.
    shift: Option<Offset>,
    /// The number of shots received, by stream.
    received: Vec<u64>,
    /// The beginning of a line whose end has not arrived yet.
    part: Vec<u8>,
}

impl<S: Fn(usize, Shot)> Reader<S> {
    fn new(listening: Listening<S>, greet: oneshot::Sender<()>) -> Self {
        let received = vec![0; listening.streams];
        Self { listening, greet: Some(greet), shift: None, received, part: Vec::new() }
    }

    /// Reads one more piece; returns the last line if the piece contains it.
    fn read(&mut self, piece: &[u8]) -> Result<Option<AgentEnd>> {
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
        let invalid = || {
            Error::environment(format!("invalid output from {WHO}"))
                .caused_by(String::from_utf8_lossy(line).trim().to_owned())
        };
        let parsed = serde_json::from_slice(line).map_err(|_| invalid())?;
        match (parsed, self.shift) {
            (AgentLine::Hello(hello), None) => {
                let Listening { clock, clock_offset, .. } = &self.listening;
                self.shift = Some(hello.shift(clock, *clock_offset));
                if let Some(greet) = self.greet.take() {
                    // If that took too long, nothing is waiting any more.
                    let _ = greet.send(());
                }
            }
            (AgentLine::Shot(stream, shot), Some(shift)) => {
                *self.received.get_mut(stream).ok_or_else(invalid)? += 1;
                (self.listening.sink)(self.listening.first_stream + stream, moved(shot, shift));
            }
            (AgentLine::End(end), Some(_)) => {
                self.check(&end)?;
                return Ok(Some(end));
            }
            _ => return Err(invalid()),
        }
        Ok(None)
    }

    /// Checks that every shot was received.
    fn check(&self, end: &AgentEnd) -> Result<()> {
        if end.totals.len() != self.received.len() {
            return Err(Error::environment(format!("{WHO} reported the wrong streams")));
        }
        for (totals, received) in end.totals.iter().zip(&self.received) {
            if totals.shots() != *received {
                return Err(Error::environment(format!(
                    "only {} of {} of stream `{}` arrived from {WHO}",
                    count(*received),
                    counted(totals.shots(), "request"),
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

/// The last lines that a container wrote to standard error, in bounded memory.
#[derive(Debug, Default)]
struct StderrTail(String);

impl StderrTail {
    /// Adds one more piece.
    fn add(&mut self, piece: &[u8]) {
        self.0.push_str(&String::from_utf8_lossy(piece));
        while self.0.len() > STDERR_KEPT {
            match self.0.find('\n') {
                Some(end) => self.0.drain(..=end),
                None => self.0.drain(..),
            };
        }
    }

    /// The lines, joined into one.
    fn text(&self) -> String {
        let lines = self.0.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept() {
        let mut tail = StderrTail::default();
        tail.add(b"error: it ");
        tail.add(b"broke\n\n  hint: fix it\n");
        assert_eq!(tail.text(), "error: it broke; hint: fix it");
        for number in 0..10_000 {
            tail.add(format!("line {number}\n").as_bytes());
        }
        assert!(tail.0.len() <= STDERR_KEPT);
        assert!(tail.text().starts_with("line ") && tail.text().ends_with("line 9999"));
        tail.add(&[b'x'; 2 * STDERR_KEPT]);
        assert_eq!(tail.text(), "");
    }
}

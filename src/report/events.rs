//! The event stream: a run as JSON lines, while it goes on (`--events`) or later from its record.
//!
//! `docs/schema/event-stream.json` describes the lines.

use serde::Serialize;

use super::format::{RecordFormat, Recorded};
use crate::Offset;
use crate::judge::Verdict;
use crate::record::{Event, Meta, StackFacts, StreamFacts};

/// What `--events` writes.
pub const EVENTS: RecordFormat = RecordFormat {
    name: "events",
    about: "what happened, one JSON object a line, as --events writes it during the run",
    write,
};

/// A line that is no event of the record.
#[derive(Serialize)]
struct Line<'a> {
    at: Offset,
    seen: Offset,
    kind: Kind<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum Kind<'a> {
    /// The first line of a run: what is known before anything happens.
    RunStarted { run: &'a Meta },
    /// The facts about the stack, which replace those of the first line.
    Stack { stack: &'a StackFacts },
    /// More streams, after those of the lines before.
    Streams { streams: &'a [StreamFacts] },
    /// The last line of a run: what the judge says of it.
    Judged { run_id: &'a str, verdict: Verdict, headline: &'a str, because: &'a [String] },
}

/// The lines of one run, each with its end.
#[derive(Debug, Default)]
pub struct EventLines {
    /// When the last event was seen.
    now: Offset,
}

impl EventLines {
    /// The first line.
    #[must_use]
    pub fn run_started(&self, meta: &Meta) -> String {
        self.now(Kind::RunStarted { run: meta })
    }

    /// New facts about the stack.
    #[must_use]
    pub fn stack(&self, facts: &StackFacts) -> String {
        self.now(Kind::Stack { stack: facts })
    }

    /// More streams.
    #[must_use]
    pub fn streams(&self, facts: &[StreamFacts]) -> String {
        self.now(Kind::Streams { streams: facts })
    }

    /// An event, as the record has it.
    #[must_use]
    pub fn event(&mut self, event: &Event) -> String {
        self.now = event.seen;
        line(event)
    }

    /// The last line.
    #[must_use]
    pub fn judged(recorded: Recorded) -> String {
        let Recorded { run, judgement } = recorded;
        let now = run.events.last().map_or(Offset::ZERO, |event| event.seen);
        Self { now }.now(Kind::Judged {
            run_id: &judgement.run_id,
            verdict: judgement.verdict,
            headline: &judgement.headline,
            because: &judgement.because,
        })
    }

    fn now(&self, kind: Kind) -> String {
        line(&Line { at: self.now, seen: self.now, kind })
    }
}

fn write(recorded: Recorded) -> String {
    let mut lines = EventLines::default();
    let mut text = lines.run_started(&recorded.run.meta);
    text.extend(recorded.run.events.iter().map(|event| lines.event(event)));
    text + &EventLines::judged(recorded)
}

#[expect(clippy::expect_used, reason = "writing plain values into memory cannot fail")]
fn line(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string(value).expect("it is plain values");
    text.push('\n');
    text
}

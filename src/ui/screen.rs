//! What the user sees of a run while it goes on.

use std::borrow::Cow;

use super::area::Area;
use super::explained_log::ExplainedLog;
use super::full_log::FullLog;
use super::mode::{Mode, Palette};
use super::narrator::Narrator;
use super::requests::Requests;
use super::sentences::Narration;
use super::short_log::ShortLog;
use super::slots::SlotTable;
use super::task_line::TaskLine;
use super::terminal::Terminal;
use crate::Offset;
use crate::Result;
use crate::record::{Event, Meta, Shot, Sink, StackFacts, StreamFacts};
use crate::wording::{clean, wrap};

/// A run shorter than this shows no live area: it would only flash.
const APPEAR: Offset = Offset::from_millis(250);
/// The live area is drawn at most fifteen times a second.
const REDRAW: Offset = Offset::from_millis(66);

/// A line of the log.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Its time.
    pub at: Offset,
    /// What it says; two spaces before what belongs to an earlier line.
    pub text: String,
    /// Whether it says something that the live area does not keep showing.
    pub lasting: bool,
}

/// What the log may look at. It already knows the event at hand.
pub(super) struct Scene<'a> {
    /// The phase, the scenario, the stack's settings.
    pub narrator: &'a Narrator,
    /// What Swarm is doing.
    pub narration: &'a Narration,
    /// The replicas.
    pub slots: &'a SlotTable,
    /// The requests.
    pub requests: &'a Requests,
}

/// Turns a run into lines that are never taken back.
pub(super) trait RunLog: Send {
    /// The beginning of a line: its time.
    fn stamp(&self, at: Offset) -> String;

    /// Takes an event; `before` is what was known of its task before.
    fn event(&mut self, event: &Event, before: Option<&TaskLine>, scene: &Scene) -> Vec<Line>;

    /// Takes the outcome of a request of that stream.
    fn shot(&mut self, name: &str, shot: &Shot, scene: &Scene) -> Vec<Line>;

    /// Lets time pass.
    fn advance(&mut self, now: Offset, scene: &Scene) -> Vec<Line>;

    /// The run is over: what was held must be said now.
    fn finish(&mut self, scene: &Scene) -> Vec<Line>;

    /// Takes a step that is not part of the record.
    fn line(&mut self, now: Offset, text: &str, scene: &Scene) -> Vec<Line>;
}

/// A phase or scenario in plain words.
pub(super) fn phase_name(name: &str) -> Cow<'_, str> {
    match name {
        "negative-control" => "self-test".into(),
        "broken-update" => "broken update".into(),
        "watched-update" => "update".into(),
        name => clean(name),
    }
}

/// What the user sees of a run while it goes on.
///
/// It reads no clock: time passes with [`Screen::tick`], which should be called about fifteen
/// times a second. Writing may block as long as the terminal does, so it belongs on a thread
/// that nothing else waits for.
pub struct Screen {
    mode: Mode,
    palette: Palette,
    terminal: Terminal,
    log: Box<dyn RunLog>,
    narrator: Narrator,
    slots: SlotTable,
    requests: Requests,
    narration: Narration,
    waiting_since: Offset,
    /// The time so far; absent before the first event or tick.
    now: Option<Offset>,
    /// When the first event or tick came, and when the area was drawn last.
    began: Option<Offset>,
    drawn: Option<Offset>,
    /// The names of the streams, by index.
    streams: Vec<String>,
}

impl Screen {
    /// A screen that writes to `terminal` in the given mode. Only the live mode has colours.
    #[must_use]
    pub fn new(mode: Mode, colour: bool, terminal: Terminal) -> Self {
        Self {
            mode,
            palette: Palette { colour },
            terminal,
            log: Box::new(ShortLog::default()),
            narrator: Narrator::default(),
            slots: SlotTable::default(),
            requests: Requests::default(),
            narration: Narration::default(),
            waiting_since: Offset::ZERO,
            now: None,
            began: None,
            drawn: None,
            streams: Vec::new(),
        }
    }

    /// With `verbose`, the log has a line for every step of every task and for every sentence,
    /// and counts requests every ten seconds; else it has few lines. Call it before anything is
    /// shown.
    #[must_use]
    pub fn verbose(mut self, verbose: bool) -> Self {
        if verbose {
            self.log = Box::new(FullLog::default());
        }
        self
    }

    /// With `explain`, the log says the engine's rule and the setting behind each step. Call it before
    /// anything is shown.
    #[must_use]
    pub fn explained(mut self, explain: bool) -> Self {
        if explain {
            self.log = Box::new(ExplainedLog::default());
        }
        self
    }

    /// Lets the sentences name the stack's settings.
    pub fn facts(&mut self, facts: &StackFacts) {
        self.slots.stack(&facts.name);
        self.narrator.facts(facts);
    }

    /// Takes an event.
    pub fn event(&mut self, event: &Event) {
        self.pass(event.seen);
        let before = self.slots.event(event);
        self.narrator.event(event);
        self.requests.event(event);
        let narration = self.narrator.narrate(&self.slots);
        let waits = |narration: &Narration| narration.waiting.clone();
        if !waits(&narration)
            .zip(waits(&self.narration))
            .is_some_and(|(new, old)| new.is_same(&old))
        {
            self.waiting_since = event.at;
        }
        self.narration = narration;
        self.log(|log, scene| log.event(event, before.as_ref(), scene));
    }

    /// Takes the outcome of a request of the stream with that name.
    pub fn shot(&mut self, stream: &str, shot: &Shot) {
        self.requests.shot(stream, shot);
        self.log(|log, scene| log.shot(stream, shot, scene));
    }

    /// Lets time pass, and draws the live area when it is due.
    pub fn tick(&mut self, now: Offset) {
        self.pass(now);
        let began = *self.began.get_or_insert(now);
        let due = self.drawn.is_none_or(|drawn| now - drawn >= REDRAW);
        if self.mode == Mode::Live && now - began >= APPEAR && due {
            self.drawn = Some(now);
            let area = Area {
                narrator: &self.narrator,
                narration: &self.narration,
                waiting_since: self.waiting_since,
                slots: &self.slots,
                requests: &self.requests,
                now,
                size: self.terminal.size(),
                palette: self.palette,
            };
            self.terminal.draw(area.lines());
        }
    }

    fn pass(&mut self, now: Offset) {
        self.began.get_or_insert(now);
        self.now = self.now.max(Some(now));
        self.log(|log, scene| log.advance(now, scene));
    }

    /// Asks the log for lines and writes them; live, only what should stay above the area.
    fn log(&mut self, ask: impl FnOnce(&mut dyn RunLog, &Scene) -> Vec<Line>) {
        let scene = Scene {
            narrator: &self.narrator,
            narration: &self.narration,
            slots: &self.slots,
            requests: &self.requests,
        };
        for line in ask(self.log.as_mut(), &scene) {
            let stamp = self.log.stamp(line.at);
            let lines = match self.mode {
                Mode::Plain => vec![line.text],
                Mode::Live if line.lasting => self.wrapped(&line.text, stamp.len()),
                Mode::Live | Mode::Quiet => continue,
            };
            let text = lines.join(&format!("\n{:1$}", "", stamp.len()));
            self.terminal.print(&format!("{stamp}{text}"));
        }
    }

    /// A line in the room behind its time; what follows the first line stands below its text.
    fn wrapped(&self, text: &str, stamp: usize) -> Vec<String> {
        let indent = text.len() - text.trim_start().len();
        let width = self.terminal.size().columns.saturating_sub(stamp + indent + 1);
        let lines = wrap(text, width, usize::MAX);
        lines.iter().map(|line| format!("{:indent$}{line}", "")).collect()
    }
}

impl Sink for Screen {
    fn begin(&mut self, meta: &Meta) -> Result<()> {
        self.stack(&meta.stack)
    }

    fn event(&mut self, event: &Event) -> Result<()> {
        Self::event(self, event);
        Ok(())
    }

    fn stack(&mut self, facts: &StackFacts) -> Result<()> {
        self.facts(facts);
        Ok(())
    }

    fn streams(&mut self, facts: &[StreamFacts]) -> Result<()> {
        for stream in facts {
            self.requests.stream(stream);
            self.streams.push(stream.name.clone());
        }
        Ok(())
    }

    fn shot(&mut self, stream: usize, shot: &Shot) -> Result<()> {
        if let Some(name) = self.streams.get(stream) {
            let name = name.clone();
            Self::shot(self, &name, shot);
        }
        Ok(())
    }

    fn line(&mut self, text: &str) {
        let now = self.now.unwrap_or_default();
        for line in text.lines() {
            self.log(|log, scene| log.line(now, &clean(line), scene));
        }
    }

    fn tick(&mut self, now: Offset) {
        Self::tick(self, now);
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A panic has just written its message where the area would be cleared.
        if !std::thread::panicking() {
            self.log(|log, scene| log.finish(scene));
            self.terminal.draw(Vec::new());
        }
    }
}

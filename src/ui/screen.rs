//! What the user sees of a run while it goes on.

use super::mode::Mode;
use super::narrator::Narrator;
use super::plain;
use super::requests::{Line, Requests};
use super::slot_table::SlotTable;
use super::terminal::Terminal;
use crate::record::{Event, EventKind, Offset, Shot, StackFacts};

/// How long a sentence must hold before plain output tells it: while Swarm hands out slots,
/// each poll brings another one.
const HOLD: Offset = Offset::from_millis(500);

/// What the user sees of a run while it goes on.
///
/// It reads no clock: time passes with the events and with [`Screen::tick`], which should be
/// called about fifteen times a second.
pub struct Screen {
    mode: Mode,
    terminal: Terminal,
    narrator: Narrator,
    slots: SlotTable,
    requests: Requests,
    /// The newest sentence, since when it holds, and whether it was told.
    sentence: (String, Offset, bool),
}

impl Screen {
    /// A screen that writes to `terminal` in the given mode.
    #[must_use]
    pub fn new(mode: Mode, colour: bool, terminal: Terminal) -> Self {
        _ = colour;
        Self {
            mode,
            terminal,
            narrator: Narrator::default(),
            slots: SlotTable::default(),
            requests: Requests::default(),
            sentence: (String::new(), Offset::ZERO, true),
        }
    }

    /// Lets the sentences name the stack's settings.
    pub fn facts(&mut self, facts: &StackFacts) {
        self.slots.stack(&facts.name);
        self.narrator.facts(facts);
    }

    /// Takes an event.
    pub fn event(&mut self, event: &Event) {
        self.tick(event.seen);
        let before = self.slots.event(event);
        self.narrator.event(event);
        if matches!(event.kind, EventKind::Phase { .. } | EventKind::ScenarioEnded { .. }) {
            self.requests.stop(event.seen);
        }
        if let Some(line) = plain::line(event, before.as_ref(), &self.slots) {
            self.tell((event.at, line));
        }
        self.note_sentence(event.seen);
    }

    /// Takes one request's outcome.
    pub fn shot(&mut self, stream: &str, shot: &Shot) {
        if let Some(line) = self.requests.shot(stream, shot) {
            self.tell(line);
        }
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Offset) {
        self.note_sentence(now);
        let (sentence, since, told) = &mut self.sentence;
        if !*told && now - *since >= HOLD {
            *told = true;
            let line = (*since, sentence.clone());
            self.tell(line);
        }
        for line in self.requests.advance(now) {
            self.tell(line);
        }
    }

    /// Writes text above the live area; nothing in the quiet mode.
    pub fn print(&mut self, text: &str) {
        if self.mode != Mode::Quiet {
            self.terminal.print(text);
        }
    }

    /// Ends the showing and clears the live area.
    pub fn finish(self) {}

    fn note_sentence(&mut self, now: Offset) {
        let sentence = self.narrator.narrate(&self.slots).doing;
        if sentence != self.sentence.0 {
            let told = sentence.is_empty();
            self.sentence = (sentence, now, told);
        }
    }

    fn tell(&self, (at, line): Line) {
        if self.mode == Mode::Plain {
            self.terminal.print(&format!("{:>8}  {line}", at.to_string()));
        }
    }
}

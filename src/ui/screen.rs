//! What the user sees of a run while it goes on.

use super::frame::Frame;
use super::mode::Mode;
use super::narration::Narration;
use super::narrator::Narrator;
use super::palette::Palette;
use super::plain;
use super::requests::Requests;
use super::slot_table::SlotTable;
use super::terminal::Terminal;
use super::words::wrap;
use crate::Offset;
use crate::Result;
use crate::record::{Event, EventKind, Purpose, Shot, Sink, StackFacts, StreamFacts};

/// How long a sentence must hold before plain output tells it: while Swarm hands out slots,
/// each poll brings another one.
const HOLD: Offset = Offset::from_millis(200);
/// A run shorter than this shows no live area: it would only flash.
const APPEAR: Offset = Offset::from_millis(250);
/// Where the text of a line begins, after its time.
const INDENT: usize = 10;
/// The live area is drawn at most fifteen times a second.
const REDRAW: Offset = Offset::from_millis(66);

/// What the user sees of a run while it goes on.
///
/// It reads no clock: time passes with [`Screen::tick`], which should be called about fifteen
/// times a second. Writing may block as long as the terminal does, so it belongs on a thread
/// that nothing else waits for.
pub struct Screen {
    mode: Mode,
    palette: Palette,
    terminal: Terminal,
    narrator: Narrator,
    slots: SlotTable,
    requests: Requests,
    narration: Narration,
    /// When what it says happened, when it was noticed, and whether plain output told it.
    sentence_at: Offset,
    sentence_seen: Offset,
    sentence_told: bool,
    waiting_since: Offset,
    /// When the first event or tick came, and when the area was drawn last.
    began: Option<Offset>,
    drawn: Option<Offset>,
    /// The names of the streams, by index; absent for those that are not shown.
    streams: Vec<Option<String>>,
}

impl Screen {
    /// A screen that writes to `terminal` in the given mode. Only the live mode has colours.
    #[must_use]
    pub fn new(mode: Mode, colour: bool, terminal: Terminal) -> Self {
        Self {
            mode,
            palette: Palette { colour },
            terminal,
            narrator: Narrator::default(),
            slots: SlotTable::default(),
            requests: Requests::default(),
            narration: Narration::default(),
            sentence_at: Offset::ZERO,
            sentence_seen: Offset::ZERO,
            sentence_told: true,
            waiting_since: Offset::ZERO,
            began: None,
            drawn: None,
            streams: Vec::new(),
        }
    }

    /// Lets the sentences name the stack's settings.
    pub fn facts(&mut self, facts: &StackFacts) {
        self.slots.stack(&facts.name);
        self.narrator.facts(facts);
    }

    /// Takes an event.
    pub fn event(&mut self, event: &Event) {
        self.pass(event.seen);
        if matches!(event.kind, EventKind::Phase { .. }) {
            self.tell_sentence();
        }
        let before = self.slots.event(event);
        self.narrator.event(event);
        if matches!(event.kind, EventKind::Phase { .. } | EventKind::ScenarioEnded { .. }) {
            self.requests.stop(event.seen);
        }
        if let Some(line) = plain::line(event, before.as_ref(), &self.slots) {
            // The live area has a line for each task; above it only the milestones stay.
            let task = matches!(event.kind, EventKind::Task(_) | EventKind::Container { .. });
            self.tell(event.at, &line, !task);
        }
        self.narrate(event);
    }

    /// Takes one request's outcome.
    pub fn shot(&mut self, stream: &str, shot: &Shot) {
        if let Some(line) = self.requests.shot(stream, shot) {
            self.tell(line.at, &line.text, line.lasting);
        }
    }

    /// Lets time pass, and draws the live area when it is due.
    pub fn tick(&mut self, now: Offset) {
        self.pass(now);
        let began = *self.began.get_or_insert(now);
        let due = self.drawn.is_none_or(|drawn| now - drawn >= REDRAW);
        if self.mode == Mode::Live && now - began >= APPEAR && due {
            self.drawn = Some(now);
            let frame = Frame {
                narrator: &self.narrator,
                narration: &self.narration,
                waiting_since: self.waiting_since,
                slots: &self.slots,
                requests: &self.requests,
                now,
                size: self.terminal.size(),
                palette: self.palette,
            };
            self.terminal.draw(frame.lines());
        }
    }

    /// Writes text above the live area; nothing in the quiet mode.
    pub fn print(&mut self, text: &str) {
        if self.mode != Mode::Quiet {
            self.terminal.print(text);
        }
    }

    /// Ends the showing and clears the live area, as dropping does.
    pub fn finish(self) {}

    fn pass(&mut self, now: Offset) {
        self.began.get_or_insert(now);
        if now - self.sentence_seen >= HOLD {
            self.tell_sentence();
        }
        for line in self.requests.advance(now) {
            self.tell(line.at, &line.text, line.lasting);
        }
    }

    fn tell_sentence(&mut self) {
        if !std::mem::replace(&mut self.sentence_told, true) {
            self.tell(self.sentence_at, &self.narration.doing, false);
        }
    }

    fn narrate(&mut self, event: &Event) {
        let narration = self.narrator.narrate(&self.slots);
        if narration.doing != self.narration.doing {
            self.sentence_at = event.at;
            self.sentence_seen = event.seen;
            self.sentence_told = narration.doing.is_empty();
        }
        if narration.waiting != self.narration.waiting {
            self.waiting_since = event.at;
        }
        self.narration = narration;
    }

    /// A line with its time; live, only what should stay above the area.
    fn tell(&self, at: Offset, text: &str, lasting: bool) {
        let lines = match self.mode {
            Mode::Plain => vec![text.to_owned()],
            Mode::Live if lasting => {
                let width = self.terminal.size().columns.saturating_sub(INDENT + 1);
                wrap(text, width, usize::MAX)
            }
            Mode::Live | Mode::Quiet => return,
        };
        let text = lines.join(&format!("\n{:INDENT$}", ""));
        self.terminal.print(&format!("{:>1$}  {text}", at.to_string(), INDENT - 2));
    }
}

impl Sink for Screen {
    fn event(&mut self, event: &Event) -> Result<()> {
        Self::event(self, event);
        Ok(())
    }

    fn stack(&mut self, facts: &StackFacts) -> Result<()> {
        self.facts(facts);
        Ok(())
    }

    /// Streams whose requests have to fail are not shown: their failures would look like the
    /// service's.
    fn streams(&mut self, facts: &[StreamFacts]) -> Result<()> {
        let shown = |stream: &StreamFacts| {
            matches!(stream.purpose, Purpose::Users | Purpose::Control).then(|| stream.name.clone())
        };
        self.streams.extend(facts.iter().map(shown));
        Ok(())
    }

    fn shot(&mut self, stream: usize, shot: &Shot) -> Result<()> {
        if let Some(Some(name)) = self.streams.get(stream) {
            let name = name.clone();
            Self::shot(self, &name, shot);
        }
        Ok(())
    }

    fn line(&mut self, text: &str) {
        self.print(text);
    }

    fn tick(&mut self, now: Offset) {
        Self::tick(self, now);
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A panic has just written its message where the area would be cleared.
        if !std::thread::panicking() {
            self.terminal.draw(Vec::new());
        }
    }
}

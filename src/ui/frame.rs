//! The live area: what stands in it and how it fits into the terminal.

use super::narration::Narration;
use super::narrator::Narrator;
use super::palette::{HEAD, PAST, Palette};
use super::request_line;
use super::requests::Requests;
use super::slot_lines;
use super::slot_table::SlotTable;
use super::terminal::Size;
use super::words::{span, wrap};
use crate::Offset;

/// What the live area shows, and the room for it.
pub(super) struct Frame<'a> {
    /// Whom to ask about the phase.
    pub narrator: &'a Narrator,
    /// What Swarm is doing.
    pub narration: &'a Narration,
    /// Since when the same thing is waited for.
    pub waiting_since: Offset,
    /// The replicas.
    pub slots: &'a SlotTable,
    /// The requests.
    pub requests: &'a Requests,
    /// The time so far.
    pub now: Offset,
    /// The terminal.
    pub size: Size,
    /// Its colours.
    pub palette: Palette,
}

impl Frame<'_> {
    /// The lines, each within the width, and together with the cursor's own row within the
    /// height.
    pub fn lines(&self) -> Vec<String> {
        // The last column stays free: some terminals wrap as soon as it is written.
        let width = self.size.columns.saturating_sub(1);
        let height = self.size.rows.saturating_sub(1);
        let head = self.head(width);
        let requests: Vec<String> = self
            .requests
            .active()
            .map(|(name, stream)| request_line::line(name, stream, self.now, width, self.palette))
            .collect();
        let foot = self.foot(width);
        let room = height.saturating_sub(head.len() + requests.len() + foot.len());
        let slots = slot_lines::Lines {
            slots: self.slots,
            service: self.narrator.service(),
            health_checked: self.narrator.health_checked(),
            now: self.now,
            palette: self.palette,
        };
        let mut lines = head;
        lines.extend(slots.fitting(width, room));
        lines.extend(requests);
        lines.extend(foot);
        if lines.len() + 8 < height {
            // Where there is plenty of room, the area stands apart from the lines above it.
            lines.insert(0, String::new());
        }
        // In a window of a few rows the newest words are at the bottom.
        lines.drain(..lines.len().saturating_sub(height));
        lines
    }

    /// The phase and what Swarm does in it.
    fn head(&self, width: usize) -> Vec<String> {
        let (name, text) = self.narrator.phase().unwrap_or_default();
        let doing = &self.narration.doing;
        let sentence = if doing.is_empty() { text } else { doing };
        let label = if name.is_empty() { String::new() } else { format!("{name}: ") };
        let mut lines = wrap(&format!("{label}{sentence}"), width, 3);
        if let Some(first) = lines.first_mut()
            && let Some(rest) = first.strip_prefix(&label)
        {
            *first = format!("{}{rest}", self.palette.paint(HEAD, &label));
        }
        lines
    }

    /// The time so far, and what is being waited for.
    fn foot(&self, width: usize) -> Vec<String> {
        let mut text = format!("{} so far", span(self.now));
        if let Some(waiting) = &self.narration.waiting {
            let since = span(self.now - self.waiting_since);
            text = format!("{text} · waiting {since} for {waiting}");
        }
        let lines = wrap(&text, width, 2);
        lines.iter().map(|line| self.palette.paint(PAST, line)).collect()
    }
}

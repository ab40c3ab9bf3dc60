//! The live area: what stands in it and how it fits into the terminal.

use console::measure_text_width;

use super::mode::{BAD, HEAD, PAST, Palette};
use super::narrator::Narrator;
use super::request_stream::{RequestStream, classes_text};
use super::requests::Requests;
use super::screen::phase_name;
use super::sentences::Narration;
use super::slot_lines;
use super::slots::SlotTable;
use super::terminal::Size;
use crate::Offset;
use crate::wording::{clean, count, cut, length, span, wrap};

/// What the live area shows, and the room for it.
pub(super) struct Area<'a> {
    /// The phase that is under way.
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

impl Area<'_> {
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
            .map(|(name, stream)| stream_line(name, stream, self.now, width, self.palette))
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
        let name = phase_name(name);
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
            let since = self.now - waiting.since.unwrap_or(self.waiting_since);
            text = format!("{text} · {}", waiting.line(since));
        }
        let lines = wrap(&text, width, 2);
        lines.iter().map(|line| self.palette.paint(PAST, line)).collect()
    }
}

/// The line of a stream, in as many words as the width allows.
fn stream_line(
    name: &str,
    stream: &RequestStream,
    now: Offset,
    width: usize,
    palette: Palette,
) -> String {
    let full = words(name, stream, now, palette, true);
    if measure_text_width(&full) <= width {
        return full;
    }
    cut(&words(name, stream, now, palette, false), width)
}

fn words(name: &str, stream: &RequestStream, now: Offset, palette: Palette, full: bool) -> String {
    let mut parts = vec![format!("{:.0}/s", stream.rate(now))];
    if full {
        parts.push(format!("{} sent", count(stream.sent)));
    }
    let failed = stream.failed();
    parts.push(match failed {
        0 => "0 failed".to_owned(),
        _ if full => {
            let text = format!("{} failed ({})", count(failed), classes_text(&stream.classes));
            palette.paint(BAD, &text)
        }
        _ => palette.paint(BAD, &format!("{} failed", count(failed))),
    });
    if stream.unsent > 0 {
        parts.push(palette.paint(BAD, &format!("{} never sent", count(stream.unsent))));
    }
    let gaps = stream.gaps(now);
    if let Some(open) = gaps.now {
        parts.push(palette.paint(BAD, &format!("gap {} now", length(open))));
    }
    if gaps.longest > Offset::ZERO && (full || gaps.now.is_none()) {
        parts.push(format!("longest gap {}", length(gaps.longest)));
    } else if full && gaps.now.is_none() {
        parts.push("no gap".to_owned());
    }
    if let Some(p99) = stream.p99(now) {
        parts.push(format!("p99 {}", length(p99)));
    }
    let label = if full { "requests " } else { "" };
    format!("{label}{}: {}", clean(name), parts.join(" · "))
}

#[cfg(test)]
mod tests {
    use super::super::replay::shot;
    use super::*;
    use crate::record::Outcome;

    const PLAIN: Palette = Palette { colour: false };

    fn stream() -> RequestStream {
        let mut stream = RequestStream::default();
        for due in (0..10_000).step_by(5) {
            let outcome = if due < 9_000 { Outcome::Ok } else { Outcome::Refused };
            stream.shot(&shot(due, due + 3, outcome));
        }
        stream
    }

    #[test]
    fn wide_and_narrow() {
        let (stream, now) = (stream(), Offset::from_millis(10_000));
        assert_eq!(
            stream_line("proxy", &stream, now, 120, PLAIN),
            "requests proxy: 200/s · 2,000 sent · 200 failed (200 refused) · gap 1.00 s now · \
             longest gap 1.00 s · p99 3.0 ms"
        );
        assert_eq!(
            stream_line("proxy", &stream, now, 60, PLAIN),
            "proxy: 200/s · 200 failed · gap 1.00 s now · p99 3.0 ms"
        );
        assert_eq!(measure_text_width(&stream_line("proxy", &stream, now, 20, PLAIN)), 20);
    }

    #[test]
    fn failures_do_not_stand_out_by_colour_alone() {
        let coloured = stream_line(
            "proxy",
            &stream(),
            Offset::from_millis(10_000),
            120,
            Palette { colour: true },
        );
        let plain = stream_line("proxy", &stream(), Offset::from_millis(10_000), 120, PLAIN);
        assert_ne!(coloured, plain);
        assert_eq!(console::strip_ansi_codes(&coloured), plain);
    }
}

//! One line for each stream while it runs.

use std::time::Duration;

use crate::Offset;
use crate::probe::{LiveSnapshot, LiveWindow, StreamPlan};
use crate::record::Shot;
use crate::ui::Terminal;
use crate::wording::{count, counted, cut, length, span};

/// The time that the figures cover.
const WINDOW: Duration = Duration::from_secs(5);

/// One line for each stream while it runs.
pub(super) struct LiveLines {
    terminal: Terminal,
    /// A stream's prefix and its window.
    streams: Vec<(String, LiveWindow)>,
}

impl LiveLines {
    /// Lines for these streams; none draw nothing.
    pub fn new(plans: &[StreamPlan], terminal: &Terminal) -> Self {
        let prefix = |plan: &StreamPlan| match plans {
            [_] => String::new(),
            _ => format!("{}  ", plan.url()),
        };
        let streams = plans.iter().map(|plan| (prefix(plan), LiveWindow::new(WINDOW))).collect();
        Self { terminal: terminal.clone(), streams }
    }

    /// Adds a shot of the stream with this index.
    pub fn add(&mut self, stream: usize, shot: &Shot) {
        if let Some((_, window)) = self.streams.get_mut(stream) {
            window.add(shot);
        }
    }

    /// Draws the lines.
    pub fn draw(&self, now: Offset) {
        let columns = self.terminal.size().columns;
        let line = |(prefix, window): &(String, LiveWindow)| {
            cut(&format!("{prefix}{}", words(&window.snapshot(now), now)), columns)
        };
        self.terminal.draw(self.streams.iter().map(line).collect());
    }

    /// Removes the lines from the screen.
    pub fn clear(&self) {
        self.terminal.draw(Vec::new());
    }
}

/// The figures of a stream; what matters most comes first, in case the line is cut.
fn words(seen: &LiveSnapshot, now: Offset) -> String {
    let mut parts = vec![format!("{:>6}  {:.0}/s", span(now), seen.rate_hz)];
    parts.push(format!("{}, {} failed", counted(seen.total, "request"), count(seen.total_failed)));
    if let Some(gap) = seen.gap {
        parts.push(format!("no good response for {}", span(gap)));
    }
    if seen.total_unsent > 0 {
        parts.push(format!("{} not sent", count(seen.total_unsent)));
    }
    if let Some((p50, p99)) = seen.p50.zip(seen.p99) {
        parts.push(format!("p50 {}  p99 {}", length(p50), length(p99)));
    }
    parts.join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_fit_into_a_line() {
        let mut seen = LiveSnapshot {
            rate_hz: 199.7,
            failed: 0,
            unsent: 0,
            total: 12_345,
            total_failed: 0,
            total_unsent: 0,
            gap: None,
            p50: Some(Offset::from_nanos(312_000)),
            p99: Some(Offset::from_millis(2)),
        };
        assert_eq!(
            words(&seen, Offset::from_millis(61_700)),
            "1m 01s  200/s  12,345 requests, 0 failed  p50 0.31 ms  p99 2.0 ms"
        );
        (seen.total_failed, seen.total_unsent) = (1_000, 2);
        (seen.gap, seen.p50) = (Some(Offset::from_millis(1_500)), None);
        assert_eq!(
            words(&seen, Offset::from_millis(9_700)),
            " 9.7 s  200/s  12,345 requests, 1,000 failed  no good response for 1.5 s  2 not sent"
        );
    }
}

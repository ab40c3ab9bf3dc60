//! One line for each stream while it runs.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::Offset;
use crate::probe::{LiveSnapshot, LiveWindow, StreamPlan};
use crate::record::Shot;
use crate::wording::{count, counted, length, span};

/// The time that the figures cover.
const WINDOW: Duration = Duration::from_secs(5);

/// Redraws a second, at most.
const REDRAWS: u8 = 10;

/// One line for each stream while it runs.
pub(super) struct LiveLines(Vec<(LiveWindow, ProgressBar)>);

impl LiveLines {
    /// Lines for these streams on standard error; none draw nothing.
    pub fn new(plans: &[StreamPlan]) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(REDRAWS));
        let line = |plan: &StreamPlan| {
            let line = all.add(ProgressBar::no_length());
            if let Ok(style) = ProgressStyle::with_template("{prefix}{wide_msg}") {
                line.set_style(style);
            }
            if plans.len() > 1 {
                line.set_prefix(format!("{}  ", plan.url()));
            }
            (LiveWindow::new(WINDOW), line)
        };
        Self(plans.iter().map(line).collect())
    }

    /// Adds a shot of the stream with this index.
    pub fn add(&mut self, stream: usize, shot: &Shot) {
        if let Some((window, _)) = self.0.get_mut(stream) {
            window.add(shot);
        }
    }

    /// Draws the lines.
    pub fn draw(&self, now: Offset) {
        for (window, line) in &self.0 {
            line.set_message(words(&window.snapshot(now), now));
        }
    }

    /// Removes the lines from the screen.
    pub fn clear(&self) {
        for (_, line) in &self.0 {
            line.finish_and_clear();
        }
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

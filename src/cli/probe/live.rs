//! One line for each stream while it runs.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::summary::time;
use crate::Offset;
use crate::probe::{LiveSnapshot, LiveWindow, StreamPlan};
use crate::record::Shot;
use crate::wording::count;

/// Redraws a second, at most.
const REDRAWS: u8 = 10;
/// The time the figures are about.
const WINDOW: Duration = Duration::from_secs(5);

/// One line for each stream while it runs; none without a terminal.
pub(super) struct LiveLines(Vec<(LiveWindow, ProgressBar)>);

impl LiveLines {
    pub fn new(plans: &[StreamPlan], terminal: bool) -> Self {
        if !terminal {
            return Self(Vec::new());
        }
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(REDRAWS));
        let prefix = plans.len() > 1;
        Self(
            plans
                .iter()
                .map(|plan| {
                    let line = all.add(ProgressBar::no_length());
                    line.set_style(ProgressStyle::default_bar());
                    if let Ok(style) = ProgressStyle::with_template("{prefix}{wide_msg}") {
                        line.set_style(style);
                    }
                    if prefix {
                        line.set_prefix(format!("{}  ", plan.url()));
                    }
                    (LiveWindow::new(WINDOW), line)
                })
                .collect(),
        )
    }

    pub fn add(&mut self, stream: usize, shot: &Shot) {
        if let Some((window, _)) = self.0.get_mut(stream) {
            window.add(shot);
        }
    }

    pub fn draw(&self, now: Offset) {
        for (window, line) in &self.0 {
            line.set_message(words(&window.snapshot(now), now));
        }
    }

    /// Takes the lines off the screen.
    pub fn clear(&self) {
        for (_, line) in &self.0 {
            line.finish_and_clear();
        }
    }
}

fn words(seen: &LiveSnapshot, now: Offset) -> String {
    let mut counts = format!("{} sent, {} failed", count(seen.total), count(seen.total_failed));
    if seen.total_unsent > 0 {
        counts = format!("{counts}, {} not sent", count(seen.total_unsent));
    }
    let rate = format!("{:>4.0}s  {:.0}/s", now.as_secs_f64(), seen.rate_hz);
    let latency = seen.p50.zip(seen.p99);
    let latency = latency.map(|(p50, p99)| format!("p50 {}  p99 {}", time(p50), time(p99)));
    let gap = seen.gap.map(|gap| format!("no good answer for {}", time(gap)));
    [Some(rate), Some(counts), gap, latency].into_iter().flatten().collect::<Vec<_>>().join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_goes_on() {
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
            "  62s  200/s  12,345 sent, 0 failed  p50 312µs  p99 2.00ms"
        );
        (seen.total_failed, seen.total_unsent) = (1_000, 2);
        (seen.gap, seen.p50) = (Some(Offset::from_millis(1_500)), None);
        assert_eq!(
            words(&seen, Offset::from_millis(61_700)),
            "  62s  200/s  12,345 sent, 1,000 failed, 2 not sent  \
             no good answer for 1.50s"
        );
    }
}

//! One line for each stream while it runs.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::Offset;
use crate::probe::{StreamPlan, Tally};
use crate::record::{Outcome, Shot};
use crate::stats::Recent;
use crate::wording::{count, counted, length, span};

/// The time that the rate and the latency cover.
const WINDOW: Offset = Offset::from_millis(5_000);

/// Redraws a second, at most.
const REDRAWS: u8 = 10;

/// One line for each stream while it runs.
pub(super) struct LiveLines(Vec<(Recent, ProgressBar)>);

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
            (Recent::new(WINDOW), line)
        };
        Self(plans.iter().map(line).collect())
    }

    /// Adds a shot of the stream with this index.
    pub fn add(&mut self, stream: usize, shot: &Shot) {
        if let Some((recent, _)) = self.0.get_mut(stream)
            && shot.outcome != Outcome::Unsent
        {
            recent.add(shot.ended(), shot.response_latency());
        }
    }

    /// Draws the lines; each stream has a tally.
    pub fn draw(&self, tallies: &[Tally], now: Offset) {
        for ((recent, line), tally) in self.0.iter().zip(tallies) {
            line.set_message(words(recent, tally, now));
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
fn words(recent: &Recent, tally: &Tally, now: Offset) -> String {
    let mut parts = vec![format!("{:>6}  {:.0}/s", span(now), recent.rate_hz(now))];
    parts.push(format!("{}, {} failed", counted(tally.sent(), "request"), count(tally.failed())));
    if let Some(gap) = tally.open_gap(now) {
        parts.push(format!("no good response for {}", span(gap.length())));
    }
    if tally.unsent() > 0 {
        parts.push(format!("{} not sent", count(tally.unsent())));
    }
    if let Some(latency) = recent.latency(now) {
        parts.push(format!("p50 {}  p99 {}", length(latency.p50), length(latency.p99)));
    }
    parts.join("  ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_figures_fit_into_a_line() {
        let (mut recent, mut tally) = (Recent::new(WINDOW), Tally::new(Duration::from_secs(1)));
        for number in 1..=13_740 {
            let outcome = if number <= 12_340 { Outcome::Ok } else { Outcome::Refused };
            let mut shot = Shot::new(Offset::from_millis(number * 5), outcome);
            shot.done = Some(shot.intended + Offset::from_millis(2));
            tally.add(&shot);
            recent.add(shot.ended(), shot.response_latency());
            if number == 12_340 {
                assert_eq!(
                    words(&recent, &tally, shot.ended()),
                    "1m 01s  200/s  12,340 requests, 0 failed  p50 2.0 ms  p99 2.0 ms"
                );
            }
        }
        assert_eq!(
            words(&recent, &tally, Offset::from_millis(68_705)),
            "1m 08s  200/s  13,740 requests, 1,400 failed  no good response for 7 s"
        );
        tally.add(&Shot::new(Offset::from_millis(68_705), Outcome::Unsent));
        assert!(words(&recent, &tally, Offset::from_millis(68_705)).ends_with("  1 not sent"));
    }
}

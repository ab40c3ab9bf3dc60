//! `rollproof probe`: the prober on its own.

mod args;
mod failed;
mod json;
mod live;
mod rows;
mod summary;

use std::sync::mpsc;
use std::time::Duration;

pub(super) use self::args::ProbeArgs;
use self::live::LiveLines;
use self::summary::Summary;
use super::args::GlobalArgs;
use super::{interrupts, output};
use crate::probe::{Prober, StreamPlan, Tally};
use crate::record::Shot;
use crate::ui::{Mode, Terminal, start_log, stderr_colour};
use crate::wording::setting;
use crate::{Clock, Result};

/// How often ended shots are counted and the live lines are drawn.
const TICK: Duration = Duration::from_millis(100);
/// Waiting for requests in flight is announced only if it takes longer than this.
const SHORT_WAIT: Duration = Duration::from_millis(300);

/// Runs the command and returns the exit code of the verdict.
///
/// # Errors
/// Wrong arguments; no thread or too few descriptors for the prober.
pub(super) async fn run(args: ProbeArgs, global: &GlobalArgs) -> Result<u8> {
    let plans = args.plans()?;
    let terminal = Terminal::stderr();
    start_log(global.log.as_deref(), stderr_colour(), &terminal);
    let interrupt = interrupts::listen_quietly("stopped without a summary")?;
    let live = Mode::of_stderr(global.quiet) == Mode::Live;
    let mut lines = LiveLines::new(if live { &plans } else { &[] });
    let mut tallies: Vec<Tally> = plans.iter().map(|plan| Tally::new(unsettled(plan))).collect();

    // Polling a channel now and then does not cost the prober a wake-up of this thread.
    let (sender, shots) = mpsc::channel::<(usize, Shot)>();
    let clock = Clock::start();
    let mut prober = Prober::start(plans.clone(), clock, move |stream, shot| {
        // It fails only if the receiver is gone.
        let _ = sender.send((stream, shot));
    })?;

    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            () = prober.finished() => break,
            () = interrupt.cancelled() => break,
            _ = tick.tick() => {}
        }
        count(&shots, &mut tallies, &mut lines);
        lines.draw(&tallies, clock.now());
    }
    let elapsed = clock.now();
    lines.clear();
    let mut stopping = std::pin::pin!(prober.stop());
    let totals = if let Ok(totals) = tokio::time::timeout(SHORT_WAIT, &mut stopping).await {
        totals?
    } else {
        if !global.quiet {
            terminal.print(&waiting(&plans));
        }
        stopping.await?
    };
    count(&shots, &mut tallies, &mut lines);
    let summary = Summary { clock, elapsed, plans, tallies, totals, max_lag: args.max_lag.into() };
    output::put_line(if global.json { summary.json()? } else { summary.text(global.verbose) })?;
    Ok(summary.verdict().exit_code())
}

/// Counts the shots that have ended.
fn count(shots: &mpsc::Receiver<(usize, Shot)>, tallies: &mut [Tally], lines: &mut LiveLines) {
    for (stream, shot) in shots.try_iter() {
        tallies[stream].add(&shot);
        lines.add(stream, &shot);
    }
}

/// Shots end within this time after they were intended.
fn unsettled(plan: &StreamPlan) -> Duration {
    plan.timeout + plan.deadline + Duration::from_secs(1)
}

fn waiting(plans: &[StreamPlan]) -> String {
    let longest = plans.iter().map(|plan| plan.timeout).max().unwrap_or_default();
    format!(
        "waiting up to {} for requests in flight; press Ctrl-C again to quit without a summary",
        setting(longest.as_secs_f64())
    )
}

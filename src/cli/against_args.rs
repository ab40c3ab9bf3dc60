//! Which run another one is measured against, and how much worse it may be.

use std::path::PathBuf;

use clap::Args;

use super::console::Console;
use super::result::{judge_record, run_folder};
use super::values::duration;
use crate::error::{Error, Result};
use crate::judge::Verdict;
use crate::record::{Against, Tolerance, Tolerances};

/// Which run another one is measured against, and how much worse it may be.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct AgainstArgs {
    /// Fail if this is worse than that run, given by its id, its folder, or as `latest`
    #[arg(long, value_name = "RUN")]
    against: Option<PathBuf>,

    /// How much worse than that run it may be, such as duration=30%,gap=1s [default:
    /// failed=0.1%,gap=25%,duration=20%,p99=50%, and at least 250ms, 5s and 50ms]
    #[arg(long, value_name = "WHAT=MORE", value_delimiter = ',', value_parser = tolerated)]
    #[arg(requires = "against", hide_short_help = true)]
    tolerate: Vec<Tolerated>,
}

/// One tolerance.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Tolerated {
    Failed(f64),
    Time(Measure, More),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Gap,
    Duration,
    P99,
}

/// A share of the other run's time, or a time.
#[derive(Debug, Clone, Copy, PartialEq)]
enum More {
    Share(f64),
    Time(crate::Offset),
}

/// Reads `duration=30%`, `gap=1s` or `failed=0.5%`.
fn tolerated(text: &str) -> Result<Tolerated, String> {
    let what =
        "write failed, gap, duration or p99, and how much more, as in duration=30% or gap=1s";
    let (name, more) = text.split_once('=').ok_or(what)?;
    let measure = match name {
        "failed" => match more.strip_suffix('%') {
            Some(share) => return Ok(Tolerated::Failed(part(share, 100.0)?)),
            None => return Err("failed is a share of the requests, as in failed=0.1%".to_owned()),
        },
        "gap" => Measure::Gap,
        "duration" => Measure::Duration,
        "p99" => Measure::P99,
        _ => return Err(what.to_owned()),
    };
    let more = match more.strip_suffix('%') {
        Some(share) => More::Share(part(share, 1_000.0)?),
        None => More::Time(duration(more)?.into()),
    };
    Ok(Tolerated::Time(measure, more))
}

fn part(text: &str, most: f64) -> Result<f64, String> {
    match text.trim_end().parse::<f64>() {
        Ok(percent) if (0.0..=most).contains(&percent) => Ok(percent / 100.0),
        _ => Err(format!("the share must be from 0% to {most}%")),
    }
}

impl AgainstArgs {
    /// The run that was named, judged by its own limits.
    ///
    /// # Errors
    /// A usage error if there is no such run, or if its measurement cannot be trusted.
    pub(super) fn former(&self, console: &Console) -> Result<Option<Against>> {
        let Some(run) = &self.against else { return Ok(None) };
        let judgement = judge_record(&run_folder(console, Some(run)))?.judgement;
        if judgement.verdict == Verdict::Inconclusive {
            return Err(Error::usage(format!(
                "run {} is inconclusive: it is no measure for another",
                judgement.run_id
            ))
            .caused_by(judgement.headline));
        }
        Ok(Some(judgement.as_former(self.tolerances())))
    }

    /// A share counts from its least time on; a time alone is all that is tolerated.
    fn tolerances(&self) -> Tolerances {
        let mut all = Tolerances::default();
        for one in &self.tolerate {
            let (measure, more) = match *one {
                Tolerated::Failed(share) => {
                    all.failed = share;
                    continue;
                }
                Tolerated::Time(measure, more) => (measure, more),
            };
            let tolerance = match measure {
                Measure::Gap => &mut all.gap,
                Measure::Duration => &mut all.duration,
                Measure::P99 => &mut all.p99,
            };
            *tolerance = match more {
                More::Share(share) => Tolerance { share, ..*tolerance },
                More::Time(at_least_s) => Tolerance { share: 0.0, at_least_s },
            };
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tolerance_is_a_share_or_a_time() {
        assert_eq!(tolerated("failed=0.5%"), Ok(Tolerated::Failed(0.005)));
        let time = |measure, more| Ok(Tolerated::Time(measure, more));
        assert_eq!(tolerated("duration=30%"), time(Measure::Duration, More::Share(0.3)));
        let second = More::Time(crate::Offset::from_millis(1_000));
        assert_eq!(tolerated("gap=1s"), time(Measure::Gap, second));
        for wrong in ["", "gap", "gap=", "gap=-1s", "failed=5", "p99=-1%", "speed=1%", "p99=nan%"] {
            assert!(tolerated(wrong).is_err(), "{wrong}");
        }
    }
}

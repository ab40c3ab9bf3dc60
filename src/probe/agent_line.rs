//! What a prober in another process says.

use serde::{Deserialize, Serialize};

use super::AgentTotals;
use crate::Clock;
use crate::Offset;
use crate::record::Shot;

/// One line of JSON on the standard output of a prober in another process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentLine {
    /// The first line.
    Hello(AgentHello),
    /// A shot of the stream with this index; its times are on the agent's clock.
    Shot(usize, Shot),
    /// The last line.
    End(AgentEnd),
}

/// Where the agent's clock reads zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentHello {
    /// Wall-clock time, in nanoseconds since 1970.
    pub started_at: i64,
    /// `CLOCK_MONOTONIC`, in nanoseconds; absent if the system did not give it.
    pub monotonic: Option<i64>,
    /// Which boot of which machine that clock belongs to; absent if unknown.
    pub boot: Option<String>,
}

/// How the agent ended, and what its streams did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentEnd {
    /// Why it stopped.
    pub by: EndedBy,
    /// Each stream, in the order of the plans.
    pub totals: Vec<AgentTotals>,
}

/// Why an agent stopped sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndedBy {
    /// Every stream had sent all its shots.
    Itself,
    /// It was asked to.
    Signal,
    /// The order's time limit.
    TimeLimit,
}

impl AgentHello {
    /// What an agent with this clock says of it.
    #[must_use]
    pub fn of(clock: &Clock) -> Self {
        Self {
            started_at: i64::try_from(clock.started_at().as_nanosecond()).unwrap_or(i64::MAX),
            monotonic: clock.monotonic_start().ok().map(Offset::as_nanos),
            boot: boot_id(),
        }
    }

    /// What has to be added to the agent's times to have them on `clock`. On the same machine
    /// that is exact. Else it is as good as `clock_offset`, the engine's wall clock minus this
    /// machine's.
    #[must_use]
    pub fn shift(&self, clock: &Clock, clock_offset: Offset) -> Offset {
        if let (Some(theirs), Some(boot)) = (self.monotonic, &self.boot)
            && boot_id().as_ref() == Some(boot)
            && let Ok(ours) = clock.monotonic_start()
        {
            return Offset::from_nanos(theirs) - ours;
        }
        let started_at = jiff::Timestamp::from_nanosecond(self.started_at.into());
        clock.at_wall(started_at.unwrap_or(jiff::Timestamp::UNIX_EPOCH)) - clock_offset
    }
}

/// A name for this boot of this machine; containers see that of their host.
fn boot_id() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn on_one_machine_two_clocks_are_mapped_within_microseconds() {
        let ours = Clock::start();
        std::thread::sleep(Duration::from_millis(20));
        let theirs = Clock::start();
        // What the wall clocks say does not matter here.
        let hello = AgentHello { started_at: 0, ..AgentHello::of(&theirs) };
        let shift = hello.shift(&ours, Offset::from_millis(777));
        let now = Instant::now();
        let error = (theirs.at(now) + shift - ours.at(now)).abs();
        assert!(error < Offset::from_nanos(100_000), "{} ns", error.as_nanos());
    }

    #[test]
    fn elsewhere_the_wall_clock_and_the_measured_offset_decide() {
        let ours = Clock::start();
        let ahead = Offset::from_millis(250);
        let started = ours.started_at().as_nanosecond() + 5_000_000_000 + 250_000_000;
        let hello = AgentHello {
            started_at: i64::try_from(started).unwrap(),
            monotonic: Some(1),
            boot: Some("another machine".into()),
        };
        assert_eq!(hello.shift(&ours, ahead), Offset::from_millis(5_000));
        let silent = AgentHello { monotonic: None, boot: None, ..hello };
        assert_eq!(silent.shift(&ours, ahead), Offset::from_millis(5_000));
    }
}

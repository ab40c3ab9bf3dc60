//! A prober in another process: what it does and what it reports.

use std::future::Future;
use std::io::{BufWriter, Write};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::replicas::Lookup;
use super::{ProbeOrder, ProbeTotals, Prober};
use crate::record::Shot;
use crate::{Clock, Error, Offset, Result};

/// How often ended shots are reported.
const REPORT_EVERY: Duration = Duration::from_millis(50);

/// One line of JSON on the standard output of an agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AgentLine {
    /// The first line.
    Hello(AgentHello),
    /// A shot of the stream with this index. Its times are on the agent's clock.
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentEnd {
    /// Why it stopped.
    pub by: EndedBy,
    /// Each stream, in the order of the plans.
    pub totals: Vec<ProbeTotals>,
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
    /// The first line of an agent with this clock.
    #[must_use]
    pub fn of(clock: &Clock) -> Self {
        Self {
            started_at: i64::try_from(clock.started_at().as_nanosecond()).unwrap_or(i64::MAX),
            monotonic: clock.monotonic_start().ok().map(Offset::as_nanos),
            boot: boot_id(),
        }
    }

    /// What to add to the agent's times to move them onto `clock`. On the same machine this is
    /// exact. Otherwise it is as good as `clock_offset`, the engine's wall clock minus this
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

/// The id of this boot of this machine; containers see their host's.
fn boot_id() -> Option<String> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty())
}

/// Follows an order and writes each shot to `out`, until `stop` is ready, the order's time limit is
/// over, or every stream has sent all its shots. Then it waits for the requests in flight.
///
/// # Errors
/// If the prober cannot start or fails, or if `out` cannot be written.
pub async fn run_agent(
    order: &ProbeOrder,
    out: impl Write,
    stop: impl Future<Output = ()>,
) -> Result<()> {
    follow_order(order, out, stop, None).await
}

/// [`run_agent`] where names are looked up in another way than the system's, which must not block.
///
/// # Errors
/// As [`run_agent`].
pub async fn run_agent_with(
    order: &ProbeOrder,
    out: impl Write,
    stop: impl Future<Output = ()>,
    lookup: Arc<Lookup>,
) -> Result<()> {
    follow_order(order, out, stop, Some(lookup)).await
}

async fn follow_order(
    order: &ProbeOrder,
    out: impl Write,
    stop: impl Future<Output = ()>,
    lookup: Option<Arc<Lookup>>,
) -> Result<()> {
    let mut out = BufWriter::new(out);
    let clock = Clock::start();
    let (sender, shots) = mpsc::channel();
    let sink = move |stream, shot| {
        // It fails only if the receiver is gone.
        let _ = sender.send((stream, shot));
    };
    let mut prober = Prober::start_with(order.plans().to_vec(), clock, sink, lookup)?;
    report(&mut out, [AgentLine::Hello(AgentHello::of(&clock))])?;
    let lines = || shots.try_iter().map(|(stream, shot)| AgentLine::Shot(stream, shot));

    let mut stop = std::pin::pin!(stop);
    let mut limit = std::pin::pin!(tokio::time::sleep(order.at_most()));
    let mut tick = tokio::time::interval(REPORT_EVERY);
    let by = loop {
        tokio::select! {
            () = prober.finished() => break EndedBy::Itself,
            () = &mut stop => break EndedBy::Signal,
            () = &mut limit => break EndedBy::TimeLimit,
            _ = tick.tick() => report(&mut out, lines())?,
        }
    };
    let mut landing = std::pin::pin!(prober.stop());
    let totals = loop {
        tokio::select! {
            totals = &mut landing => break totals?,
            _ = tick.tick() => report(&mut out, lines())?,
        }
    };
    report(&mut out, lines())?;
    report(&mut out, [AgentLine::End(AgentEnd { by, totals })])
}

fn report(out: &mut impl Write, lines: impl IntoIterator<Item = AgentLine>) -> Result<()> {
    let write = || -> std::io::Result<()> {
        for line in lines {
            serde_json::to_writer(&mut *out, &line)?;
            out.write_all(b"\n")?;
        }
        out.flush()
    };
    write().map_err(|error| Error::environment("cannot write what was measured").caused_by(error))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::probe::StreamPlan;
    use crate::record::Outcome;

    /// The lines of an agent whose requests are refused.
    async fn lines(
        shots: Option<u64>,
        at_most: Duration,
        stop: impl Future<Output = ()>,
    ) -> Vec<AgentLine> {
        // Bound but not listening: connections are refused, and no one else gets the port.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let url = format!("http://{}/", socket.local_addr().unwrap());
        let mut plan = StreamPlan::new("s", &url, 200.0).unwrap();
        plan.shots = shots;
        let order = ProbeOrder::new(&[plan], at_most).unwrap();
        let mut out = Vec::new();
        run_agent(&order, &mut out, stop).await.unwrap();
        let text = String::from_utf8(out).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[track_caller]
    fn check(lines: &[AgentLine], why: EndedBy) -> usize {
        let [AgentLine::Hello(_), shots @ .., AgentLine::End(end)] = lines else {
            panic!("{lines:?}");
        };
        assert_eq!(end.by, why);
        assert_eq!(end.totals[0].shots(), shots.len() as u64);
        for line in shots {
            let AgentLine::Shot(0, shot) = line else { panic!("{line:?}") };
            assert!(matches!(shot.outcome, Outcome::Refused | Outcome::Unsent), "{shot:?}");
        }
        shots.len()
    }

    #[tokio::test]
    async fn every_shot_is_reported_once_whatever_ends_the_agent() {
        let (hour, never) = (Duration::from_secs(3_600), std::future::pending::<()>);
        assert_eq!(check(&lines(Some(30), hour, never()).await, EndedBy::Itself), 30);
        let limit = Duration::from_millis(200);
        assert!(check(&lines(None, limit, never()).await, EndedBy::TimeLimit) > 0);
        let signal = tokio::time::sleep(limit);
        assert!(check(&lines(None, hour, signal).await, EndedBy::Signal) > 0);
    }

    #[test]
    fn clocks_on_one_machine_are_mapped_exactly() {
        let ours = Clock::start();
        std::thread::sleep(Duration::from_millis(20));
        let theirs = Clock::start();
        // The wall clocks do not matter here.
        let hello = AgentHello { started_at: 0, ..AgentHello::of(&theirs) };
        let shift = hello.shift(&ours, Offset::from_millis(777));
        let now = Instant::now();
        let error = (theirs.at(now) + shift - ours.at(now)).abs();
        assert!(error < Offset::from_nanos(100_000), "{} ns", error.as_nanos());
    }

    #[test]
    fn clocks_of_two_machines_are_mapped_by_the_measured_offset() {
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

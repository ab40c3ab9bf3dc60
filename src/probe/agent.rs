//! A prober that another process started and listens to.

use std::future::Future;
use std::io::{BufWriter, Write};
use std::sync::mpsc;
use std::time::Duration;

use super::agent_line::{AgentEnd, AgentHello, AgentLine, EndedBy};
use super::{ProbeOrder, Prober};
use crate::{Clock, Error, Result};

/// How often shots that have ended are told.
const TELL_EVERY: Duration = Duration::from_millis(50);

/// Does what an order says and writes each shot to `out`, until `stop` is ready, the order's time
/// limit is over, or every stream has sent all its shots. Requests in flight are waited for.
///
/// # Errors
/// When the prober cannot start or fails, or `out` cannot be written.
pub async fn run_agent(
    order: &ProbeOrder,
    out: impl Write,
    stop: impl Future<Output = ()>,
) -> Result<()> {
    let mut out = BufWriter::new(out);
    let clock = Clock::start();
    let (sender, shots) = mpsc::channel();
    let sink = move |stream, shot| {
        // It fails only when nobody listens any more.
        let _ = sender.send((stream, shot));
    };
    let mut prober = Prober::start(order.plans()?, clock, sink)?;
    tell(&mut out, [AgentLine::Hello(AgentHello::of(&clock))])?;
    let lines = || shots.try_iter().map(|(stream, shot)| AgentLine::Shot(stream, shot));

    let mut stop = std::pin::pin!(stop);
    let mut limit = std::pin::pin!(tokio::time::sleep(order.at_most()));
    let mut tick = tokio::time::interval(TELL_EVERY);
    let by = loop {
        tokio::select! {
            () = prober.finished() => break EndedBy::Itself,
            () = &mut stop => break EndedBy::Signal,
            () = &mut limit => break EndedBy::TimeLimit,
            _ = tick.tick() => tell(&mut out, lines())?,
        }
    };
    let mut landing = std::pin::pin!(prober.stop());
    let totals = loop {
        tokio::select! {
            totals = &mut landing => break totals?,
            _ = tick.tick() => tell(&mut out, lines())?,
        }
    };
    tell(&mut out, lines())?;
    let totals = totals.iter().map(Into::into).collect();
    tell(&mut out, [AgentLine::End(AgentEnd { by, totals })])
}

fn tell(out: &mut impl Write, lines: impl IntoIterator<Item = AgentLine>) -> Result<()> {
    let write = || -> std::io::Result<()> {
        for line in lines {
            serde_json::to_writer(&mut *out, &line)?;
            out.write_all(b"\n")?;
        }
        out.flush()
    };
    write().map_err(|error| Error::environment("cannot tell what was measured").caused_by(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::StreamPlan;
    use crate::record::Outcome;

    /// What an agent with nobody to answer it says.
    async fn lines(
        shots: Option<u64>,
        at_most: Duration,
        stop: impl Future<Output = ()>,
    ) -> Vec<AgentLine> {
        // Bound and not listening: refused at once, and nobody else gets the port.
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
    async fn every_shot_is_told_once_whatever_ends_it() {
        let (hour, never) = (Duration::from_secs(3_600), std::future::pending::<()>);
        assert_eq!(check(&lines(Some(30), hour, never()).await, EndedBy::Itself), 30);
        let limit = Duration::from_millis(200);
        assert!(check(&lines(None, limit, never()).await, EndedBy::TimeLimit) > 0);
        let signal = tokio::time::sleep(limit);
        assert!(check(&lines(None, hour, signal).await, EndedBy::Signal) > 0);
    }
}

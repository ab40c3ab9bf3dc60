//! Opens the connections that are kept before the first request is due.

use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use tokio::time::timeout;

use super::StreamPlan;
use super::flight::connect;
use super::pool::AT_ONCE;
use super::stream::Stream;
use crate::record::{Connection, Outcome, Shot};

/// How long the schedules may wait for this. Requests open what is not open then.
const WITHIN: Duration = Duration::from_secs(1);
/// Each connection has its first request within this time. One that carries nothing for longer is
/// closed by some servers and occupies a worker of others.
const SOON: f64 = 1.0;

/// Opens the connections of every stream that keeps some. Handshakes that fall together with the first
/// requests take the server's time from them: the requests then find no connection free and ask for
/// more handshakes.
///
/// A connection that cannot be opened is no failure, because no request was due: the first request
/// tries it again.
pub(super) async fn open(streams: &[Rc<Stream>]) {
    let all = join_all(streams.iter().map(|stream| fill(stream)));
    if timeout(WITHIN, all).await.is_err() {
        tracing::debug!("not all kept connections were open when the schedule began");
    }
}

/// Opens a stream's connections until one of them fails.
async fn fill(stream: &Stream) {
    let attempts = (0..wanted(&stream.plan) as u64).map(async |number| {
        let begun = Instant::now();
        // Nothing is asked: what it notes is nobody's.
        let mut unasked = Shot::new(stream.clock.at(begun), Outcome::Timeout);
        connect(stream, None, number, begun, &mut unasked).await
    });
    let mut opened = futures_util::stream::iter(attempts).buffer_unordered(AT_ONCE);
    while let Some(Ok((link, cookies))) = opened.next().await {
        stream.pool.put(link, cookies);
    }
}

/// How many connections to open ahead: all that are kept, unless some would wait for a request.
fn wanted(plan: &StreamPlan) -> usize {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53 connections")]
    let soon = plan.kept as f64 <= plan.rate_hz * SOON;
    let needed = plan.shots.is_none_or(|shots| shots >= plan.kept as u64);
    if plan.connection == Connection::KeepAlive && soon && needed { plan.kept } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_used_soon_is_opened_ahead() {
        let wanted = |connection, rate_hz, kept, shots| {
            let mut plan = StreamPlan::new("s", "http://127.0.0.1:1/", rate_hz).unwrap();
            (plan.connection, plan.kept, plan.shots) = (connection, kept, shots);
            super::wanted(&plan)
        };
        assert_eq!(wanted(Connection::KeepAlive, 5_000.0, 50, None), 50);
        assert_eq!(wanted(Connection::KeepAlive, 16.0, 16, Some(16)), 16);
        assert_eq!(wanted(Connection::KeepAlive, 15.0, 16, None), 0);
        assert_eq!(wanted(Connection::KeepAlive, 100.0, 16, Some(15)), 0);
        assert_eq!(wanted(Connection::Fresh, 5_000.0, 16, None), 0);
        assert_eq!(wanted(Connection::Held, 5_000.0, 16, None), 0);
    }
}

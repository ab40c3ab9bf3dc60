//! `rollproof probe`: the prober as a tool of its own.

mod live;
mod summary;

use std::io::{IsTerminal, Write};
use std::net::IpAddr;
use std::sync::mpsc;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};

use self::live::LiveLines;
use self::summary::Summary;
use crate::Offset;
use crate::probe::{BodyExpect, Method, Prober, StreamPlan, Tally};
use crate::record::{Connection, Shot};
use crate::{Clock, Error, Result};

/// How often finished shots are counted and the live lines drawn.
const TICK: Duration = Duration::from_millis(100);

/// Send requests at a fixed rate and tell exactly which of them failed, and for how long
///
/// Exits with 0 if every request got the expected answer in time, 1 if one did not, 3 if this
/// machine was too slow for the measurement to be trusted. Ctrl-C ends the run early, with the
/// summary and the same exit codes.
#[derive(Debug, Clone, Args)]
pub struct ProbeArgs {
    /// What to ask; several URLs are asked side by side, each at the full rate
    #[arg(value_name = "URL", required = true)]
    pub urls: Vec<String>,
    /// Requests a second
    #[arg(long, value_name = "N", default_value_t = 200.0)]
    pub rate: f64,
    /// For how long; until Ctrl-C unless given
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub duration: Option<Duration>,
    /// Open a new connection for each request (the default)
    #[arg(long, conflicts_with = "keepalive")]
    pub fresh: bool,
    /// Keep connections and use them in turn
    #[arg(long)]
    pub keepalive: bool,
    /// How many connections to keep
    #[arg(long, value_name = "N", default_value_t = 16, requires = "keepalive")]
    pub connections: usize,
    /// An answer later than this is a failure [default: 1s, or half the timeout if that is less]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub deadline: Option<Duration>,
    /// Give up on a request after this [default: 5s, or twice the deadline if that is more]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub timeout: Option<Duration>,
    /// Give up on connecting after this [default: 2s, or the timeout if that is less]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub connect_timeout: Option<Duration>,
    /// GET, HEAD or POST
    #[arg(long, short = 'X', value_name = "METHOD", default_value = "GET")]
    pub method: Method,
    /// A header to send, such as `Host: web.example`; may be given several times
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE")]
    pub headers: Vec<String>,
    /// The body to send
    #[arg(long, value_name = "TEXT")]
    pub body: Option<String>,
    /// The local address to connect from
    #[arg(long, value_name = "IP")]
    pub source: Option<IpAddr>,
    /// The status of a good answer
    #[arg(long, value_name = "CODE", default_value_t = 200,
          value_parser = clap::value_parser!(u16).range(200..=599))]
    pub expect_status: u16,
    /// The whole body of a good answer, with the line break at its end if it has one
    #[arg(long, value_name = "TEXT", conflicts_with = "expect_body_prefix")]
    pub expect_body: Option<String>,
    /// How the body of a good answer begins
    #[arg(long, value_name = "TEXT")]
    pub expect_body_prefix: Option<String>,
    /// The value of `X-Rollproof-Version` of a good answer; may be given several times
    #[arg(long, value_name = "VERSION")]
    pub expect_version: Vec<String>,
    /// Distrust the measurement if more than 1 in 100 requests was sent later than this
    #[arg(long, value_name = "TIME", default_value = "10ms",
          value_parser = humantime::parse_duration)]
    pub max_lag: Duration,
    /// Print the summary as JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs the command and returns the exit code: 0 nothing failed, 1 something failed, 3 the
/// measurement cannot be trusted.
///
/// # Errors
/// Wrong arguments; no thread or descriptors for the prober; stopped for a second time while
/// waiting for the requests in flight.
pub async fn run(args: ProbeArgs) -> Result<u8> {
    let plans = args.plans()?;
    let mut stop = StopSignals::listen()?;
    let mut lines = LiveLines::new(&plans, std::io::stderr().is_terminal());
    let mut tallies: Vec<Tally> = plans.iter().map(|plan| Tally::new(unsettled(plan))).collect();

    // A channel that is looked into now and then costs the prober no wake-up of this thread.
    let (sender, shots) = mpsc::channel::<(usize, Shot)>();
    let clock = Clock::start();
    let mut prober = Prober::start(plans.clone(), clock, move |stream, shot| {
        // It fails only when nobody counts any more.
        let _ = sender.send((stream, shot));
    })?;

    let mut count = |lines: &mut LiveLines| {
        for (stream, shot) in shots.try_iter() {
            tallies[stream].add(&shot);
            lines.add(stream, &shot);
        }
    };
    let mut tick = tokio::time::interval(TICK);
    let mut stopped = false;
    while !stopped {
        tokio::select! {
            () = prober.finished() => break,
            () = stop.next() => stopped = true,
            _ = tick.tick() => {}
        }
        count(&mut lines);
        lines.draw(clock.now());
    }
    let elapsed = clock.now();
    let totals = tokio::select! {
        totals = prober.stop() => totals?,
        () = stop.next() => {
            lines.clear();
            return Err(Error::interrupted("stopped while requests were in flight"));
        }
    };
    count(&mut lines);
    lines.clear();
    let summary = Summary { clock, elapsed, plans, tallies, totals, max_lag: args.max_lag.into() };
    let text = if args.json { summary.json()? } else { summary.text() };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(|error| Error::environment("cannot write the summary").caused_by(error))?;
    Ok(summary.exit_code())
}

/// Shots end within this of their intended time.
fn unsettled(plan: &StreamPlan) -> Duration {
    plan.timeout + plan.deadline + Duration::from_secs(1)
}

impl ProbeArgs {
    fn plans(&self) -> Result<Vec<StreamPlan>> {
        self.urls.iter().map(|url| self.plan(url)).collect()
    }

    fn plan(&self, url: &str) -> Result<StreamPlan> {
        let mut plan = StreamPlan::new(url, url, self.rate)?;
        plan.method = self.method;
        plan.body = self.body.clone().unwrap_or_default().into();
        plan.kept = self.connections;
        if self.keepalive {
            plan.connection = Connection::KeepAlive;
        }
        plan.deadline = match (self.deadline, self.timeout) {
            (Some(deadline), _) => deadline,
            (None, Some(timeout)) => plan.deadline.min(timeout / 2),
            (None, None) => plan.deadline,
        };
        plan.timeout = self.timeout.unwrap_or_else(|| plan.timeout.max(plan.deadline * 2));
        plan.connect_timeout =
            self.connect_timeout.unwrap_or_else(|| plan.connect_timeout.min(plan.timeout));
        plan.source = self.source;
        plan.expect.status = Some(self.expect_status);
        plan.expect.body = match (&self.expect_body, &self.expect_body_prefix) {
            (Some(text), _) => BodyExpect::Exact(text.clone()),
            (None, Some(text)) => BodyExpect::Prefix(text.clone()),
            (None, None) => BodyExpect::Any,
        };
        plan.expect.versions.clone_from(&self.expect_version);
        plan.shots = self.duration.map(|time| shots_in(time, self.rate));
        for header in &self.headers {
            let (name, value) = header.split_once(':').ok_or_else(|| {
                Error::usage("a header has no colon").hint("write it as `-H 'Name: value'`")
            })?;
            plan.header(name, value)?;
        }
        Ok(plan)
    }
}

/// How many shots a stream has in this time; at least one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "such casts saturate")]
fn shots_in(time: Duration, rate_hz: f64) -> u64 {
    (Offset::from(time).as_secs_f64() * rate_hz).round().max(1.0) as u64
}

/// What ends a run early: Ctrl-C, or a polite kill.
struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    fn listen() -> Result<Self> {
        let listen = |kind| {
            signal(kind)
                .map_err(|error| Error::environment("cannot listen for signals").caused_by(error))
        };
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        probe: ProbeArgs,
    }

    fn plan(words: &[&str]) -> Result<StreamPlan> {
        let line = ["probe", "http://127.0.0.1:1/"].iter().chain(words);
        Ok(Line::try_parse_from(line).unwrap().probe.plans()?.remove(0))
    }

    #[test]
    fn times_that_are_not_given_follow_those_that_are() {
        let times = |words: &[&str]| {
            let plan = plan(words).unwrap();
            [plan.deadline, plan.timeout, plan.connect_timeout].map(|time| time.as_millis())
        };
        assert_eq!(times(&[]), [1_000, 5_000, 2_000]);
        assert_eq!(times(&["--timeout", "1s"]), [500, 1_000, 1_000]);
        assert_eq!(times(&["--deadline", "4s"]), [4_000, 8_000, 2_000]);
        assert_eq!(times(&["--deadline", "20ms", "--timeout", "3s"]), [20, 3_000, 2_000]);
    }

    #[test]
    fn the_number_of_requests_is_exact() {
        let shots = |words: &[&str]| plan(words).unwrap().shots;
        assert_eq!(shots(&[]), None);
        assert_eq!(shots(&["--for", "10s"]), Some(2_000));
        assert_eq!(shots(&["--for", "1m", "--rate", "0.5"]), Some(30));
        assert_eq!(shots(&["--for", "1ms"]), Some(1));
    }

    #[test]
    fn headers_need_a_colon_and_secrets_are_not_repeated() {
        let error = plan(&["-H", "Authorization secret"]).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Usage);
        assert!(!error.message().contains("secret"));
        plan(&["-H", "Host: a", "-H", "X:1"]).unwrap();
    }

    #[test]
    fn contradicting_flags_are_refused() {
        for words in [
            vec!["probe"],
            vec!["probe", "http://a/", "--fresh", "--keepalive"],
            vec!["probe", "http://a/", "--expect-body", "a", "--expect-body-prefix", "a"],
            vec!["probe", "http://a/", "--method", "PUT"],
            vec!["probe", "http://a/", "--expect-status", "100"],
        ] {
            assert!(Line::try_parse_from(&words).is_err(), "{words:?}");
        }
    }
}

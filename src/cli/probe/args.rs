//! The arguments of `rollproof probe`, and the plans of requests they describe.

use std::net::IpAddr;
use std::time::Duration;

use clap::Args;

use super::super::good_response::GoodResponseArgs;
use super::super::request_args::{RequestArgs, weighted_path};
use super::super::values::{duration, limit, rate};
use crate::probe::{Asked, StreamPlan, WeightedPath};
use crate::record::Connection;
use crate::{Error, Offset, Result};

const EXAMPLES: &str = "\
Examples:
  rollproof probe http://127.0.0.1:8080/ --for 1m
      200 requests per second for a minute, each over a new connection
  rollproof probe http://127.0.0.1:8080/login -X POST --body user=a --expect-status 303 --keepalive
      post a form over kept connections until Ctrl-C, and expect a redirect
  rollproof probe ws://127.0.0.1:8080/ws --rate 20 --connections 20
      hold 20 WebSockets open, ping each once a second, and count those that are cut";

/// Send requests at a fixed rate, and report which failed and for how long
///
/// Requests are sent on schedule even while the service does not respond, so that an outage is
/// measured in full. Nothing is retried and no redirect is followed.
///
/// The first Ctrl-C stops sending and prints the summary; the second quits immediately. Exit codes:
/// 0 no request failed, 1 a request failed, 2 wrong usage, 3 the result cannot be trusted because
/// this machine was too slow, 130 stopped without a summary.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(in super::super) struct ProbeArgs {
    /// URL to send requests to; several are probed in parallel, each at the full rate
    #[arg(value_name = "URL", required = true)]
    pub urls: Vec<String>,

    /// Requests per second, 0.001 to 50,000
    #[arg(long, value_name = "N", default_value_t = 200.0, value_parser = rate)]
    #[arg(allow_negative_numbers = true, help_heading = "Load")]
    pub rate: f64,
    /// How long to send requests [default: until Ctrl-C]
    #[arg(long = "for", value_name = "TIME", value_parser = limit)]
    #[arg(allow_hyphen_values = true, help_heading = "Load")]
    pub duration: Option<Duration>,
    /// Keep connections open and use them in turn
    #[arg(long, help_heading = "Load")]
    pub keepalive: bool,
    /// Number of connections to keep or hold open [default: 16]
    #[arg(long, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..), allow_negative_numbers = true)]
    #[arg(help_heading = "Load", hide_short_help = true)]
    pub connections: Option<u16>,
    /// Hold streams of server-sent events open, as ws:// and wss:// URLs hold WebSockets
    #[arg(long, conflicts_with = "keepalive", help_heading = "Load")]
    pub sse: bool,
    /// How often something comes over a stream of events, at least: longer silence is a failure
    /// [default: silence says nothing]
    #[arg(long, value_name = "TIME", value_parser = limit, requires = "sse")]
    #[arg(help_heading = "Load", hide_short_help = true)]
    pub event_every: Option<Duration>,
    /// Open a new connection for each request (the default)
    #[arg(long, conflicts_with_all = ["keepalive", "sse"], help_heading = "Load")]
    #[arg(hide_short_help = true)]
    pub fresh: bool,
    /// Local address to connect from
    #[arg(long, value_name = "IP", help_heading = "Load", hide_short_help = true)]
    pub source: Option<IpAddr>,

    /// Path to ask instead of the URL's; repeat for several in turn, with weights as in 3:/search
    #[arg(long = "path", value_name = "[WEIGHT:]PATH", value_parser = weighted_path)]
    #[arg(help_heading = "Request", hide_short_help = true)]
    pub paths: Vec<WeightedPath>,
    #[command(flatten)]
    pub request: RequestArgs,

    /// Count a response as failed if it arrives this long after its scheduled time [default: 800ms,
    /// or half of --timeout if that is less]
    #[arg(long, value_name = "TIME", value_parser = limit, allow_hyphen_values = true)]
    #[arg(help_heading = "Good response")]
    pub deadline: Option<Duration>,
    #[command(flatten)]
    pub good_response: GoodResponseArgs,
    /// Expected value of the header X-Rollproof-Version; can be repeated
    #[arg(long, value_name = "VERSION", help_heading = "Good response", hide_short_help = true)]
    pub expect_version: Vec<String>,

    /// Give up on a request after this long [default: 5s, or twice --deadline if that is more]
    #[arg(long, value_name = "TIME", value_parser = limit, allow_hyphen_values = true)]
    #[arg(help_heading = "Limits")]
    pub timeout: Option<Duration>,
    /// Give up on connecting after this long [default: 2s, or --timeout if that is less]
    #[arg(long, value_name = "TIME", value_parser = limit, allow_hyphen_values = true)]
    #[arg(help_heading = "Limits", hide_short_help = true)]
    pub connect_timeout: Option<Duration>,
    /// Do not trust the result if more than 1 % of the requests were sent this late
    #[arg(long, value_name = "TIME", default_value = "10ms", value_parser = duration)]
    #[arg(allow_hyphen_values = true, help_heading = "Limits", hide_short_help = true)]
    pub max_lag: Duration,
}

impl ProbeArgs {
    /// Whether the number of connections was chosen in vain.
    fn needs_connections(&self, plans: &[StreamPlan]) -> bool {
        let fresh = |plan: &StreamPlan| plan.connection == Connection::Fresh;
        self.connections.is_some() && plans.iter().all(fresh)
    }

    /// A plan for each URL.
    ///
    /// # Errors
    /// A usage error for values that are wrong or contradict each other.
    pub fn plans(&self) -> Result<Vec<StreamPlan>> {
        let asked = self.request.asked(&self.paths)?;
        if let Some(missing) = asked.resolve.iter().find(|resolve| resolve.to.is_none()) {
            return Err(Error::usage(format!("--resolve {} names no address", missing.host))
                .hint("write HOST:PORT:ADDR or HOST:ADDR"));
        }
        let plans = self.urls.iter().map(|url| self.plan(url, &asked));
        let plans = plans.collect::<Result<Vec<StreamPlan>>>()?;
        self.request.check_for(&plans)?;
        self.good_response.check_for(&plans)?;
        if !self.expect_version.is_empty() && plans.iter().all(|plan| plan.scheme() == "tcp") {
            return Err(Error::usage("--expect-version has no effect on a tcp:// URL"));
        }
        let fresh = |plan: &StreamPlan| plan.connection == Connection::Fresh;
        if self.request.wants_cookies() && plans.iter().all(fresh) {
            return Err(Error::usage("--cookies needs connections that are kept")
                .hint("--keepalive keeps them; a new connection is a new user, without cookies"));
        }
        if self.needs_connections(&plans) {
            return Err(Error::usage("--connections needs connections that are kept or held")
                .hint("--keepalive keeps them; --sse and ws:// URLs hold them"));
        }
        plans.iter().try_for_each(StreamPlan::check)?;
        Ok(plans)
    }

    fn plan(&self, url: &str, asked: &Asked) -> Result<StreamPlan> {
        let mut plan = StreamPlan::new(url, url, self.rate)?;
        if let Some(first) = self.paths.first() {
            plan = plan.with_path(&first.path)?;
        }
        plan.ask(asked)?;
        if plan.is_websocket() && (self.sse || self.fresh) {
            let option = if self.sse { "--sse" } else { "--fresh" };
            return Err(Error::usage(format!("{option} and {url} exclude each other"))
                .hint("a ws:// URL holds WebSockets open; http:// is asked in other ways"));
        }
        plan.kept = self.connections.map_or(plan.kept, usize::from);
        match (self.keepalive, self.sse) {
            (true, _) => plan.connection = Connection::KeepAlive,
            (_, true) => plan.connection = Connection::Held,
            _ => {}
        }
        plan.event_every = self.event_every;
        plan.deadline = match (self.deadline, self.timeout) {
            (Some(deadline), _) => deadline,
            (None, Some(timeout)) => plan.deadline.min(timeout / 2),
            (None, None) => plan.deadline,
        };
        if let (Some(connect), Some(timeout)) = (self.connect_timeout, self.timeout)
            && connect > timeout
        {
            return Err(Error::usage(
                "--connect-timeout is longer than --timeout: it has no effect",
            ));
        }
        plan.timeout = self.timeout.unwrap_or_else(|| plan.timeout.max(plan.deadline * 2));
        plan.connect_timeout =
            self.connect_timeout.unwrap_or_else(|| plan.connect_timeout.min(plan.timeout));
        plan.source = self.source;
        plan.expect = self.good_response.expect();
        plan.expect.versions.clone_from(&self.expect_version);
        plan.shots = self.duration.map(|time| shots_in(time, self.rate));
        Ok(plan)
    }
}

/// Number of shots of a stream in this time, at least one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "such casts saturate")]
fn shots_in(time: Duration, rate_hz: f64) -> u64 {
    (Offset::from(time).as_secs_f64() * rate_hz).round().max(1.0) as u64
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        probe: ProbeArgs,
    }

    fn plan(words: &[&str]) -> Result<StreamPlan> {
        let line = ["probe", "http://127.0.0.1:1/"].iter().chain(words);
        Ok(Line::try_parse_from(line).unwrap().probe.plans()?.remove(0))
    }

    #[test]
    fn missing_time_limits_follow_the_given_ones() {
        let times = |words: &[&str]| {
            let plan = plan(words).unwrap();
            [plan.deadline, plan.timeout, plan.connect_timeout].map(|time| time.as_millis())
        };
        assert_eq!(times(&[]), [800, 5_000, 2_000]);
        assert_eq!(times(&["--timeout", "1s"]), [500, 1_000, 1_000]);
        assert_eq!(times(&["--deadline", "4s"]), [4_000, 8_000, 2_000]);
        assert_eq!(times(&["--deadline", "20ms", "--timeout", "3s"]), [20, 3_000, 2_000]);
    }

    #[test]
    fn connections_are_held_only_where_that_makes_sense() {
        let held = |words: &[&str]| plan(words).map(|plan| (plan.connection, plan.kept));
        assert_eq!(held(&["--sse"]).unwrap(), (Connection::Held, 16));
        assert_eq!(held(&["--keepalive", "--connections", "3"]).unwrap().1, 3);
        for (words, part) in [
            (&["--connections", "3"][..], "kept or held"),
            (&["--sse", "--rate", "1"], "only every 16 s"),
            (&["--sse", "-X", "POST"], "opened with GET"),
            (&["--sse", "--expect-body", "x"], "no body to compare"),
            (&["--sse", "--cookies"], "cookies"),
            (&["--cookies"], "--cookies needs connections that are kept"),
            (&["--resolve", "a:127.0.0.2"], "no URL asks that"),
            (&["--insecure"], "https://"),
        ] {
            let error = plan(words).unwrap_err();
            assert!(error.message().contains(part), "{}", error.message());
        }
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
    fn contradicting_flags_are_refused() {
        for words in [
            vec!["probe"],
            vec!["probe", "http://a/", "--fresh", "--keepalive"],
            vec!["probe", "http://a/", "--sse", "--keepalive"],
            vec!["probe", "http://a/", "--event-every", "3s"],
            vec!["probe", "http://a/", "--expect-body", "a", "--expect-body-prefix", "a"],
        ] {
            assert!(Line::try_parse_from(&words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn wrong_values_are_refused_with_the_allowed_ones() {
        for (option, values, allowed) in [
            (
                "--rate",
                &["-1", "0", "nan", "50001", "inf"][..],
                "between 0.001 and 50,000, for example 200",
            ),
            ("--rate", &["x", ""], "must be a number"),
            ("--for", &["-1s", "10", "soon"], "500ms, 90s or 2m"),
            ("--for", &["8days"], "at most 7 days"),
            ("--deadline", &["0ms", "500us"], "at least 1 ms"),
            ("--max-lag", &["-1s", "soon"], "500ms"),
            ("--method", &["TRACE", ""], "use one of GET, HEAD, POST"),
            ("--expect-status", &["100", "-1", "700", "2xx", "", "200,,301"], "from 200 to 599"),
            ("--connections", &["0", "-1"], "1.."),
            ("--source", &["here"], "invalid IP address"),
        ] {
            for value in values {
                let words = ["probe", "http://a/", "--keepalive", option, value];
                let text = Line::try_parse_from(words).unwrap_err().to_string();
                assert!(text.contains(allowed), "{option} {value}: {text}");
                assert!(!text.contains("-- "), "{option} {value}: {text}");
            }
        }
    }
}

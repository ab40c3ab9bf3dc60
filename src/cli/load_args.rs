//! What is asked during a run, and how often.

use std::time::Duration;

use clap::Args;

use super::good_response::GoodResponseArgs;
use super::request_args::RequestArgs;
use super::target_args::AddressArgs;
use super::values::{StreamChoice, duration, limit, path, port, rate};
use crate::error::{Error, Result};
use crate::probe::StreamPlan;
use crate::record::Connection;
use crate::run::{Load, Target};
use crate::streams::{Address, Asking, StreamKind, TABLE, slow_path};

/// The load during a run.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Load")]
pub(super) struct LoadArgs {
    /// Requests a second of the densest stream, open loop; the others send a share of it
    #[arg(long, value_name = "HZ", default_value = "200", value_parser = rate, allow_negative_numbers = true)]
    rate: f64,

    /// Count a response as failed if it arrives this long after its scheduled time
    #[arg(long, value_name = "TIME", default_value = "800ms", value_parser = limit)]
    deadline: Duration,

    /// Streams of requests to send, separated by commas [default: all in verify, else
    /// proxy-fresh,proxy-keepalive]
    #[arg(long, value_name = "STREAMS", value_delimiter = ',', hide_short_help = true)]
    streams: Option<Vec<StreamChoice>>,

    /// Path that proxy-post asks with POST [default: the path of the other streams]
    #[arg(long, value_name = "PATH", value_parser = path, hide_short_help = true)]
    post_path: Option<String>,

    /// Path that proxy-slow asks: one that takes some seconds to answer [default: /slow?ms=4000]
    #[arg(long, value_name = "PATH", value_parser = path, hide_short_help = true)]
    slow_path: Option<String>,

    /// Path that opens a WebSocket: adds the stream proxy-websocket [default of that stream: /ws]
    #[arg(long, value_name = "PATH", value_parser = path, hide_short_help = true)]
    ws_path: Option<String>,

    /// Path of a stream of server-sent events: adds the stream proxy-events [default of that
    /// stream: /events]
    #[arg(long, value_name = "PATH", value_parser = path, hide_short_help = true)]
    sse_path: Option<String>,

    /// How often something comes over a stream of events, at least: longer silence is a failure
    /// [default: silence says nothing]
    #[arg(long, value_name = "TIME", value_parser = limit, hide_short_help = true)]
    event_every: Option<Duration>,

    /// Port on which the service answers inside its network [default: the port that the stack
    /// publishes or the image exposes]
    #[arg(long, value_name = "PORT", value_parser = port, hide_short_help = true)]
    service_port: Option<u16>,

    /// Measure this long before, between and after the scenarios
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration, hide_short_help = true)]
    baseline: Duration,

    /// End a scenario once the service has been at rest for this long [default: 2s, and so long as a
    /// proxy may not have heard of it that asks Swarm for tasks only now and then]
    #[arg(long, value_name = "TIME", value_parser = duration, hide_short_help = true)]
    settle: Option<Duration>,

    #[command(flatten)]
    request: RequestArgs,
    #[command(flatten)]
    good_response: GoodResponseArgs,
}

impl LoadArgs {
    /// The streams for which a path is named: what cannot be asked there is a mistake.
    fn named(&self) -> Vec<&'static str> {
        let paths = [
            ("proxy-post", &self.post_path),
            ("proxy-slow", &self.slow_path),
            ("proxy-websocket", &self.ws_path),
            ("proxy-events", &self.sse_path),
        ];
        paths.into_iter().filter(|(_, path)| path.is_some()).map(|(name, _)| name).collect()
    }

    /// The load, with these streams unless the user chose others.
    ///
    /// # Errors
    /// A usage error for what cannot be asked, so that it is found before anything is deployed.
    pub(super) fn load(
        &self,
        default: &[&'static StreamKind],
        address: &AddressArgs,
    ) -> Result<Load> {
        let choices = self.streams.as_deref().unwrap_or_default();
        let all = choices.contains(&StreamChoice::All);
        let named = |kind: &StreamKind| match kind.name {
            "proxy-websocket" => self.ws_path.is_some(),
            "proxy-events" => self.sse_path.is_some(),
            _ => false,
        };
        let chosen = |kind: &&'static StreamKind| {
            let usual = if choices.is_empty() { default.contains(kind) } else { all };
            named(kind) || usual && !kind.holds() || choices.contains(&StreamChoice::One(kind))
        };
        let streams = TABLE.iter().copied().filter(chosen).collect();
        let mut addresses = address.url.iter();
        let first = addresses.next();
        let also: Vec<Address> = addresses.cloned().collect();
        check_names(&address.url)?;
        let mut load = Load {
            streams,
            name: first.and_then(|first| first.name.clone()),
            also,
            // `all` takes those that can be had.
            insist: !choices.is_empty() && !all,
            named: self.named(),
            asking: Asking {
                rate_hz: self.rate,
                deadline: self.deadline,
                post_path: self.post_path.clone(),
                slow_path: self.slow_path.clone().unwrap_or_else(|| slow_path(1.0)),
                websocket_path: self.ws_path.clone().unwrap_or_else(|| "/ws".into()),
                events_path: self.sse_path.clone().unwrap_or_else(|| "/events".into()),
                event_every: self.event_every,
                asked: self.request.asked(&address.paths)?,
                expect: self.good_response.expect(),
            },
            service_port: self.service_port,
            baseline: self.baseline,
            settle: self.settle,
        };
        if !address.url.is_empty() || !load.asking.asked.resolve.is_empty() {
            let urls = address.url.iter().map(|one| one.url("127.0.0.1"));
            self.check_urls(urls)?;
        }
        let has = |wanted: &str| load.streams.iter().any(|kind| kind.name == wanted);
        if self.event_every.is_some() && !has("proxy-events") {
            return Err(Error::usage("--event-every needs the stream proxy-events")
                .hint("--sse-path PATH adds it"));
        }
        let keeps = load.streams.iter().any(|kind| kind.connection == Connection::KeepAlive);
        if self.request.wants_cookies() && !keeps {
            return Err(Error::usage("--cookies needs a stream that keeps its connections")
                .hint("--streams proxy-keepalive is one; a new connection is a new user"));
        }
        let example = address.example();
        let asking = load.asking.clone();
        let suits = |kind: &&'static StreamKind| kind.suits(&example, &asking);
        if let Some(other) = load.streams.iter().find(|kind| load.insist && !suits(kind)) {
            let text = format!("stream {} cannot ask {example}", other.name);
            return Err(Error::usage(text).hint("--streams proxy-fresh asks it"));
        }
        load.streams.retain(suits);
        load.check(&example)?;
        for other in &load.also {
            let example = other.url("127.0.0.1");
            let suits = |kind: &&StreamKind| kind.suits(&example, &load.asking);
            for kind in load.streams.iter().filter(|kind| suits(kind)) {
                kind.plan_at(other.name.as_deref(), &example, &load.asking)?.check()?;
            }
        }
        Ok(load)
    }

    /// Refuses what would have no effect at the address that was found, where none was named.
    ///
    /// # Errors
    /// A usage error that names the option.
    pub(super) fn check_found(&self, target: &Target, address: &AddressArgs) -> Result<()> {
        if address.url.is_empty() && !target.inside {
            self.check_urls([target.url.clone()].into_iter())
                .map_err(|error| error.hint(format!("the stack is asked at {}", target.url)))?;
        }
        Ok(())
    }

    fn check_urls(&self, urls: impl Iterator<Item = String>) -> Result<()> {
        let plans = urls.map(|url| StreamPlan::new("asked", &url, 1.0));
        let plans = plans.collect::<Result<Vec<StreamPlan>>>()?;
        self.request.check_for(&plans)?;
        self.good_response.check_for(&plans)
    }
}

/// Several addresses are told apart by their names.
fn check_names(addresses: &[Address]) -> Result<()> {
    if addresses.len() < 2 {
        return Ok(());
    }
    for (index, address) in addresses.iter().enumerate() {
        let Some(name) = &address.name else {
            return Err(Error::usage("several addresses need a name each")
                .hint(format!("write --url NAME={}", address.url("HOST"))));
        };
        if addresses[..index].iter().any(|other| other.name.as_ref() == Some(name)) {
            return Err(Error::usage(format!("two addresses are called `{name}`")));
        }
    }
    Ok(())
}

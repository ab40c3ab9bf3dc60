//! The table of streams: every way in which a run asks the service, and what each is for.
//!
//! A stream is one file and one line in [`TABLE`].

mod address;
mod control;
mod each_replica;
mod overlay_fresh;
mod overlay_keepalive;
mod proxy_events;
mod proxy_fresh;
mod proxy_keepalive;
mod proxy_post;
mod proxy_slow;
mod proxy_websocket;
mod self_test;

use std::fmt;
use std::time::Duration;

use crate::Result;
use crate::probe::{Asked, BodyExpect, Expect, StreamPlan};
use crate::record::{Connection, Purpose, Route};

pub use address::{Address, Place};
pub use proxy_slow::slow_path;
pub use self_test::SELF_TEST;

/// Every stream that can be chosen, in the order of reports.
pub const TABLE: &[&StreamKind] = &[
    &proxy_fresh::KIND,
    &proxy_keepalive::KIND,
    &proxy_post::KIND,
    &proxy_slow::KIND,
    &proxy_websocket::KIND,
    &proxy_events::KIND,
    &overlay_fresh::KIND,
    &overlay_keepalive::KIND,
    &each_replica::KIND,
    &control::KIND,
];

/// What users ask at its plainest.
pub const PLAIN: &StreamKind = &proxy_fresh::KIND;

/// The streams that change nothing and need no service beside the stack: what a service in use
/// can be asked without harm.
pub const HARMLESS: &[&StreamKind] = &[&proxy_fresh::KIND, &proxy_keepalive::KIND];

/// One way in which a run asks the service.
pub struct StreamKind {
    /// Its name in the record, in reports and on the command line.
    pub name: &'static str,
    /// What it asks, in a few words.
    pub about: &'static str,
    /// The way its requests take.
    pub route: Route,
    /// What its requests are for.
    pub purpose: Purpose,
    /// Its share of `--rate`.
    pub share: f64,
    /// The highest rate that makes sense, in requests a second.
    pub at_most_hz: f64,
    /// Whether a service may be unable to answer it, found out by asking once.
    pub trial: Option<Trial>,
    /// Whether connections are kept.
    pub connection: Connection,
    /// What else is special about its requests.
    shape: Option<fn(StreamPlan, &Asking) -> Result<StreamPlan>>,
}

/// How a stream is tried before anything is measured.
#[derive(Debug, Clone, Copy)]
pub struct Trial {
    /// The shortest time that a good response must take.
    pub at_least: Duration,
    /// The option that names something else to ask.
    pub option: &'static str,
    /// What that option should name.
    pub needs: &'static str,
}

impl Trial {
    /// The same on a swarm whose time passes so much faster.
    #[must_use]
    pub fn at_speed(self, speed: f64) -> Self {
        let at_least = self.at_least.as_secs_f64() / speed;
        Self { at_least: Duration::try_from_secs_f64(at_least).unwrap_or(self.at_least), ..self }
    }
}

/// How the streams of a run ask.
#[derive(Debug, Clone, PartialEq)]
pub struct Asking {
    /// Requests a second of the densest stream; the others send a share of it.
    pub rate_hz: f64,
    /// A response later than this is a failure. The time that a slow response takes is added.
    pub deadline: Duration,
    /// The path that `proxy-post` asks, if not that of the others.
    pub post_path: Option<String>,
    /// The path that `proxy-slow` asks: something that takes some seconds.
    pub slow_path: String,
    /// The path that `proxy-websocket` asks to become a WebSocket.
    pub websocket_path: String,
    /// The path that `proxy-events` asks for events.
    pub events_path: String,
    /// How often something comes over a stream of events, at least; absent: silence says nothing.
    pub event_every: Option<Duration>,
    /// What the requests to the service under test are.
    pub asked: Asked,
    /// What a good response of the service under test looks like.
    pub expect: Expect,
}

impl StreamKind {
    /// Whether its requests start inside the stack's network.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        matches!(self.route, Route::Overlay | Route::Task)
    }

    /// Whether it makes sense at an address of this scheme: TCP knows no POST and no slow path, and
    /// over a connection that is kept there must be something to say.
    #[must_use]
    pub fn suits(&self, url: &str, asking: &Asking) -> bool {
        let kept = self.connection == Connection::KeepAlive;
        let says = asking.asked.content.as_ref().is_some_and(|(_, body)| !body.is_empty());
        !url.starts_with("tcp:") || (self.shape.is_none() && (!kept || says))
    }

    /// Whether it holds connections open. What such a connection is for only the user can tell, so
    /// these streams are measured only where they are asked for.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.connection == Connection::Held
    }

    /// Whether it needs a service beside the stack.
    #[must_use]
    pub fn needs_companion(&self) -> bool {
        self.is_inside() || self.route == Route::Companion
    }

    /// The plan of this stream to `url`.
    ///
    /// # Errors
    /// A usage error for an address or a path that cannot be asked.
    pub fn plan(&self, url: &str, asking: &Asking) -> Result<StreamPlan> {
        let rate_hz = (asking.rate_hz * self.share).min(self.at_most_hz);
        let mut plan = StreamPlan::new(self.name, url, rate_hz)?;
        plan.deadline = asking.deadline;
        plan.route = self.route;
        plan.purpose = self.purpose;
        plan.connection = self.connection;
        if let Some(shape) = self.shape {
            plan = shape(plan, asking)?;
        }
        if matches!(self.purpose, Purpose::Users | Purpose::EachReplica) {
            self.describe(&mut plan, asking)?;
        }
        // Well after the deadline, so that a response that a proxy held back shows as late.
        plan.timeout = plan.timeout.max(plan.deadline * 4);
        Ok(plan)
    }

    /// The headers that the user wants sent, and what a good response is. A stream that may ask
    /// another path gets another body, and what is sent from inside the network is readable in
    /// a service, so no secret is.
    fn describe(&self, plan: &mut StreamPlan, asking: &Asking) -> Result<()> {
        let mut asked = asking.asked.clone();
        if self.is_inside() {
            asked.headers.retain(|(name, _)| !StreamPlan::is_secret(name));
            asked.tls.identity = None;
        }
        if self.shape.is_some() {
            asked.content = None;
        }
        if self.trial.is_some() {
            asked.paths.clear();
        }
        // Neither is for connections that are held.
        asked.cookies &= !self.holds();
        asked.http2 &= !plan.is_websocket();
        plan.ask(&asked)?;
        plan.expect = asking.expect.clone();
        if self.trial.is_some() {
            plan.expect.body = BodyExpect::Any;
        }
        Ok(())
    }
}

impl PartialEq for StreamKind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl fmt::Debug for StreamKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Method;

    fn asking() -> Asking {
        Asking {
            rate_hz: 200.0,
            deadline: Duration::from_secs(2),
            post_path: Some("/form".into()),
            slow_path: "/slow?ms=4000".into(),
            websocket_path: "/ws".into(),
            events_path: "/events".into(),
            event_every: None,
            asked: Asked::default(),
            expect: Expect::default(),
        }
    }

    #[test]
    fn the_service_under_test_is_asked_as_the_user_says_and_nothing_else_is() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expect =
            Expect { status: Some(401), body: BodyExpect::Exact("no".into()), ..Expect::default() };
        let headers = vec![pair("Host", "shop.example.org"), pair("Authorization", "secret")];
        let asked = Asked { headers, ..Asked::default() };
        let asking = Asking { asked, expect: expect.clone(), ..asking() };
        for kind in TABLE.iter().copied().chain([&SELF_TEST]) {
            let plan = kind.plan("http://10.0.0.2:8080/", &asking).unwrap();
            let ours = kind.route == Route::Companion;
            let host = if ours { "10.0.0.2:8080" } else { "shop.example.org" };
            assert_eq!(plan.headers()["host"], host, "{kind:?}");
            let secret = plan.headers().contains_key("authorization");
            assert_eq!(secret, kind.route == Route::Published, "{kind:?}");
            assert_eq!(plan.expect.status, Some(if ours { 200 } else { 401 }), "{kind:?}");
            let body = !ours && kind.trial.is_none();
            assert_eq!(plan.expect.body == expect.body, body, "{kind:?}");
        }
    }

    #[test]
    fn each_stream_asks_what_it_is_for() {
        let url = "http://10.0.0.2:8080/shop";
        let plans: Vec<_> = TABLE.iter().map(|kind| kind.plan(url, &asking()).unwrap()).collect();
        let seen: Vec<_> = plans
            .iter()
            .map(|plan| (plan.name.as_str(), plan.path(), plan.method, plan.rate_hz))
            .collect();
        let (get, post) = (Method::Get, Method::Post);
        let shop = || "/shop".to_owned();
        assert_eq!(
            seen,
            [
                ("proxy-fresh", shop(), get, 200.0),
                ("proxy-keepalive", shop(), get, 100.0),
                ("proxy-post", "/form".to_owned(), post, 25.0),
                ("proxy-slow", "/slow?ms=4000".to_owned(), get, 10.0),
                ("proxy-websocket", "/ws".to_owned(), get, 20.0),
                ("proxy-events", "/events".to_owned(), get, 20.0),
                ("overlay-fresh", shop(), get, 50.0),
                ("overlay-keepalive", shop(), get, 50.0),
                ("each-replica", shop(), get, 5.0),
                ("control", shop(), get, 25.0),
            ]
        );
        assert!(plans.iter().all(|plan| plan.timeout == Duration::from_secs(8)));
        assert_eq!(plans[1].connection, Connection::KeepAlive);
        let users = plans.iter().filter(|plan| plan.purpose == Purpose::Users).count();
        assert_eq!((plans[4].kept, plans[4].url()), (20, "ws://10.0.0.2:8080/ws"));
        assert!(plans.iter().all(|plan| plan.check().is_ok()));
        assert_eq!(users, 8, "what users do not get has another purpose");
    }

    #[test]
    fn names_are_unique() {
        for kind in TABLE {
            assert!(TABLE.iter().filter(|other| other.name == kind.name).count() == 1);
        }
    }
}

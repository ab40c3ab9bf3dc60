//! From the streams that are wanted to plans of requests.

use std::time::Duration;

use super::{StreamKind, Target};
use crate::error::Result;
use crate::probe::{Method, StreamPlan};
use crate::record::{Connection, Purpose, Route};

/// Which streams a run has, and how they ask.
#[derive(Debug, Clone, PartialEq)]
pub struct Streams {
    /// The streams.
    pub kinds: Vec<StreamKind>,
    /// Requests a second of the densest stream; the others send a share of it.
    pub rate_hz: f64,
    /// An answer later than this is a failure; the time that a slow answer takes comes on top.
    pub deadline: Duration,
    /// What [`StreamKind::ProxyPost`] asks; absent: what the others ask.
    pub post_path: Option<String>,
    /// What [`StreamKind::ProxySlow`] asks: something that takes some seconds.
    pub slow_path: String,
}

/// The name of the stream that has to lose requests.
const NEGATIVE_CONTROL: &str = "negative-control";
/// What a POST carries: a body that has to arrive.
const POST_BODY: &[u8] = b"rollproof=1";
/// A slow request occupies a connection for seconds: more would be a load test.
const SLOW_MOST_HZ: f64 = 10.0;
/// Each replica is asked so often: its first and its last answer are known to a fifth of a
/// second.
const EACH_REPLICA_MOST_HZ: f64 = 5.0;

impl Streams {
    /// Whether a stream is wanted.
    #[must_use]
    pub fn has(&self, kind: StreamKind) -> bool {
        self.kinds.contains(&kind)
    }

    /// The plans of the streams to the address that users ask.
    ///
    /// # Errors
    /// A usage error for an address or a path that cannot be asked.
    pub fn through_proxy(&self, target: &Target) -> Result<Vec<(StreamKind, StreamPlan)>> {
        let kinds = self.kinds.iter().copied();
        kinds
            .filter(|kind| !kind.is_from_inside() && *kind != StreamKind::Control)
            .map(|kind| Ok((kind, self.plan(kind, &target.url)?)))
            .collect()
    }

    /// The plan of a stream that asks `url`.
    ///
    /// # Errors
    /// A usage error for an address or a path that cannot be asked.
    pub fn plan(&self, kind: StreamKind, url: &str) -> Result<StreamPlan> {
        let mut plan = StreamPlan::new(kind.name(), url, self.rate_of(kind))?;
        plan.deadline = self.deadline;
        match kind {
            StreamKind::ProxyFresh => {}
            StreamKind::OverlayFresh => plan.route = Route::Overlay,
            StreamKind::ProxyKeepalive => plan.connection = Connection::KeepAlive,
            StreamKind::OverlayKeepalive => {
                plan.connection = Connection::KeepAlive;
                plan.route = Route::Overlay;
            }
            StreamKind::ProxyPost => {
                plan.connection = Connection::KeepAlive;
                plan.method = Method::Post;
                plan.body = POST_BODY.into();
                if let Some(path) = &self.post_path {
                    plan = plan.with_path(path)?;
                }
            }
            StreamKind::ProxySlow => plan = plan.with_path(&self.slow_path)?,
            StreamKind::EachReplica => {
                plan.purpose = Purpose::EachReplica;
                plan.route = Route::Task;
            }
            StreamKind::Control => {
                plan.purpose = Purpose::Control;
                plan.route = Route::Companion;
            }
        }
        // Well behind the deadline, so that an answer that a proxy held back is seen as late.
        plan.timeout = plan.timeout.max(plan.deadline * 4);
        Ok(plan)
    }

    /// The plan of a stream from inside the network, to the service's port under this name, and
    /// for each replica to the name that has an address for each task whatever the endpoint mode.
    ///
    /// # Errors
    /// A usage error for an address or a path that cannot be asked.
    pub fn inside(
        &self,
        kind: StreamKind,
        target: &Target,
        name: &str,
        port: u16,
    ) -> Result<StreamPlan> {
        let path = StreamPlan::new(kind.name(), &target.url, self.rate_of(kind))?.path();
        if kind == StreamKind::EachReplica {
            return self.plan(kind, &format!("http://tasks.{}:{port}{path}", target.service));
        }
        self.plan(kind, &format!("http://{name}:{port}{path}"))
    }

    /// The plan of the stream to the negative control.
    ///
    /// # Errors
    /// A usage error for an address that cannot be asked.
    pub fn negative_control(&self, url: &str) -> Result<StreamPlan> {
        let mut plan = StreamPlan::new(NEGATIVE_CONTROL, url, self.rate_hz / 4.0)?;
        plan.deadline = self.deadline;
        plan.timeout = plan.timeout.max(plan.deadline * 4);
        plan.purpose = Purpose::NegativeControl;
        plan.route = Route::Companion;
        Ok(plan)
    }

    /// Requests a second of a stream.
    fn rate_of(&self, kind: StreamKind) -> f64 {
        let rate = self.rate_hz;
        match kind {
            StreamKind::ProxyFresh => rate,
            StreamKind::ProxyKeepalive => rate / 2.0,
            StreamKind::OverlayFresh | StreamKind::OverlayKeepalive => rate / 4.0,
            StreamKind::ProxyPost | StreamKind::Control => rate / 8.0,
            StreamKind::ProxySlow => (rate / 20.0).min(SLOW_MOST_HZ),
            StreamKind::EachReplica => (rate / 40.0).min(EACH_REPLICA_MOST_HZ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams() -> Streams {
        Streams {
            kinds: StreamKind::ALL.to_vec(),
            rate_hz: 200.0,
            deadline: Duration::from_secs(2),
            post_path: Some("/form".into()),
            slow_path: "/slow?ms=4000".into(),
        }
    }

    #[test]
    fn each_stream_asks_what_it_is_for() {
        let target = Target {
            service: "s_app".into(),
            replicas: 6,
            port: Some(8080),
            url: "http://10.0.0.2:8080/shop".into(),
        };
        let plans = streams().through_proxy(&target).unwrap();
        let told: Vec<_> = plans
            .iter()
            .map(|(_, plan)| (plan.name.as_str(), plan.url(), plan.method, plan.rate_hz))
            .collect();
        assert_eq!(
            told,
            [
                ("proxy-fresh", "http://10.0.0.2:8080/shop", Method::Get, 200.0),
                ("proxy-keepalive", "http://10.0.0.2:8080/shop", Method::Get, 100.0),
                ("proxy-post", "http://10.0.0.2:8080/form", Method::Post, 25.0),
                ("proxy-slow", "http://10.0.0.2:8080/slow?ms=4000", Method::Get, 10.0),
            ]
        );
        assert!(plans.iter().all(|(_, plan)| plan.timeout == Duration::from_secs(8)));
        assert_eq!(plans[1].1.connection, Connection::KeepAlive);
    }

    #[test]
    fn from_inside_the_service_is_asked_by_its_name() {
        let target = Target {
            service: "s_app".into(),
            replicas: 6,
            port: Some(8080),
            url: "http://10.0.0.2:8080/shop?a=1".into(),
        };
        let url = |kind| streams().inside(kind, &target, "s_app", 80).unwrap().url().to_owned();
        assert_eq!(url(StreamKind::OverlayFresh), "http://s_app:80/shop?a=1");
        assert_eq!(url(StreamKind::EachReplica), "http://tasks.s_app:80/shop?a=1");
    }

    #[test]
    fn what_users_do_not_get_has_another_purpose() {
        let plan = |kind| streams().plan(kind, "http://10.0.0.2/").unwrap().purpose;
        assert_eq!(plan(StreamKind::Control), Purpose::Control);
        assert_eq!(plan(StreamKind::EachReplica), Purpose::EachReplica);
        assert_eq!(plan(StreamKind::OverlayFresh), Purpose::Users);
    }
}

//! Instructions to a prober in another process.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::StreamPlan;
use crate::{Error, Result};

/// Instructions to a prober in another process, as one line of JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbeOrder {
    streams: Vec<StreamPlan>,
    at_most: Duration,
}

impl ProbeOrder {
    /// The environment variable that holds the order.
    pub const VARIABLE: &str = "ROLLPROOF_ORDER";

    /// An order for these streams. The prober stops on its own after `at_most`, so that a killed
    /// run leaves no load behind.
    ///
    /// # Errors
    /// A usage error for a plan that contradicts itself, and for a header that holds a secret:
    /// everyone who can inspect a service can read its order.
    pub fn new(plans: &[StreamPlan], at_most: Duration) -> Result<Self> {
        plans.iter().try_for_each(check)?;
        Ok(Self { streams: plans.to_vec(), at_most })
    }

    /// The streams.
    #[must_use]
    pub fn plans(&self) -> &[StreamPlan] {
        &self.streams
    }

    /// How many streams there are.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// When the prober stops on its own.
    #[must_use]
    pub fn at_most(&self) -> Duration {
        self.at_most
    }

    /// Reads an order.
    ///
    /// # Errors
    /// A usage error for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        serde_json::from_str(text)
            .map_err(|error| Error::usage("cannot read the prober's order").caused_by(error))
    }

    /// The order as [`ProbeOrder::parse`] reads it. Swarm treats `{{` in an environment variable as
    /// a template, so it is escaped: in JSON it can only be part of a string.
    ///
    /// # Errors
    /// None that a plan could cause.
    pub fn to_text(&self) -> Result<String> {
        let text = serde_json::to_string(self)
            .map_err(|error| Error::usage("cannot write the prober's order").caused_by(error))?;
        Ok(text.replace("{{", "{\\u007b"))
    }
}

/// Whether a plan can be part of an order.
fn check(plan: &StreamPlan) -> Result<()> {
    plan.check()?;
    for (name, value) in plan.headers() {
        let unfit = |why| {
            Error::usage(format!("stream `{}`: header `{name}` {why}", plan.name))
                .hint("leave it out for the streams inside the network")
        };
        if value.is_sensitive() {
            return Err(unfit("would be readable in the service that sends it"));
        }
        if value.to_str().is_err() {
            return Err(unfit("is not plain text"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{BodyExpect, Method};
    use crate::record::{Connection, Purpose};

    #[test]
    fn an_order_is_complete() {
        let mut plan = StreamPlan::new("in", "http://tasks.s_app:8000/a?b={{.x}}", 12.5).unwrap();
        plan.header("Host", "web.example").unwrap();
        plan.header("X-A", "1").unwrap();
        plan.header("X-A", "2").unwrap();
        plan.method = Method::Post;
        plan.body = vec![0, 255].into();
        plan.purpose = Purpose::Control;
        plan.connection = Connection::KeepAlive;
        plan.kept = 3;
        plan.deadline = Duration::from_millis(1_234);
        plan.takes = Duration::from_millis(321);
        plan.connect_timeout = Duration::from_millis(77);
        plan.timeout = Duration::from_millis(9_999);
        plan.max_in_flight = Some(5);
        plan.shots = Some(6);
        plan.source = Some("127.0.0.2".parse().unwrap());
        plan.expect.status = None;
        plan.expect.body = BodyExpect::Prefix("{{".into());
        plan.expect.versions = vec!["v1".into()];
        let order = ProbeOrder::new(&[plan.clone()], Duration::from_secs(9)).unwrap();
        let text = order.to_text().unwrap();
        assert!(!text.contains("{{"), "{text}");
        let again = ProbeOrder::parse(&text).unwrap();
        assert_eq!(again, order);
        assert_eq!(again.at_most(), Duration::from_secs(9));
        assert_eq!(again.plans(), [plan]);
    }

    #[test]
    fn secret_headers_and_contradictions_are_refused() {
        let mut plan = StreamPlan::new("s", "http://a/", 1.0).unwrap();
        plan.header("Authorization", "secret").unwrap();
        let error = ProbeOrder::new(&[plan.clone()], Duration::ZERO).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Usage);
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        let mut plan = StreamPlan::new("s", "http://a/", 1.0).unwrap();
        plan.kept = 0;
        assert!(ProbeOrder::new(&[plan], Duration::ZERO).is_err());
        assert!(ProbeOrder::parse("{}").is_err());
    }
}

//! What a prober in another process is to do.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::StreamPlan;
use super::stream_order::StreamOrder;
use crate::{Error, Result};

/// What a prober in another process is to do, as one line of JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProbeOrder {
    streams: Vec<StreamOrder>,
    at_most: Duration,
}

impl ProbeOrder {
    /// The environment variable it is given in.
    pub const VARIABLE: &str = "ROLLPROOF_ORDER";

    /// An order for these streams. After `at_most` the prober stops by itself, so that no load is
    /// left behind by a run that was killed.
    ///
    /// # Errors
    /// A usage error for a plan that contradicts itself or sends a header that holds a secret.
    pub fn new(plans: &[StreamPlan], at_most: Duration) -> Result<Self> {
        let streams = plans.iter().map(StreamOrder::of).collect::<Result<_>>()?;
        Ok(Self { streams, at_most })
    }

    /// The streams.
    ///
    /// # Errors
    /// A usage error for what no plan may have.
    pub fn plans(&self) -> Result<Vec<StreamPlan>> {
        self.streams.iter().map(StreamOrder::plan).collect()
    }

    /// How many streams there are.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// When the prober stops by itself.
    #[must_use]
    pub fn at_most(&self) -> Duration {
        self.at_most
    }

    /// Reads an order.
    ///
    /// # Errors
    /// A usage error for what is none.
    pub fn parse(text: &str) -> Result<Self> {
        serde_json::from_str(text)
            .map_err(|error| Error::usage("the prober's order is not understood").caused_by(error))
    }

    /// The order as [`ProbeOrder::parse`] reads it. Swarm takes `{{` in an environment variable
    /// for a template, so there is none: in JSON it can only stand in a string.
    ///
    /// # Errors
    /// None that a plan could cause.
    pub fn to_text(&self) -> Result<String> {
        let text = serde_json::to_string(self)
            .map_err(|error| Error::usage("the order cannot be written").caused_by(error))?;
        Ok(text.replace("{{", "{\\u007b"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{BodyExpect, Method};
    use crate::record::{Connection, Purpose};

    #[test]
    fn an_order_keeps_everything_of_its_plans() {
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
        let plans = again.plans().unwrap();
        // Every field, whatever is added to it: the plan itself has no comparison.
        assert_eq!(format!("{plans:?}"), format!("{:?}", [plan]));
    }

    #[test]
    fn a_secret_header_and_a_contradiction_are_refused() {
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

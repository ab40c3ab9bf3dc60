//! A stream as one process tells it to another.

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Expect, Method, StreamPlan};
use crate::record::{Connection, Purpose, Route};
use crate::{Error, Result};

/// A stream as one process tells it to another: everything of a [`StreamPlan`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct StreamOrder {
    name: String,
    url: String,
    method: Method,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    rate_hz: f64,
    purpose: Purpose,
    route: Route,
    connection: Connection,
    kept: usize,
    deadline: Duration,
    takes: Duration,
    connect_timeout: Duration,
    timeout: Duration,
    max_in_flight: Option<usize>,
    shots: Option<u64>,
    source: Option<IpAddr>,
    expect: Expect,
}

impl StreamOrder {
    /// # Errors
    /// A usage error for a plan that contradicts itself, and for a header that holds a secret:
    /// whoever may look at a service can read its order.
    pub fn of(plan: &StreamPlan) -> Result<Self> {
        plan.check()?;
        let headers = plan.headers().iter().map(|(name, value)| {
            let unfit = |why| {
                Error::usage(format!("stream `{}`: its header `{name}` {why}", plan.name))
                    .hint("leave it out for the streams inside the network")
            };
            if value.is_sensitive() {
                return Err(unfit("would be readable in the service that sends it"));
            }
            let text = value.to_str().map_err(|_| unfit("is no plain text"))?;
            Ok((name.to_string(), text.to_owned()))
        });
        Ok(Self {
            name: plan.name.clone(),
            url: plan.url().to_owned(),
            method: plan.method,
            headers: headers.collect::<Result<_>>()?,
            body: plan.body.to_vec(),
            rate_hz: plan.rate_hz,
            purpose: plan.purpose,
            route: plan.route,
            connection: plan.connection,
            kept: plan.kept,
            deadline: plan.deadline,
            takes: plan.takes,
            connect_timeout: plan.connect_timeout,
            timeout: plan.timeout,
            max_in_flight: plan.max_in_flight,
            shots: plan.shots,
            source: plan.source,
            expect: plan.expect.clone(),
        })
    }

    /// # Errors
    /// A usage error for what no plan may have.
    pub fn plan(&self) -> Result<StreamPlan> {
        let mut plan = StreamPlan::new(&self.name, &self.url, self.rate_hz)?;
        for (name, value) in &self.headers {
            plan.header(name, value)?;
        }
        plan.method = self.method;
        plan.body = self.body.clone().into();
        plan.purpose = self.purpose;
        plan.route = self.route;
        plan.connection = self.connection;
        plan.kept = self.kept;
        plan.deadline = self.deadline;
        plan.takes = self.takes;
        plan.connect_timeout = self.connect_timeout;
        plan.timeout = self.timeout;
        plan.max_in_flight = self.max_in_flight;
        plan.shots = self.shots;
        plan.source = self.source;
        plan.expect = self.expect.clone();
        Ok(plan)
    }
}

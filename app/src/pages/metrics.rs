//! Counters for Prometheus.

use hyper::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::prometheus_text::{CONTENT_TYPE, encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Answer;
use super::respond::{respond, text};

/// The counters of one process.
#[derive(Debug)]
pub struct Metrics {
    node: String,
    registry: Registry,
    requests: Family<Route, Counter>,
    health: Family<Node, Gauge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    node: String,
    route: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Node {
    node: String,
}

impl Metrics {
    pub fn new(node: &str) -> Self {
        let (requests, health) = (Family::default(), Family::default());
        let mut registry = Registry::default();
        registry.register("request_counter", "Requests by path", requests.clone());
        registry.register("node_health", "1 if the node is healthy, else 0", health.clone());
        Self { node: node.to_owned(), registry, requests, health }
    }

    pub fn count(&self, route: &'static str) {
        self.requests.get_or_create(&Route { node: self.node.clone(), route }).inc();
    }

    pub fn answer(&self, healthy: bool) -> Answer {
        let node = Node { node: self.node.clone() };
        self.health.get_or_create(&node).set(i64::from(healthy));
        let mut body = String::new();
        match encode(&mut body, &self.registry) {
            Ok(()) => respond(StatusCode::OK, CONTENT_TYPE, body.into()),
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
        }
    }
}

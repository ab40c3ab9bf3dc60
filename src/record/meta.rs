//! What was known before the run: `meta.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Against, UserLimits};
use crate::Offset;
use crate::stack::ProxyPolling;
use crate::swarm::{HealthCheck, Order, SpecChange, UpdatePolicy};

/// The version of the record's and the report's format.
pub const SCHEMA_VERSION: u32 = 1;

/// Requests that the densest users' stream sends before a change, so that a verdict on it can be trusted:
/// without a failure among them, at most 6 % were lost before (95 % confidence).
pub const BASELINE_REQUESTS: u64 = 50;

/// What was known before the run. Written first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// The run's id, also the value of the label `rollproof.run`.
    pub run_id: String,
    /// Wall-clock time of offset zero, RFC 3339.
    pub started_at: String,
    /// The version of rollproof that wrote the record.
    pub tool_version: String,
    /// The command that was run: `verify`, `update`, …
    pub command: String,
    /// The engine.
    pub engine: EngineFacts,
    /// The stack and the service under test.
    pub stack: StackFacts,
    /// The probe streams.
    pub streams: Vec<StreamFacts>,
    /// Whether the self-test is part of the run.
    #[serde(default)]
    pub negative_control: NegativeControl,
    /// What the run's users allow and require.
    #[serde(default, skip_serializing_if = "UserLimits::is_empty")]
    pub limits: UserLimits,
    /// The run that this one is measured against, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<Against>,
    /// What the reader of the verdict needs to know from the start.
    pub caveats: Vec<String>,
}

/// The engine a run used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EngineFacts {
    /// Engine version, such as `20.10.24`.
    pub version: String,
    /// API version, such as `1.41`.
    pub api: String,
    /// Kernel release.
    pub kernel: String,
    /// Whether the kernel supports service VIPs and the ingress mesh.
    pub ipvs: bool,
    /// Nodes in the swarm.
    pub nodes: u64,
    /// `lab`, `host` or `simulated`.
    pub kind: String,
    /// How much faster than real the time of a simulated swarm passed; absent for a real engine. The
    /// settings of the stack are recorded as short as they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speed: Option<f64>,
    /// Engine clock minus ours when the run began. Event times are already corrected for it.
    pub clock_offset: Offset,
}

/// The stack and the service under test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StackFacts {
    /// Stack name.
    pub name: String,
    /// Stack files as given.
    pub files: Vec<String>,
    /// The service under test, with the stack's prefix.
    pub service: String,
    /// The desired number of replicas.
    pub replicas: u64,
    /// Effective update settings, with defaults filled in.
    pub update_config: UpdatePolicy,
    /// Effective rollback settings, with defaults filled in.
    pub rollback_config: UpdatePolicy,
    /// Effective health check; absent if there is none.
    pub healthcheck: Option<HealthCheck>,
    /// Whether the service turns off the health check that its image may have.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub healthcheck_off: bool,
    /// Where the stack files set each setting: `stack.yml:21` under a key such as
    /// `update_config.order` or `healthcheck.interval`; `service` is where the service begins.
    /// A missing setting has the engine's default. Empty if the files are not known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub places: BTreeMap<String, String>,
    /// The service that publishes the port which users ask; absent if that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<EntryFacts>,
    /// Where a task answers what users ask, seen from inside its container; absent if that is not
    /// known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_url: Option<String>,
    /// The proxy that asks Swarm only now and then for the service's tasks, if its labels name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polling: Option<ProxyPolling>,
    /// Whether only this run has its ports in host mode (`--endpoint-mode dnsrr`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ports_moved: bool,
    /// Whether its image is a stand-in: what is measured says nothing of the program.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stand_in: bool,
}

/// The service that publishes the port which users ask: a proxy, or the service under test itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryFacts {
    /// Its name, with the stack's prefix.
    pub service: String,
    /// Its desired number of replicas; absent if it has one task a node.
    pub replicas: Option<u64>,
    /// Whether the port is open on the nodes of its tasks only (`mode: host`).
    pub host_port: bool,
    /// Whether that is so in this run only (`--endpoint-mode dnsrr`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub moved: bool,
    /// Its update order.
    pub order: Order,
}

impl EngineFacts {
    /// Whether no engine was there: the model of Swarm played one.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        self.kind == "simulated"
    }

    /// How much faster than real the swarm's time passed.
    #[must_use]
    pub fn times_faster(&self) -> f64 {
        self.speed.filter(|speed| *speed > 0.0).unwrap_or(1.0)
    }
}

impl StackFacts {
    /// The same with the settings that are at work in an update, which can bring others.
    #[must_use]
    pub fn in_update(&self, specs: Option<&SpecChange>) -> Self {
        let mut facts = self.clone();
        if let Some([update, rollback]) = specs.map(SpecChange::policies) {
            facts.update_config = update.clone();
            facts.rollback_config = rollback.clone();
        }
        facts
    }

    /// The same with every duration as short as it is where time passes so much faster.
    #[must_use]
    pub fn at_speed(mut self, speed: f64) -> Self {
        self.update_config = self.update_config.at_speed(speed);
        self.rollback_config = self.rollback_config.at_speed(speed);
        self.healthcheck = self.healthcheck.map(|check| check.at_speed(speed));
        self
    }

    /// Whether a setting such as `update_config.order` has the engine's default because the stack
    /// files leave it out; absent if that is not known.
    #[must_use]
    pub fn is_default(&self, setting: &str) -> Option<bool> {
        (!self.places.is_empty()).then(|| !self.places.contains_key(setting))
    }
}

/// One probe stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "StreamFactsRead")]
pub struct StreamFacts {
    /// The name, which is also part of the record's file name.
    pub name: String,
    /// The URL that the requests go to.
    pub url: String,
    /// Requests per second.
    pub rate_hz: f64,
    /// A response that arrives more than this many seconds after its scheduled time is a failure.
    pub deadline: f64,
    /// How many seconds a good response takes by itself; absent unless slow ones are asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub takes: Option<f64>,
    /// How connections are used.
    pub connection: Connection,
    /// The purpose of its requests.
    pub purpose: Purpose,
    /// The route of its requests.
    pub route: Route,
    /// How many connections are held open, in a stream of such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<u64>,
    /// The user's name for the address that it asks, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

impl StreamFacts {
    /// Whether its responses take no time by themselves, so that their latency is the service's.
    #[must_use]
    pub fn takes_no_time(&self) -> bool {
        self.takes.is_none()
    }
}

/// The route of a stream's requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// To a published port, like users' requests: through the proxy, if there is one.
    Published,
    /// From inside the overlay network to the service's name, bypassing any proxy.
    Overlay,
    /// From inside the overlay network to each task's own address.
    Task,
    /// To one of rollproof's companion services.
    Companion,
}

/// [`StreamFacts`] as stored in records: version 0.1.0 stored no route and not what a slow response
/// takes, and earlier versions no purpose either.
#[derive(Deserialize)]
struct StreamFactsRead {
    name: String,
    url: String,
    rate_hz: f64,
    deadline: f64,
    takes: Option<f64>,
    connection: Connection,
    #[serde(default)]
    purpose: Purpose,
    route: Option<Route>,
    held: Option<u64>,
    address: Option<String>,
}

impl From<StreamFactsRead> for StreamFacts {
    fn from(read: StreamFactsRead) -> Self {
        let route = read.route.unwrap_or(match read.purpose {
            Purpose::Users if read.name.starts_with("overlay-") => Route::Overlay,
            Purpose::Users => Route::Published,
            Purpose::EachReplica => Route::Task,
            Purpose::Control | Purpose::NegativeControl => Route::Companion,
        });
        // Its deadline had that time in it.
        let slow = || (read.name == "proxy-slow").then_some(read.deadline);
        Self {
            takes: read.takes.or_else(slow),
            name: read.name,
            url: read.url,
            rate_hz: read.rate_hz,
            deadline: read.deadline,
            connection: read.connection,
            purpose: read.purpose,
            route,
            held: read.held,
            address: read.address,
        }
    }
}

/// Whether the self-test, an update that is built to lose requests, is part of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NegativeControl {
    /// The command has no self-test.
    #[default]
    None,
    /// The user turned it off.
    Off,
    /// The run includes it. If the record shows no trace of it, the run proves nothing.
    Planned,
}

/// How a stream uses connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Connection {
    /// A new connection for each request.
    Fresh,
    /// Connections are kept and reused.
    KeepAlive,
    /// Connections are held open by users who wait for what comes: WebSockets, streams of events.
    Held,
}

/// What the requests of a stream measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// What users of the service experience: no request may fail.
    #[default]
    Users,
    /// What each replica answers when asked directly, bypassing any proxy. A replica that is being
    /// replaced stops responding at some point, which alone is not a failure.
    EachReplica,
    /// The control target, on the same machine and network, which no update touches: if its
    /// requests fail, the measurement is at fault.
    Control,
    /// The self-test's target, which loses requests on purpose: if no request fails, the
    /// measurement is at fault.
    NegativeControl,
}

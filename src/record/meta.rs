//! What was known before the run: `meta.json`.

use serde::{Deserialize, Serialize};

use super::{Offset, Purpose};

/// The version of the record's and the report's format.
pub const SCHEMA_VERSION: u32 = 1;

/// What was known before the run; written first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// The run's id, also the value of the label `rollproof.run`.
    pub run_id: String,
    /// Wall-clock time of offset zero, RFC 3339.
    pub started_at: String,
    /// Version of the writing program.
    pub tool_version: String,
    /// The command that was run: `verify`, `update`, …
    pub command: String,
    /// The engine.
    pub engine: EngineFacts,
    /// The stack and the service under test.
    pub stack: StackFacts,
    /// The probe streams.
    pub streams: Vec<StreamFacts>,
    /// Whether an update that is known to lose requests is part of the run.
    #[serde(default)]
    pub negative_control: NegativeControl,
    /// What a reader of the verdict has to know from the start.
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
    /// Whether the kernel can do service VIPs and the ingress mesh.
    pub ipvs: bool,
    /// Nodes in the swarm.
    pub nodes: u64,
    /// `lab` or `host`.
    pub kind: String,
    /// Engine clock minus ours when the run began; already taken out of all event times.
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
    /// Replicas wanted.
    pub replicas: u64,
    /// Effective update settings, defaults filled in.
    pub update_config: PolicyFacts,
    /// Effective rollback settings, defaults filled in.
    pub rollback_config: PolicyFacts,
    /// Effective health check; absent if there is none.
    pub healthcheck: Option<HealthcheckFacts>,
}

/// `update_config` or `rollback_config` with the engine's defaults filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PolicyFacts {
    /// Slots changed at once; 0 is all.
    pub parallelism: u64,
    /// Seconds a worker waits after each slot.
    pub delay: f64,
    /// `pause`, `continue` or `rollback`.
    pub failure_action: String,
    /// Seconds a task is watched after it runs.
    pub monitor: f64,
    /// Share of failed slots that is tolerated.
    pub max_failure_ratio: f64,
    /// `stop-first` or `start-first`.
    pub order: String,
}

/// A health check with the engine's defaults filled in; times in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HealthcheckFacts {
    /// The test, as the API has it; empty if it comes from the image.
    pub test: Vec<String>,
    /// From the end of a probe to the start of the next.
    pub interval: f64,
    /// After which a probe counts as failed.
    pub timeout: f64,
    /// Failed probes in a row that make a container unhealthy.
    pub retries: u64,
    /// Time in which failures do not count.
    pub start_period: f64,
}

/// One probe stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StreamFacts {
    /// Name, also in the record's file name.
    pub name: String,
    /// What is asked.
    pub url: String,
    /// Requests a second.
    pub rate_hz: f64,
    /// An answer later than this many seconds after its intended time is a failure.
    pub deadline: f64,
    /// How connections are used.
    pub connection: Connection,
    /// What its requests are to show.
    #[serde(default)]
    pub purpose: Purpose,
}

/// Whether an update that is known to lose requests is part of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NegativeControl {
    /// The command has none.
    #[default]
    None,
    /// The user turned it off.
    Off,
    /// It is performed; without a trace of it in the record the run proves nothing.
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
}

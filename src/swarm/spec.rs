//! What decides the course of an update.

use serde::{Deserialize, Serialize};

use super::{HealthCheck, RestartPolicy, UpdatePolicy};

/// Seconds between the stop signal and SIGKILL unless the stack says otherwise (swarmkit
/// `api/defaults/service.go`).
pub const DEFAULT_STOP_GRACE_PERIOD: f64 = 10.0;

/// What decides the course of an update in one version of a service's spec, with the engine's
/// defaults filled in. It has no environment, arguments or secrets, so a record may keep it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spec {
    /// Replicas; a global service has a task on each node instead.
    pub replicas: u64,
    /// One task a node.
    pub global: bool,
    /// `update_config`.
    pub update: UpdatePolicy,
    /// `rollback_config`: used when a later version rolls back to this one.
    pub rollback: UpdatePolicy,
    /// The health check; absent if there is none.
    pub health: Option<HealthCheck>,
    /// Seconds between the stop signal and SIGKILL.
    pub stop_grace: f64,
    /// When ended tasks are replaced.
    pub restart: RestartPolicy,
    /// Whether tasks have a network of the swarm, which is always so in a stack: Swarm then waits
    /// before the stop signal.
    pub networked: bool,
    /// Ports that are published on the node of each task (`mode: host`).
    pub host_ports: Vec<u16>,
    /// The most tasks on one node; 0 means any number.
    pub max_per_node: u64,
    /// Placement constraints, such as `node.role==manager`.
    pub constraints: Vec<String>,
    /// Reserved processors of each task.
    pub cpus: f64,
    /// Reserved memory of each task, in bytes.
    pub memory: u64,
}

impl Spec {
    fn at_speed(mut self, speed: f64) -> Self {
        self.update = self.update.at_speed(speed);
        self.rollback = self.rollback.at_speed(speed);
        self.health = self.health.map(|check| check.at_speed(speed));
        self.restart = self.restart.at_speed(speed);
        self.stop_grace /= speed;
        self
    }
}

impl Default for Spec {
    /// One replica with the engine's defaults.
    fn default() -> Self {
        Self {
            replicas: 1,
            global: false,
            update: UpdatePolicy::default(),
            rollback: UpdatePolicy::default(),
            health: None,
            stop_grace: DEFAULT_STOP_GRACE_PERIOD,
            restart: RestartPolicy::default(),
            networked: true,
            host_ports: Vec::new(),
            max_per_node: 0,
            constraints: Vec::new(),
            cpus: 0.0,
            memory: 0,
        }
    }
}

/// A change of a service: the specs before and after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpecChange {
    /// What ran before, and runs again after a rollback.
    pub before: Spec,
    /// What the engine was sent.
    pub after: Spec,
    /// Which tasks Swarm replaces for it.
    pub replaces: Replaces,
}

/// Which tasks Swarm replaces for a change (swarmkit `manager/orchestrator/task.go`: `IsTaskDirty`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Replaces {
    /// None: a change of scale, of labels or of the update's settings.
    Nothing,
    /// Those on nodes that the new placement does not allow: only that has changed.
    Misplaced,
    /// All of them.
    Everything,
}

impl SpecChange {
    /// The same with every duration as short as it is where time passes so much faster.
    #[must_use]
    pub fn at_speed(self, speed: f64) -> Self {
        Self { before: self.before.at_speed(speed), after: self.after.at_speed(speed), ..self }
    }

    /// The `update_config` and the `rollback_config` that are at work: Swarm rolls back by the
    /// settings of the version that it returns to (swarmkit `update/updater.go`).
    #[must_use]
    pub fn policies(&self) -> [&UpdatePolicy; 2] {
        [&self.after.update, &self.before.rollback]
    }
}

//! `deploy` and its parts.

use super::{Resources, Texts};

/// How Swarm runs a service.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Deploy {
    pub(crate) mode: String,
    pub(crate) replicas: Option<u64>,
    pub(crate) labels: Texts,
    pub(crate) update_config: Option<UpdateConfig>,
    pub(crate) rollback_config: Option<UpdateConfig>,
    pub(crate) resources: Resources,
    pub(crate) restart_policy: Option<RestartPolicy>,
    pub(crate) placement: Placement,
    pub(crate) endpoint_mode: String,
}

/// How an update or rollback proceeds; durations in nanoseconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct UpdateConfig {
    pub(crate) parallelism: Option<u64>,
    pub(crate) delay: i64,
    pub(crate) failure_action: String,
    pub(crate) monitor: i64,
    /// Already narrowed to what a 32-bit float holds.
    pub(crate) max_failure_ratio: f64,
    pub(crate) order: String,
}

/// When a task is replaced; durations in nanoseconds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RestartPolicy {
    pub(crate) condition: String,
    pub(crate) delay: Option<i64>,
    pub(crate) max_attempts: Option<u64>,
    pub(crate) window: Option<i64>,
}

/// Where tasks may run.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Placement {
    pub(crate) constraints: Vec<String>,
    /// Labels to spread over.
    pub(crate) preferences: Vec<String>,
    pub(crate) max_replicas: u64,
}

//! The vocabulary of Swarm: task states, update states, update policies, restart policies,
//! health checks, constraints, endpoints and engine releases, with the engine's defaults filled in.
//!
//! Every module may use this one, and it uses no other.

mod constraint;
mod endpoint;
mod engine_version;
mod health_check;
mod restart_policy;
mod spec;
mod task_state;
mod update_policy;
mod update_state;

pub use constraint::constraint_sides;
pub use endpoint::{PortProtocol, PublishMode, ResolutionMode};
pub use engine_version::EngineVersion;
pub use health_check::HealthCheck;
pub use restart_policy::{RestartCondition, RestartPolicy};
pub use spec::{DEFAULT_STOP_GRACE_PERIOD, Replaces, Spec, SpecChange};
pub use task_state::TaskState;
pub use update_policy::{FailureAction, Order, UpdatePolicy};
pub use update_state::UpdateState;

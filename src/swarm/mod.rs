//! The vocabulary of Swarm: task states, update states, update policies, health checks and
//! endpoints, with the engine's defaults filled in.
//!
//! Every module may use this one, and it uses no other.

mod endpoint;
mod health_check;
mod task_state;
mod update_policy;
mod update_state;

pub use endpoint::{PortProtocol, PublishMode, ResolutionMode};
pub use health_check::HealthCheck;
pub use task_state::TaskState;
pub use update_policy::{FailureAction, Order, UpdatePolicy};
pub use update_state::UpdateState;

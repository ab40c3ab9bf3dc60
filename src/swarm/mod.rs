//! The words of Swarm: task states, update states, update policies and health checks, with the
//! engine's defaults filled in.
//!
//! Every room may use them, and they use none.

mod health_check;
mod task_state;
mod update_policy;
mod update_state;

pub use health_check::HealthCheck;
pub use task_state::TaskState;
pub use update_policy::{FailureAction, Order, UpdatePolicy};
pub use update_state::UpdateState;

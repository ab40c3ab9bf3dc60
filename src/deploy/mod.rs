//! Deploying a stack and taking it away again.

mod apply;
mod converge;
mod fit;
mod ports;
mod remove;

pub use apply::{Applied, ApplyOptions, apply, resolve_references};
pub use converge::{ConvergeOptions, converge};
pub use fit::{EndpointMode, Kernel, fit_to_kernel};
pub use remove::{Removed, remove};

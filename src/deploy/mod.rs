//! Deploying a stack and taking it away again.

mod apply;
mod converge;
mod fit;
mod ports;
mod remove;
mod resolve;

pub use apply::{Applied, ApplyOptions, apply, check_owner, resolve_references};
pub use converge::{ConvergeOptions, converge};
pub use fit::{EndpointMode, Kernel, fit_to_kernel};
pub use remove::{Removed, remove};
pub use resolve::{ResolveImage, keep_resolved};

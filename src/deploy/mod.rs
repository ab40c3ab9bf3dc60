//! Deploying and removing a stack.

mod apply;
mod change;
mod check;
mod converge;
mod example;
mod fit;
mod owner;
mod prepare;
mod remove;
mod resolve;

pub use apply::{ApplyOptions, apply, check_owner};
pub use change::Change;
pub use check::check;
pub use converge::{ConvergeOptions, converge};
pub use example::scenario_stack;
pub use fit::{EndpointMode, Kernel, fit_to_kernel};
pub use owner::{OwnerMark, Whose, refuse_unless_ours};
pub use prepare::{Prepared, StackFiles, places_in, read_or_example, read_stack, sources};
pub use remove::{Removed, remove};
pub use resolve::ResolveImage;

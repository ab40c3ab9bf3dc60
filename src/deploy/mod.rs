//! Deploying and removing a stack.

mod apply;
mod change;
mod check;
mod converge;
mod example;
mod fit;
mod owner;
mod placement;
mod prepare;
mod refused;
mod remove;
mod resolve;
mod stand_ins;

pub use apply::{Applied, ApplyOptions, Marking, apply, check_owner, pruned};
pub use change::Change;
pub use check::{NodeFiles, check};
pub use converge::{ConvergeOptions, converge};
pub use example::{EXAMPLE_REPLICAS, scenario_stack};
pub use fit::{EndpointMode, Fitted, Kernel, fit_to_kernel};
pub use owner::{COMPANION_MARK, OwnerMark, Whose, is_companion, refuse_unless_ours};
pub use placement::labels_for;
pub use prepare::{Prepared, StackFiles, places_in, read_or_example, read_stack, sources};
pub use refused::refused;
pub use remove::{Removed, remove, remove_objects};
pub use resolve::ResolveImage;
pub use stand_ins::{Missing, StandIns, missing};

//! Services that rollproof puts beside the stack under test: a prober inside its network, a
//! control target that no update touches, and the self-test's target, whose update is built to
//! lose requests.

mod asked_port;
mod bodies;
mod companions;
mod free_ports;
mod kind;
mod remote_prober;
mod stderr_tail;
mod waiting;

pub use asked_port::asked_port;
pub use companions::{CompanionOptions, Companions};
pub use kind::{CompanionKind, is_companion};
pub use remote_prober::RemoteProber;

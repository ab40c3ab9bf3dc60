//! Services of the program's own beside the stack under test: a prober inside its network, a
//! target that no update touches, and one whose update is known to lose requests.

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
pub use kind::CompanionKind;
pub use remote_prober::RemoteProber;

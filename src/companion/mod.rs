//! Services that rollproof runs beside the stack under test: a prober inside its network, a
//! control target that no update touches, and the self-test's target, whose update is built to
//! lose requests.

mod companions;
mod ports;
mod remote_prober;
mod services;
mod waiting;

pub use companions::{CompanionOptions, Companions};
pub use ports::asked_port;
pub use remote_prober::RemoteProber;
pub use services::CompanionKind;

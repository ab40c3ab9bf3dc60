//! How busy the machine was.

use serde::{Deserialize, Serialize};

/// How busy this machine was for about a second, in thousandths of its processor time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineLoad {
    /// Processor time that was used, by whomever.
    pub busy: u16,
    /// Processor time that the hypervisor gave to others.
    pub stolen: u16,
    /// Share of the time in which something that could run had to wait for a processor
    /// (`some` in `/proc/pressure/cpu`); absent where the kernel does not tell.
    pub waiting: Option<u16>,
}

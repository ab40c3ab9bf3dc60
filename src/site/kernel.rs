//! What this machine's kernel supports.

use std::path::Path;
use std::process::{Command, Stdio};

/// Whether this machine's kernel has IPVS, which service VIPs and the ingress mesh need. Tries to
/// load the module if it is missing, which only root can do.
#[must_use]
pub fn kernel_has_ipvs() -> bool {
    let table = Path::new("/proc/net/ip_vs");
    if table.exists() {
        return true;
    }
    let loaded = Command::new("modprobe")
        .arg("ip_vs")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    loaded.is_ok_and(|status| status.success()) && table.exists()
}

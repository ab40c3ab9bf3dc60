//! What a private engine needs, and what is left of earlier ones.

use std::path::Path;

use nix::sys::statvfs::statvfs;

use super::finding::Finding;
use crate::lab::{Lab, LabTrace, find_program, lab_traces};

/// The programs a private engine is made with, and the packages they are in.
const PROGRAMS: [(&str, &str); 7] = [
    ("dockerd", "docker.io"),
    ("containerd", "containerd"),
    ("runc", "runc"),
    ("iptables", "iptables"),
    ("ip", "iproute2"),
    ("nsenter", "util-linux"),
    ("unshare", "util-linux"),
];

/// What an engine and the example's replicas take, measured and rounded up.
const MEMORY: u64 = 512 << 20;

/// A swarm's log alone takes 130 MB, images and packages of the example as much again.
const DISK: u64 = 1 << 30;

const COSTS: &str = "no private engine can be made";

/// Looks; also says whether a private engine can be made.
pub(super) async fn examine(state: &Path) -> (Vec<Finding>, bool) {
    let linux = cfg!(target_os = "linux");
    let root = nix::unistd::geteuid().is_root();
    let missing: Vec<_> =
        PROGRAMS.iter().filter(|(name, _)| find_program(name).is_none()).copied().collect();
    let mut findings = vec![root_rights(root), programs(&missing), memory(), disk(state)];
    if !linux {
        findings.push(Finding::missing("linux", "no").costs(COSTS).remedy("use a Linux machine"));
    }
    findings.extend(running(state).await);
    (findings, linux && root && missing.is_empty())
}

fn root_rights(root: bool) -> Finding {
    const NAME: &str = "root rights";
    if root {
        return Finding::ok(NAME, "yes");
    }
    Finding::missing(NAME, "no").costs(COSTS).remedy("use `sudo`, or an engine that runs already")
}

fn programs(missing: &[(&str, &str)]) -> Finding {
    const NAME: &str = "programs for a lab";
    if missing.is_empty() {
        return Finding::ok(NAME, PROGRAMS.map(|(name, _)| name).join(", "));
    }
    let names: Vec<&str> = missing.iter().map(|(name, _)| *name).collect();
    let mut packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
    packages.dedup();
    Finding::missing(NAME, format!("not found: {}", names.join(", ")))
        .costs(COSTS)
        .remedy(format!("`make setup`, or install {}", packages.join(", ")))
}

fn memory() -> Finding {
    const NAME: &str = "free memory";
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    match available_memory(&meminfo) {
        Some(bytes) if bytes >= MEMORY => Finding::ok(NAME, megabytes(bytes)),
        Some(bytes) => Finding::warning(NAME, megabytes(bytes))
            .costs("replicas may be killed for want of memory, which looks like a failed update")
            .remedy(format!("free {}", megabytes(MEMORY))),
        None => Finding::warning(NAME, "unknown")
            .costs("replicas may be killed for want of memory")
            .remedy("see `free`"),
    }
}

fn available_memory(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

fn disk(state: &Path) -> Finding {
    const NAME: &str = "free disk";
    let exists = state.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    let found = |bytes| format!("{} at {}", megabytes(bytes), exists.display());
    match statvfs(exists) {
        Ok(stat) => {
            let bytes = stat.blocks_available() * stat.fragment_size();
            if bytes >= DISK {
                return Finding::ok(NAME, found(bytes));
            }
            Finding::warning(NAME, found(bytes)).costs("a private engine may fail half-way").remedy(
                format!("free {}, or set ROLLPROOF_HOME to a folder elsewhere", megabytes(DISK)),
            )
        }
        Err(errno) => Finding::warning(NAME, format!("{}: {errno}", exists.display()))
            .costs("a private engine may fail half-way")
            .remedy("set ROLLPROOF_HOME to a folder elsewhere"),
    }
}

/// The private engine of this folder, and what is left of others.
async fn running(state: &Path) -> Vec<Finding> {
    const NAME: &str = "private engine";
    let lab = Lab::find(state).await;
    let mine = match &lab {
        Ok(Some(lab)) => Finding::ok(NAME, format!("running, {} node(s)", lab.nodes().len())),
        Ok(None) => Finding::ok(NAME, "none is running"),
        Err(error) => Finding::warning(NAME, error.to_string())
            .costs("it cannot be looked at")
            .remedy(error.hints().join("; ")),
    };
    let running = !matches!(lab, Ok(None));
    let forgotten = |trace: &LabTrace| if trace.mine { !running } else { trace.folder_is_gone() };
    let traces = lab_traces(state).unwrap_or_default();
    let left = traces.into_iter().filter(forgotten).map(|trace| {
        let home = trace.state.as_deref().and_then(Path::parent);
        let home = home.filter(|_| !trace.mine);
        let prefix = home.map(|home| format!("ROLLPROOF_HOME='{}' ", home.display()));
        Finding::warning("left of a killed lab", format!("{} ({} things)", trace.id, trace.things))
            .costs("it takes up memory and disk")
            .remedy(format!("`{}rollproof lab down`", prefix.unwrap_or_default()))
    });
    std::iter::once(mine).chain(left).collect()
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", bytes >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn available_memory_is_read() {
        let text = "MemTotal:       24683656 kB\nMemAvailable:   24230000 kB\n";
        assert_eq!(available_memory(text), Some(24_230_000 * 1024));
        assert_eq!(available_memory("MemTotal: 1 kB\n"), None);
    }

    #[test]
    fn missing_programs_name_each_package_once() {
        let finding =
            programs(&[("ip", "iproute2"), ("nsenter", "util-linux"), ("unshare", "util-linux")]);
        assert_eq!(finding.found, "not found: ip, nsenter, unshare");
        assert_eq!(finding.remedy, "`make setup`, or install iproute2, util-linux");
    }
}

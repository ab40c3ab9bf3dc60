//! Checks this machine: what a private engine needs, remains of killed labs, and the kernel.

use std::path::Path;

use nix::sys::statvfs::statvfs;

use super::finding::Finding;
use crate::lab::{EngineSource, Lab, LabTrace, lab_traces};
use crate::site::kernel_has_ipvs;
use crate::wording::{count, counted};

/// Memory in bytes for an engine and the example's replicas, measured and rounded up.
const MEMORY: u64 = 500_000_000;

/// Disk space in bytes. A swarm's log alone needs 130 MB, the example's images and packages need
/// about the same.
const DISK: u64 = 1_000_000_000;

const EFFECT: &str = "no private engine can be started";

/// Checks what a private engine needs. Also returns whether one can be started.
pub(super) async fn examine_lab(state: &Path, source: &EngineSource) -> (Vec<Finding>, bool) {
    let linux = cfg!(target_os = "linux");
    let root = nix::unistd::geteuid().is_root();
    let missing = source.missing_programs();
    let mut findings = vec![root_rights(root), programs(source, &missing), memory(), disk(state)];
    if !linux {
        findings.push(Finding::missing("linux", "no").effect(EFFECT).fix("use a Linux machine"));
    }
    findings.extend(running(state).await);
    (findings, linux && root && missing.is_empty())
}

fn root_rights(root: bool) -> Finding {
    const NAME: &str = "root rights";
    if root {
        return Finding::ok(NAME, "yes");
    }
    Finding::missing(NAME, "no")
        .effect(EFFECT)
        .fix("use `sudo`, or an engine that is already running")
}

fn programs(source: &EngineSource, missing: &[(&str, &str)]) -> Finding {
    const NAME: &str = "programs for a lab";
    if missing.is_empty() {
        let names: Vec<&str> = source.programs().map(|(name, _)| name).collect();
        return Finding::ok(NAME, names.join(", "));
    }
    let names: Vec<&str> = missing.iter().map(|(name, _)| *name).collect();
    let mut packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
    packages.dedup();
    Finding::missing(NAME, format!("not found: {}", names.join(", "))).effect(EFFECT).fix(
        match source {
            EngineSource::Root(root) => {
                format!("unpack {} into {}", packages.join(", "), root.display())
            }
            _ => format!("run `make setup`, or install {}", packages.join(", ")),
        },
    )
}

fn memory() -> Finding {
    const NAME: &str = "free memory";
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    match available_memory(&meminfo) {
        Some(bytes) if bytes >= MEMORY => Finding::ok(NAME, megabytes(bytes)),
        Some(bytes) => Finding::warning(NAME, megabytes(bytes))
            .effect("the kernel may kill replicas, which looks like a failed update")
            .fix(format!("free {}", megabytes(MEMORY))),
        None => Finding::warning(NAME, "unknown")
            .effect("the kernel may kill replicas if memory runs out")
            .fix("check with `free`"),
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
            Finding::warning(NAME, found(bytes))
                .effect("a private engine may fail when the disk is full")
                .fix(format!(
                    "free {}, or set ROLLPROOF_HOME to a folder on another disk",
                    megabytes(DISK)
                ))
        }
        Err(errno) => Finding::warning(NAME, format!("{}: {errno}", exists.display()))
            .effect("a private engine may fail when the disk is full")
            .fix("set ROLLPROOF_HOME to a folder on another disk"),
    }
}

/// The private engine of this folder, and remains of others.
async fn running(state: &Path) -> Vec<Finding> {
    const NAME: &str = "private engine";
    let lab = Lab::find(state).await;
    let mine = match &lab {
        Ok(Some(lab)) => {
            Finding::ok(NAME, format!("running, {}", counted(lab.nodes().len() as u64, "node")))
        }
        Ok(None) => Finding::ok(NAME, "not running"),
        Err(error) => Finding::warning(NAME, error.to_string())
            .effect("its state is unknown")
            .fix(error.hints().join("; ")),
    };
    let running = !matches!(lab, Ok(None));
    let is_abandoned =
        |trace: &LabTrace| if trace.mine { !running } else { trace.folder_is_gone() };
    let traces = lab_traces(state).unwrap_or_default();
    let remains = traces.into_iter().filter(is_abandoned).map(|trace| {
        let home = trace.state.as_deref().and_then(Path::parent);
        let home = home.filter(|_| !trace.mine);
        let prefix = home.map(|home| format!("ROLLPROOF_HOME='{}' ", home.display()));
        Finding::warning(
            "remains of a killed lab",
            format!("{} ({})", trace.id, counted(trace.things as u64, "item")),
        )
        .effect("they use memory and disk space")
        .fix(format!("run `{}rollproof lab down`", prefix.unwrap_or_default()))
    });
    std::iter::once(mine).chain(remains).collect()
}

fn megabytes(bytes: u64) -> String {
    format!("{} MB", count(bytes / 1_000_000))
}

/// Checks this machine's kernel. `elsewhere` means that the engine runs on another machine.
pub(super) fn examine_kernel(elsewhere: bool) -> Vec<Finding> {
    vec![ipvs(kernel_has_ipvs(), elsewhere), cgroups(Path::new("/sys/fs/cgroup"))]
}

fn ipvs(present: bool, elsewhere: bool) -> Finding {
    const NAME: &str = "IPVS";
    match (present, elsewhere) {
        (true, _) => Finding::ok(NAME, "yes"),
        (false, true) => Finding::ok(NAME, "not in this kernel, but the engine runs on another machine"),
        (false, false) => Finding::warning(NAME, "not in this kernel")
            .effect("no service VIPs and no ingress routing mesh: the example uses dnsrr, and stacks that need a VIP do not work")
            .fix("load the module `ip_vs`, use a kernel that has it, or pass --endpoint-mode dnsrr"),
    }
}

/// Version 2 has one hierarchy, version 1 has one per controller.
fn cgroups(root: &Path) -> Finding {
    const NAME: &str = "cgroups";
    if root.join("cgroup.controllers").exists() {
        return Finding::ok(NAME, "version 2");
    }
    let missing: Vec<&str> = ["cpu", "memory", "devices", "pids", "freezer"]
        .into_iter()
        .filter(|controller| !root.join(controller).exists())
        .collect();
    match missing.as_slice() {
        [] => Finding::ok(NAME, "version 1"),
        _ => Finding::missing(NAME, format!("not mounted: {}", missing.join(", ")))
            .effect("a private engine cannot start containers")
            .fix(format!("mount the cgroup hierarchies at {}", root.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Status;
    use super::*;

    #[test]
    fn available_memory_is_parsed() {
        let text = "MemTotal:       24683656 kB\nMemAvailable:   24230000 kB\n";
        assert_eq!(available_memory(text), Some(24_230_000 * 1024));
        assert_eq!(available_memory("MemTotal: 1 kB\n"), None);
    }

    #[test]
    fn each_missing_package_is_named_once() {
        let system = EngineSource::System;
        let finding = programs(
            &system,
            &[("ip", "iproute2"), ("nsenter", "util-linux"), ("unshare", "util-linux")],
        );
        assert_eq!(finding.found, "not found: ip, nsenter, unshare");
        assert_eq!(finding.fix, "run `make setup`, or install iproute2, util-linux");
    }

    #[test]
    fn cgroup_versions_are_distinguished() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(cgroups(root.path()).status, Status::Missing);
        for controller in ["cpu", "memory", "devices", "pids"] {
            std::fs::create_dir(root.path().join(controller)).unwrap();
        }
        assert_eq!(cgroups(root.path()).found, "not mounted: freezer");
        std::fs::create_dir(root.path().join("freezer")).unwrap();
        assert_eq!(cgroups(root.path()).found, "version 1");
        std::fs::write(root.path().join("cgroup.controllers"), "cpu memory").unwrap();
        assert_eq!(cgroups(root.path()).found, "version 2");
    }

    #[test]
    fn the_local_kernel_does_not_matter_for_a_remote_engine() {
        assert_eq!(ipvs(false, true).status, Status::Ok);
        assert_eq!(ipvs(false, false).status, Status::Warning);
    }
}

//! The processes of a lab.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::lab_names::{LAB_MARK, LabNames, NODE_MARK};

/// A process that belongs to a lab, or holds one of its namespaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LabProcess {
    /// Its id as this process sees it.
    pub pid: i32,
    /// Its name, at most 15 bytes.
    pub name: String,
    /// The node it belongs to, if its environment says so.
    pub node: Option<String>,
    /// Whether the lab started it. If not, it is somebody's own process in a namespace of the
    /// lab, such as a shell, and not ours to end.
    pub ours: bool,
}

/// Finds the processes of a lab by the mark in their environment or their cgroup, which no
/// command line of a user can have by chance, and those in one of `namespaces`.
pub(super) fn lab_processes(names: &LabNames, namespaces: &BTreeSet<u64>) -> Vec<LabProcess> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| examine(pid, names, namespaces)).collect()
}

/// The ids of the network namespaces that are pinned at these files.
pub(super) fn namespace_ids<'a>(files: impl Iterator<Item = &'a Path>) -> BTreeSet<u64> {
    files.filter_map(|file| file.metadata().ok()).map(|meta| meta.ino()).collect()
}

fn examine(pid: i32, names: &LabNames, namespaces: &BTreeSet<u64>) -> Option<LabProcess> {
    let folder = Path::new("/proc").join(pid.to_string());
    // `pid (name) state …`; the name may contain anything.
    let stat = fs::read_to_string(folder.join("stat")).ok()?;
    let (head, tail) = stat.rsplit_once(") ")?;
    if tail.starts_with(['Z', 'X']) {
        return None;
    }
    let name = head.split_once('(')?.1.to_owned();
    let environment = fs::read(folder.join("environ")).unwrap_or_default();
    let variable = |key: &str| {
        let value = |entry: &[u8]| {
            let rest = entry.strip_prefix(key.as_bytes())?.strip_prefix(b"=")?;
            Some(String::from_utf8_lossy(rest).into_owned())
        };
        environment.split(|byte| *byte == 0).find_map(value)
    };
    let marked = variable(LAB_MARK).is_some_and(|id| id == names.id());
    let in_cgroup = || {
        let inside = format!(":/{}/", names.cgroup());
        let cgroups = fs::read_to_string(folder.join("cgroup")).unwrap_or_default();
        cgroups.lines().any(|line| line.contains(&inside))
    };
    let holds =
        || fs::metadata(folder.join("ns/net")).is_ok_and(|meta| namespaces.contains(&meta.ino()));
    let ours = marked || in_cgroup();
    (ours || holds()).then(|| LabProcess {
        pid,
        name,
        node: if marked { variable(NODE_MARK) } else { None },
        ours,
    })
}

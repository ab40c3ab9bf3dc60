//! What is there of a lab.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::lab_names::LabNames;
use super::mounts::{cgroup_hierarchies, mounts_below};
use super::processes::{LabProcess, lab_processes, namespace_ids};

/// What is there of a lab, seen by looking at the machine, not at the lab's own files.
#[derive(Debug, Clone, Default)]
pub(super) struct Leftovers {
    pub processes: Vec<LabProcess>,
    pub link: Option<String>,
    pub mounts: Vec<PathBuf>,
    pub cgroups: Vec<PathBuf>,
    pub folders: Vec<PathBuf>,
    /// The ids of the network namespaces that are, or were, pinned.
    pub namespaces: BTreeSet<u64>,
}

impl Leftovers {
    /// Looks. `namespaces` are ids that were seen before and whose pins may be gone.
    pub(super) fn look(names: &LabNames, namespaces: &BTreeSet<u64>) -> Self {
        let mounts = mounts_below(&[names.runtime(), names.data()]);
        let pins = mounts.iter().filter(|mount| mount.extension().is_some_and(|e| e == "net"));
        let mut namespaces = namespaces.clone();
        namespaces.extend(namespace_ids(pins.map(PathBuf::as_path)));
        let link = names.host_link();
        let hierarchies = cgroup_hierarchies().into_iter();
        Self {
            processes: lab_processes(names, &namespaces),
            link: Path::new("/sys/class/net").join(&link).exists().then_some(link),
            cgroups: hierarchies.map(|h| h.join(names.cgroup())).filter(|p| p.exists()).collect(),
            folders: [names.runtime(), names.data()]
                .into_iter()
                .filter(|folder| fs::symlink_metadata(folder).is_ok())
                .collect(),
            mounts,
            namespaces,
        }
    }

    /// Whether there is nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.describe().is_empty()
    }

    /// One line for each thing that is there.
    pub(super) fn describe(&self) -> Vec<String> {
        let path = |what: &'static str| move |path: &PathBuf| format!("{what} {}", path.display());
        let process = |process: &LabProcess| {
            let whose = if process.ours { "" } else { ", which somebody else started in the lab" };
            format!("process {} ({}){whose}", process.pid, process.name)
        };
        self.processes
            .iter()
            .map(process)
            .chain(self.link.iter().map(|link| format!("network link {link}")))
            .chain(self.mounts.iter().map(path("mount")))
            .chain(self.cgroups.iter().map(path("cgroup")))
            .chain(self.folders.iter().map(path("folder")))
            .collect()
    }
}

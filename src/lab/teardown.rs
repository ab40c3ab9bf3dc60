//! Removes everything of a lab, then looks again.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::mount::{MntFlags, umount2};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::down_report::DownReport;
use super::lab_names::LabNames;
use super::leftovers::Leftovers;
use super::programs::find_program;

/// How long processes and cgroups may take to disappear. They take milliseconds.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// Removes everything of a lab. It needs none of the lab's own files, and each step goes on
/// when the one before could not do its work: the report is made by looking again.
///
/// Blocks the thread, so that it also works while a failed start is being undone.
pub(super) fn tear_down(names: &LabNames) -> DownReport {
    let before = Leftovers::look(names, &BTreeSet::new());
    end_processes(names);
    remove_link(&before);
    unmount(names);
    for cgroup in &before.cgroups {
        retry(|| remove_cgroup(cgroup));
    }
    // Never through a mount: what is mounted there is not the lab's.
    if Leftovers::look(names, &before.namespaces).mounts.is_empty() {
        for folder in [names.data(), names.runtime()] {
            retry(|| fs::remove_dir_all(&folder));
        }
        // Only if the lab was all that was in it.
        let _ = fs::remove_dir(names.state());
    }
    let mut after = Leftovers::look(names, &before.namespaces);
    // The kernel gives a namespace's id to the next one that is made: a process that was not
    // there before is in somebody else's.
    let was_there = |pid| before.processes.iter().any(|process| process.pid == pid);
    after.processes.retain(|process| process.ours || was_there(process.pid));
    let left = after.describe();
    let removed = before.describe().into_iter().filter(|line| !left.contains(line)).collect();
    DownReport { removed, left }
}

/// Ends the first processes of the nodes and whatever else there is, until nothing is.
fn end_processes(names: &LabNames) {
    let deadline = Instant::now() + GONE_WITHIN;
    loop {
        let mut processes = Leftovers::look(names, &BTreeSet::new()).processes;
        processes.retain(|process| process.ours);
        if processes.is_empty() || Instant::now() >= deadline {
            return;
        }
        for process in processes {
            // It may have ended in the meantime.
            let _ = kill(Pid::from_raw(process.pid), Signal::SIGKILL);
        }
        sleep(Duration::from_millis(5));
    }
}

/// The link would go with the hub's namespace, but some time later.
fn remove_link(found: &Leftovers) {
    if let (Some(link), Some(ip)) = (&found.link, find_program("ip")) {
        let _ = Command::new(ip)
            .args(["link", "delete", "dev", link])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

fn unmount(names: &LabNames) {
    for mount in Leftovers::look(names, &BTreeSet::new()).mounts.iter().rev() {
        let _ = umount2(mount, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW);
    }
}

/// Removes a cgroup and those below it; the kernel refuses while it has processes.
fn remove_cgroup(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_cgroup(&entry.path())?;
        }
    }
    fs::remove_dir(folder)
}

/// Repeats until it is done, was done already, or does not help.
fn retry(mut remove: impl FnMut() -> std::io::Result<()>) {
    let deadline = Instant::now() + GONE_WITHIN;
    while let Err(error) = remove() {
        let passing =
            matches!(error.kind(), ErrorKind::ResourceBusy | ErrorKind::DirectoryNotEmpty);
        if !passing || Instant::now() >= deadline {
            return;
        }
        sleep(Duration::from_millis(5));
    }
}

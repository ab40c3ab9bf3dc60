//! Removes everything that belongs to a lab, then checks what is left.

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

use super::description::DownReport;
use super::names::LabNames;
use super::programs::find_program;
use super::traces::Leftovers;

/// How long to wait for processes and cgroups to disappear. They need milliseconds.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// Removes everything that belongs to a lab. It needs none of the lab's own files. Each step runs
/// even if the previous one failed: the report comes from a second search of the machine.
///
/// Blocks the thread, so that it also works in `drop`.
pub(super) fn tear_down(names: &LabNames) -> DownReport {
    let before = Leftovers::look(names, &BTreeSet::new());
    end_processes(names);
    remove_link(&before);
    unmount(names);
    for cgroup in &before.cgroups {
        retry(|| remove_cgroup(cgroup));
    }
    // Never delete through a mount: its content may not belong to the lab.
    if Leftovers::look(names, &before.namespaces).mounts.is_empty() {
        for folder in [names.data(), names.runtime()] {
            retry(|| fs::remove_dir_all(&folder));
        }
        // Fails, as it should, if the folder contains anything else.
        let _ = fs::remove_dir(names.state());
    }
    let mut after = Leftovers::look(names, &before.namespaces);
    // The kernel reuses the id of a removed namespace, so a process that was not there before
    // is in another namespace.
    let was_there = |pid| before.processes.iter().any(|process| process.pid == pid);
    after.processes.retain(|process| process.ours || was_there(process.pid));
    let left = after.describe();
    let removed = before.describe().into_iter().filter(|line| !left.contains(line)).collect();
    DownReport { removed, left }
}

/// Ends the processes of the lab until none is left.
fn end_processes(names: &LabNames) {
    let deadline = Instant::now() + GONE_WITHIN;
    loop {
        let mut processes = Leftovers::look(names, &BTreeSet::new()).processes;
        processes.retain(|process| process.ours);
        if processes.is_empty() || Instant::now() >= deadline {
            return;
        }
        for process in processes {
            // The process may have ended in the meantime.
            let _ = kill(Pid::from_raw(process.pid), Signal::SIGKILL);
        }
        sleep(Duration::from_millis(5));
    }
}

/// Removes the link now; the kernel would remove it with the hub's namespace, but later.
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

/// Removes a cgroup and those below it. The kernel refuses while it has processes.
fn remove_cgroup(folder: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_cgroup(&entry.path())?;
        }
    }
    fs::remove_dir(folder)
}

/// Retries while the failure may be temporary and there is time left.
fn retry(mut remove: impl FnMut() -> std::io::Result<()>) {
    let deadline = Instant::now() + GONE_WITHIN;
    while let Err(error) = remove() {
        let temporary =
            matches!(error.kind(), ErrorKind::ResourceBusy | ErrorKind::DirectoryNotEmpty);
        if !temporary || Instant::now() >= deadline {
            return;
        }
        sleep(Duration::from_millis(5));
    }
}

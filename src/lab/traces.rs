//! Finds everything on this machine that belongs to a lab: processes, links, mounts, cgroups,
//! folders.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;

use super::description::LabRecord;
use super::names::{LAB_MARK, LabNames, NODE_MARK, RUNTIME};
use crate::error::Result;

/// A lab of which there is something on this machine, running or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabTrace {
    /// The lab's id.
    pub id: String,
    /// The state folder that it belongs to, if known.
    pub state: Option<PathBuf>,
    /// Whether it is the lab of the given state folder.
    pub mine: bool,
    /// Number of processes, mounts, links, cgroups and folders.
    pub things: usize,
    /// When its start was complete; absent if it never was.
    pub since: Option<Timestamp>,
    /// Number of nodes, 0 if its start was never complete.
    pub nodes: usize,
    /// Number of nodes whose engine is running.
    pub running: usize,
}

impl LabTrace {
    fn new(names: &LabNames, mine: bool) -> Self {
        let left = Leftovers::look(names, &BTreeSet::new());
        let record = LabRecord::read(names).ok().flatten();
        let engine = |process: &&LabProcess| process.ours && process.name == "dockerd";
        let running: BTreeSet<_> =
            left.processes.iter().filter(engine).map(|process| &process.node).collect();
        Self {
            id: names.id().to_owned(),
            state: Some(names.state().to_owned()),
            mine,
            things: left.describe().len(),
            since: record.as_ref().map(|record| record.since),
            nodes: record.map_or(0, |record| record.nodes.len()),
            running: running.len(),
        }
    }

    /// A lab of which only the runtime folder is known.
    fn unknown(id: String) -> Self {
        Self { id, state: None, mine: false, things: 1, since: None, nodes: 0, running: 0 }
    }

    /// Whether its state folder is gone, so that no ordinary command would remove the lab.
    #[must_use]
    pub fn folder_is_gone(&self) -> bool {
        self.state.as_ref().is_some_and(|state| !state.exists())
    }
}

/// The lab of a state folder, if there is anything of it, and every other lab that has runtime
/// files.
///
/// # Errors
/// When the state folder's path cannot be resolved.
pub fn lab_traces(state: &Path) -> Result<Vec<LabTrace>> {
    let mine = LabNames::of(state)?;
    let own = LabTrace::new(&mine, true);
    let runtimes = fs::read_dir(RUNTIME).into_iter().flatten().flatten();
    let others = runtimes.filter(|entry| entry.path().is_dir()).filter_map(|entry| {
        let id = entry.file_name().into_string().ok().filter(|id| id != mine.id())?;
        let record = LabRecord::read_file(&entry.path().join("lab.json")).ok().flatten();
        let names = record.and_then(|record| LabNames::of(&record.state).ok());
        let names = names.filter(|names| names.id() == id);
        Some(match names {
            Some(names) => LabTrace::new(&names, false),
            None => LabTrace::unknown(id),
        })
    });
    Ok(std::iter::once(own).filter(|own| own.things > 0).chain(others).collect())
}

/// What there is of a lab on this machine, found without the lab's own files.
#[derive(Debug, Clone, Default)]
pub(super) struct Leftovers {
    pub processes: Vec<LabProcess>,
    pub link: Option<String>,
    pub mounts: Vec<PathBuf>,
    pub cgroups: Vec<PathBuf>,
    pub folders: Vec<PathBuf>,
    /// The ids of the network namespaces that are or were pinned.
    pub namespaces: BTreeSet<u64>,
}

impl Leftovers {
    /// Searches the machine. `namespaces` are ids found before, which may no longer be pinned.
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

    /// Whether nothing was found.
    pub(super) fn is_empty(&self) -> bool {
        self.describe().is_empty()
    }

    /// One line for each thing that was found.
    pub(super) fn describe(&self) -> Vec<String> {
        let path = |what: &'static str| move |path: &PathBuf| format!("{what} {}", path.display());
        let process = |process: &LabProcess| {
            let origin = if process.ours { "" } else { ", not started by the lab" };
            format!("process {} ({}){origin}", process.pid, process.name)
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

/// A process that belongs to a lab or uses one of its namespaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LabProcess {
    /// Its id, in the namespace of this process.
    pub pid: i32,
    /// Its name, at most 15 bytes.
    pub name: String,
    /// The node it belongs to, if its environment says so.
    pub node: Option<String>,
    /// Whether the lab started it. If not, it is a user's process in a namespace of the lab, such
    /// as a shell, and must not be ended.
    pub ours: bool,
}

/// Finds the processes of a lab, by the mark in their environment or by their cgroup, and other
/// processes in one of `namespaces`.
pub(super) fn lab_processes(names: &LabNames, namespaces: &BTreeSet<u64>) -> Vec<LabProcess> {
    let deadline = Instant::now() + EXEC_WITHIN;
    loop {
        let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
        let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let (found, starting): (Vec<_>, Vec<_>) =
            pids.filter_map(|pid| examine(pid, names, namespaces)).partition(|seen| !seen.starting);
        if starting.is_empty() || Instant::now() >= deadline {
            return found.into_iter().map(|seen| seen.process).collect();
        }
        sleep(Duration::from_millis(1));
    }
}

/// How long an `exec` may take on a busy machine.
const EXEC_WITHIN: Duration = Duration::from_millis(500);
/// A process that has existed for longer is in no `exec` of a lab's start.
const YOUNG: f64 = 60.0;
/// Linux counts a process's times in this many ticks a second (`proc_pid_stat(5)`).
const TICKS: f64 = 100.0;

/// A process, and whether it is in the middle of an `exec`: it has no environment then, and whose it is
/// cannot be said.
struct Seen {
    process: LabProcess,
    starting: bool,
}

/// Whether a process of which `stat` is the part behind its name is young.
fn is_young(stat: &str) -> bool {
    let since_boot = fs::read_to_string("/proc/uptime").unwrap_or_default();
    let now = since_boot.split(' ').next().and_then(|seconds| seconds.parse::<f64>().ok());
    // Its start is the 22nd entry; the third is the first one here.
    let started = stat.split(' ').nth(19).and_then(|ticks| ticks.parse::<f64>().ok());
    now.zip(started).is_some_and(|(now, started)| now - started / TICKS < YOUNG)
}

/// The ids of the network namespaces that are pinned to these files.
pub(super) fn namespace_ids<'a>(files: impl Iterator<Item = &'a Path>) -> BTreeSet<u64> {
    files.filter_map(|file| file.metadata().ok()).map(|meta| meta.ino()).collect()
}

fn examine(pid: i32, names: &LabNames, namespaces: &BTreeSet<u64>) -> Option<Seen> {
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
    // A kernel thread has no program, and never an environment.
    let starting = !ours
        && environment.is_empty()
        && is_young(tail)
        && fs::read_link(folder.join("exe")).is_ok();
    (ours || starting || holds()).then(|| Seen {
        process: LabProcess {
            pid,
            name,
            node: if marked { variable(NODE_MARK) } else { None },
            ours,
        },
        starting,
    })
}

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    /// Where it is mounted.
    pub point: PathBuf,
    /// Its file system, such as `cgroup2`.
    pub kind: String,
}

/// All mounts in this process's mount namespace, oldest first.
pub(super) fn mounts() -> Vec<Mount> {
    parse(&fs::read("/proc/self/mountinfo").unwrap_or_default())
}

/// The mounts at or below one of these folders.
pub(super) fn mounts_below(folders: &[PathBuf]) -> Vec<PathBuf> {
    let below = |point: &Path| folders.iter().any(|folder| point.starts_with(folder));
    mounts().into_iter().map(|mount| mount.point).filter(|point| below(point)).collect()
}

/// The mount points of the cgroup hierarchies: one with version 2, one per controller with
/// version 1.
pub(super) fn cgroup_hierarchies() -> Vec<PathBuf> {
    let cgroup = |mount: &Mount| matches!(mount.kind.as_str(), "cgroup" | "cgroup2");
    mounts().into_iter().filter(cgroup).map(|mount| mount.point).collect()
}

/// Reads `mountinfo` (proc(5)): the mount point is field 5, the file system follows a lone `-`.
fn parse(mountinfo: &[u8]) -> Vec<Mount> {
    let line = |line: &[u8]| {
        let mut fields = line.split(|byte| *byte == b' ');
        let point = unescape(fields.by_ref().nth(4)?);
        let kind = fields.skip_while(|field| *field != b"-").nth(1)?;
        Some(Mount { point, kind: String::from_utf8_lossy(kind).into_owned() })
    };
    mountinfo.split(|byte| *byte == b'\n').filter_map(line).collect()
}

/// Undoes the kernel's escapes, such as `\040` for a space.
fn unescape(field: &[u8]) -> PathBuf {
    let mut path = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, tail)) = rest.split_first() {
        let code = (byte == b'\\')
            .then(|| tail.get(..3).and_then(|digits| std::str::from_utf8(digits).ok()))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        path.push(code.unwrap_or(byte));
        rest = if code.is_some() { &tail[3..] } else { tail };
    }
    OsString::from_vec(path).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mountinfo_is_parsed_with_escapes_and_optional_fields() {
        let text = b"36 35 98:0 /mnt1 /mnt/a\\040b\\134c rw,noatime master:1 - ext3 /dev/root rw\n\
            40 35 0:30 / /sys/fs/cgroup rw shared:4 master:2 - cgroup2 cgroup2 rw\n\
            garbage\n";
        let mounts = parse(text);
        assert_eq!(mounts.len(), 2);
        assert_eq!(mounts[0], Mount { point: "/mnt/a b\\c".into(), kind: "ext3".into() });
        assert_eq!(mounts[1].kind, "cgroup2");
    }

    #[test]
    fn this_machine_has_a_root() {
        assert!(mounts().iter().any(|mount| mount.point == Path::new("/")));
    }
}

//! What is mounted in this process's mount namespace.

use std::fs;
use std::path::{Path, PathBuf};

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    /// Where it is mounted.
    pub point: PathBuf,
    /// Its file system, such as `cgroup2`.
    pub kind: String,
}

/// All mounts, in the order in which they were made.
pub(super) fn mounts() -> Vec<Mount> {
    parse(&fs::read("/proc/self/mountinfo").unwrap_or_default())
}

/// The mounts at or below one of these folders.
pub(super) fn mounts_below(folders: &[PathBuf]) -> Vec<PathBuf> {
    let below = |point: &Path| folders.iter().any(|folder| point.starts_with(folder));
    mounts().into_iter().map(|mount| mount.point).filter(|point| below(point)).collect()
}

/// Where the cgroup hierarchies are mounted: one with version 2, one a controller with version 1.
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

/// Undoes the kernel's `\040` for a space, and the like.
fn unescape(field: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
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
    std::ffi::OsString::from_vec(path).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mountinfo_is_read_with_escapes_and_optional_fields() {
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

//! Where the programs of a lab's engines come from.

use std::env;
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};

use super::programs::{Programs, SYSTEM, find_program, is_program, missing, search_path};
use crate::error::{Error, Result};

/// The programs of an engine, and their packages.
const OF_ENGINE: [(&str, &str); 4] = [
    ("dockerd", "docker.io"),
    ("containerd", "containerd"),
    ("runc", "runc"),
    ("iptables", "iptables"),
];

/// What a root folder needs besides: a node detaches the host's root with it.
const IN_ROOT: (&str, &str) = ("umount", "mount");

/// What the host needs for an engine with a root of its own.
const TO_ROOT: (&str, &str) = ("pivot_root", "util-linux");

/// The settings of an engine, in its root.
const SETTINGS: &str = "etc/docker/daemon.json";

/// Where the programs of a lab's engines come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum EngineSource {
    /// `dockerd` in `PATH`.
    #[default]
    System,
    /// This `dockerd`. Programs next to it (`containerd`, `runc`) take precedence over those of
    /// the system.
    Program(PathBuf),
    /// The root folder of another system, such as an unpacked Debian release. It is only read: what
    /// the engine writes outside of its data folder is gone when the lab ends.
    Root(PathBuf),
}

impl EngineSource {
    /// The programs that a lab with these engines needs, with their packages.
    pub fn programs(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        let of_root: &[_] = if self.root().is_some() { &[IN_ROOT, TO_ROOT] } else { &[] };
        OF_ENGINE.into_iter().chain(of_root.iter().copied()).chain(Programs::NEEDED)
    }

    /// Those of them that are missing.
    #[must_use]
    pub fn missing_programs(&self) -> Vec<(&'static str, &'static str)> {
        self.programs().filter(|program| !self.has(*program)).collect()
    }

    fn has(&self, program: (&str, &str)) -> bool {
        let of_engine = OF_ENGINE.contains(&program) || program == IN_ROOT;
        match self {
            Self::Root(root) if of_engine => has_program(root, program.0),
            Self::Program(_) if program == OF_ENGINE[0] => true,
            _ => find_program(program.0).is_some(),
        }
    }

    /// The same with absolute paths, if the engine's programs are there.
    ///
    /// # Errors
    /// When the given program or folder is none; when a program is missing.
    pub(super) fn checked(&self) -> Result<Self> {
        match self {
            Self::System => match find_program("dockerd") {
                Some(_) => Ok(Self::System),
                None => Err(missing("dockerd", "docker.io or docker-ce")),
            },
            Self::Program(path) if is_program(path) => {
                let path = std::path::absolute(path).map_err(|error| {
                    Error::environment(format!("cannot find {}", path.display())).caused_by(error)
                })?;
                Ok(Self::Program(path))
            }
            Self::Program(path) => {
                Err(Error::usage(format!("{} is not an executable file", path.display()))
                    .hint("give the path of a `dockerd`"))
            }
            Self::Root(root) => checked_root(root).map(Self::Root),
        }
    }

    /// The root folder, if the engines have one of their own.
    pub(super) fn root(&self) -> Option<&Path> {
        match self {
            Self::Root(root) => Some(root),
            Self::System | Self::Program(_) => None,
        }
    }

    /// The daemon's program, as a node finds it.
    pub(super) fn dockerd(&self) -> PathBuf {
        match self {
            Self::Program(path) => path.clone(),
            Self::System => find_program("dockerd").unwrap_or_else(|| "dockerd".into()),
            Self::Root(_) => "dockerd".into(),
        }
    }

    /// The `PATH` of a node's first process. The folder of `dockerd` comes first, so that an
    /// unpacked engine uses its own containerd and runc.
    pub(super) fn node_path(&self) -> OsString {
        let own_folder = self.dockerd().parent().map(Path::to_path_buf);
        let own_folder = own_folder.filter(|folder| folder.is_absolute());
        let folders = own_folder.into_iter().chain(search_path());
        env::join_paths(folders).unwrap_or_else(|_| SYSTEM.join(":").into())
    }

    /// The engine's settings, as a node finds them. Those of the host belong to another engine.
    pub(super) fn settings(&self) -> Option<PathBuf> {
        let root = self.root()?;
        look_up(root, Path::new(SETTINGS)).map(|_| Path::new("/").join(SETTINGS))
    }
}

fn checked_root(root: &Path) -> Result<PathBuf> {
    let folder = root.canonicalize().ok().filter(|folder| folder.is_dir()).ok_or_else(|| {
        Error::usage(format!("{} is not a folder", root.display()))
            .hint("give the root folder of an unpacked system that has `dockerd`")
    })?;
    let needed = OF_ENGINE.into_iter().chain([IN_ROOT]);
    let lacks: Vec<_> = needed.filter(|(name, _)| !has_program(&folder, name)).collect();
    if lacks.is_empty() {
        find_program(TO_ROOT.0).ok_or_else(|| missing(TO_ROOT.0, TO_ROOT.1))?;
        return Ok(folder);
    }
    let names: Vec<String> = lacks.iter().map(|(name, _)| format!("`{name}`")).collect();
    let packages: Vec<&str> = lacks.iter().map(|(_, package)| *package).collect();
    Err(Error::usage(format!(
        "{} is not the root of a system with an engine: it has no {}",
        root.display(),
        names.join(", ")
    ))
    .hint(format!("unpack {} into it, with the packages that they need", packages.join(", "))))
}

/// Whether a root folder has a program, in one of the folders in which a node looks.
fn has_program(root: &Path, name: &str) -> bool {
    SYSTEM.iter().any(|folder| {
        look_up(root, &Path::new(folder).join(name))
            .is_some_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    })
}

/// Whether the nodes of a lab have a path: in the root folder of their engines, if that is their own, or
/// else on this machine. Devices and the kernel's own files are this machine's in any case.
#[must_use]
pub fn nodes_have(root: Option<&Path>, path: &Path) -> bool {
    let shared = ["/dev", "/proc", "/sys", "/lib/modules"].iter().any(|own| path.starts_with(own));
    match root {
        Some(root) if !shared => look_up(root, path).is_some(),
        // Without the right to look, the engine has to find out.
        _ => path.try_exists().unwrap_or(true),
    }
}

/// What a path is inside a root folder. Symbolic links are followed as if the folder were `/`.
fn look_up(root: &Path, path: &Path) -> Option<Metadata> {
    let root = File::open(root).ok()?;
    let how = OpenHow::new()
        .flags(OFlag::O_PATH | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_IN_ROOT);
    File::from(openat2(root, path, how).ok()?).metadata().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_inside_the_root() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        fs::create_dir_all(at("usr/sbin")).unwrap();
        fs::create_dir_all(at("etc/alternatives")).unwrap();
        symlink("usr/sbin", at("sbin")).unwrap();
        for name in ["dockerd", "containerd", "umount", "xtables-nft-multi"] {
            fs::write(at("usr/sbin").join(name), "").unwrap();
            fs::set_permissions(at("usr/sbin").join(name), fs::Permissions::from_mode(0o755))
                .unwrap();
        }
        symlink("/etc/alternatives/iptables", at("usr/sbin/iptables")).unwrap();
        let source = EngineSource::Root(root.path().to_owned());
        let lacks = |source: &EngineSource| source.checked().unwrap_err().to_string();
        assert!(lacks(&source).ends_with("it has no `runc`, `iptables`"), "{}", lacks(&source));

        // The host has such a file, which does not count; the second link ends in the root.
        symlink("/bin/sh", at("usr/sbin/runc")).unwrap();
        symlink("/usr/sbin/xtables-nft-multi", at("etc/alternatives/iptables")).unwrap();
        assert!(lacks(&source).ends_with("it has no `runc`"), "{}", lacks(&source));
        fs::remove_file(at("usr/sbin/runc")).unwrap();
        fs::copy(at("usr/sbin/dockerd"), at("usr/sbin/runc")).unwrap();
        let checked = source.checked().unwrap();
        assert_eq!(checked.root(), root.path().canonicalize().ok().as_deref());

        assert_eq!(checked.settings(), None);
        fs::create_dir_all(at("etc/docker")).unwrap();
        fs::write(at(SETTINGS), "{}").unwrap();
        assert_eq!(checked.settings(), Some("/etc/docker/daemon.json".into()));
    }

    #[test]
    fn nodes_with_a_root_have_its_paths_and_not_the_hosts() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("srv/pages")).unwrap();
        symlink("/srv/pages", root.path().join("pages")).unwrap();
        symlink("/", root.path().join("host")).unwrap();
        let own = root.path().join("srv");
        let has = |path: &Path| [Some(root.path()), None].map(|root| nodes_have(root, path));
        assert_eq!(has(Path::new("/srv/pages")), [true, false]);
        assert_eq!(has(Path::new("/pages")), [true, false]);
        assert_eq!(has(&own), [false, true]);
        assert_eq!(has(&Path::new("/host").join(own.strip_prefix("/").unwrap())), [false, false]);
        assert_eq!(has(Path::new("/proc/self")), [true, true]);
        assert_eq!(has(Path::new("/dev/nothing-of-that-name")), [false, false]);
    }

    #[test]
    fn what_is_no_root_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for path in [Path::new("/no/such/folder"), file.path()] {
            let error = EngineSource::Root(path.to_owned()).checked().unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Usage);
            assert!(error.to_string().contains("is not a folder"), "{error}");
        }
    }
}

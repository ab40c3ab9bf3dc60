//! The names of everything that belongs to one lab.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// The folder for runtime files of all labs. It is short because the path of a unix socket may
/// have at most 107 bytes, which the path of a checkout easily exceeds.
pub(super) const RUNTIME: &str = "/run/rollproof";

/// The environment variable that marks every process of a lab; its value is the lab's id.
pub(super) const LAB_MARK: &str = "ROLLPROOF_LAB";

/// The environment variable that names the node that a process belongs to.
pub(super) const NODE_MARK: &str = "ROLLPROOF_NODE";

/// The names of everything that belongs to one lab. They depend only on the state folder, so a
/// lab can be found even when its files are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LabNames {
    state: PathBuf,
    id: String,
}

impl LabNames {
    /// The names for a state folder, which need not exist.
    pub(super) fn of(state: &Path) -> Result<Self> {
        let state = canonical(state).map_err(|error| {
            Error::environment(format!("cannot find the state folder {}", state.display()))
                .caused_by(error)
        })?;
        let digest = Sha256::digest(state.as_os_str().as_encoded_bytes());
        Ok(Self { id: hex::encode(&digest[..4]), state })
    }

    /// Eight hexadecimal digits.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The state folder, canonical.
    pub(super) fn state(&self) -> &Path {
        &self.state
    }

    /// Images, volumes and logs.
    pub(super) fn data(&self) -> PathBuf {
        self.state.join("lab")
    }

    /// Sockets, pinned namespaces, exec roots.
    pub(super) fn runtime(&self) -> PathBuf {
        Path::new(RUNTIME).join(&self.id)
    }

    /// The record, which is written when the lab is complete.
    pub(super) fn record(&self) -> PathBuf {
        self.runtime().join("lab.json")
    }

    /// The namespace of the bridge that connects the nodes.
    pub(super) fn hub_namespace(&self) -> PathBuf {
        self.runtime().join("hub.net")
    }

    /// The host's end of the link to the hub. Interface names have at most 15 bytes.
    pub(super) fn host_link(&self) -> String {
        format!("rp-{}", self.id)
    }

    /// The parent of all cgroups, relative to each hierarchy's root.
    pub(super) fn cgroup(&self) -> String {
        format!("rollproof-{}", self.id)
    }

    pub(super) fn node_namespace(&self, node: &str) -> PathBuf {
        self.runtime().join(format!("{node}.net"))
    }

    pub(super) fn node_socket(&self, node: &str) -> PathBuf {
        self.runtime().join(format!("{node}.sock"))
    }

    pub(super) fn node_runtime(&self, node: &str) -> PathBuf {
        self.runtime().join(node)
    }

    pub(super) fn node_data(&self, node: &str) -> PathBuf {
        self.data().join(node)
    }

    pub(super) fn node_log(&self, node: &str) -> PathBuf {
        self.data().join(format!("{node}.log"))
    }
}

/// The canonical path, even if its last parts do not exist.
fn canonical(path: &Path) -> std::io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let mut missing = Vec::new();
    let mut existing = path.as_path();
    loop {
        match existing.canonicalize() {
            Ok(found) => return Ok(missing.iter().rev().fold(found, |all, part| all.join(part))),
            Err(error) => match (existing.parent(), existing.file_name()) {
                (Some(parent), Some(name)) => {
                    missing.push(name.to_owned());
                    existing = parent;
                }
                _ => return Err(error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_depend_neither_on_the_spelling_of_the_folder_nor_on_its_existence() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("a/.rollproof");
        let before = LabNames::of(&state).unwrap();
        std::fs::create_dir_all(&state).unwrap();
        assert_eq!(LabNames::of(&state).unwrap(), before);
        std::os::unix::fs::symlink(folder.path().join("a"), folder.path().join("b")).unwrap();
        assert_eq!(LabNames::of(&folder.path().join("b/.rollproof")).unwrap(), before);
        assert_ne!(LabNames::of(folder.path()).unwrap().id(), before.id());
    }

    #[test]
    fn names_fit_their_limits() {
        let names = LabNames::of(Path::new("/some/where/.rollproof")).unwrap();
        assert!(names.host_link().len() <= 15);
        let libnetwork = names.node_runtime("n7").join("exec/libnetwork/0123456789ab.sock");
        assert!(libnetwork.as_os_str().len() <= 107);
    }
}

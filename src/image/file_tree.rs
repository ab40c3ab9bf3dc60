//! The files of an image, and its layer.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Component, Path};

use bytes::Bytes;
use tar::{Builder, EntryType, Header};

use crate::{Error, Result};

/// Files, folders and links of an image, all owned by root. Parent folders are added
/// automatically.
#[derive(Debug, Clone, Default)]
pub struct FileTree {
    /// By path without the leading slash, so that a folder comes before its content.
    nodes: BTreeMap<String, Node>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Directory { mode: u32 },
    File { content: Bytes, mode: u32 },
    Symlink { target: String },
}

impl FileTree {
    /// Adds a file at an absolute path.
    ///
    /// # Errors
    /// When the path is not absolute or contains `..`, or when it already exists.
    pub fn add_file(&mut self, path: &str, content: impl Into<Bytes>, mode: u32) -> Result<()> {
        self.add(path, Node::File { content: content.into(), mode })
    }

    /// Adds a folder at an absolute path, or changes the mode of an existing one.
    ///
    /// # Errors
    /// When the path is not absolute or contains `..`, or when it already exists.
    pub fn add_directory(&mut self, path: &str, mode: u32) -> Result<()> {
        let key = key(path)?;
        if matches!(self.nodes.get(&key), Some(Node::Directory { .. })) {
            self.nodes.insert(key, Node::Directory { mode });
            return Ok(());
        }
        self.add(path, Node::Directory { mode })
    }

    /// Adds a symbolic link at an absolute path. The target is not checked.
    ///
    /// # Errors
    /// When the path is not absolute or contains `..`, or when it already exists.
    pub fn add_symlink(&mut self, path: &str, target: impl Into<String>) -> Result<()> {
        self.add(path, Node::Symlink { target: target.into() })
    }

    /// Adds the files of a folder below `root` that `keep` accepts, at the same paths. Links stay
    /// links; files are executable where they are.
    ///
    /// # Errors
    /// When a file cannot be read or a path already exists with another content.
    pub fn add_tree(
        &mut self,
        root: &Path,
        folder: &str,
        keep: &dyn Fn(&Path) -> bool,
    ) -> Result<()> {
        let here = root.join(folder);
        let failed = |path: &Path, cause: io::Error| {
            Error::environment(format!("cannot read {}", path.display())).caused_by(cause)
        };
        for entry in fs::read_dir(&here).map_err(|cause| failed(&here, cause))? {
            let path = entry.map_err(|cause| failed(&here, cause))?.path();
            let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
            let inside = format!("{folder}/{name}");
            let meta = path.symlink_metadata().map_err(|cause| failed(&path, cause))?;
            if meta.is_dir() {
                self.add_tree(root, &inside, keep)?;
            } else if meta.is_symlink() && keep(&path) {
                let target = fs::read_link(&path).map_err(|cause| failed(&path, cause))?;
                self.add_symlink(&format!("/{inside}"), target.to_string_lossy())?;
            } else if meta.is_file() && keep(&path) {
                let content = fs::read(&path).map_err(|cause| failed(&path, cause))?;
                let mode = if meta.permissions().mode() & 0o111 == 0 { 0o644 } else { 0o755 };
                self.add_file(&format!("/{inside}"), content, mode)?;
            }
        }
        Ok(())
    }

    /// Removes a file or a link, so that another can take its place.
    ///
    /// # Errors
    /// When the path is not absolute or contains `..`.
    pub(super) fn remove(&mut self, path: &str) -> Result<()> {
        self.nodes.remove(&key(path)?);
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn contains(&self, path: &str) -> bool {
        self.nodes.contains_key(path.trim_start_matches('/'))
    }

    fn add(&mut self, path: &str, node: Node) -> Result<()> {
        let key = key(path)?;
        for (end, _) in key.match_indices('/') {
            let above = self.nodes.entry(key[..end].to_owned());
            let above = above.or_insert(Node::Directory { mode: 0o755 });
            if !matches!(above, Node::Directory { .. }) {
                return Err(taken(path, &key[..end]));
            }
        }
        match self.nodes.get(&key) {
            Some(there) if *there != node => Err(taken(path, &key)),
            _ => {
                self.nodes.insert(key, node);
                Ok(())
            }
        }
    }

    /// The layer: a tar archive whose bytes depend only on the files.
    pub(super) fn to_tar(&self) -> io::Result<Vec<u8>> {
        let mut tar = Builder::new(Vec::new());
        for (path, node) in &self.nodes {
            let mut header = Header::new_gnu();
            header.set_mtime(0);
            header.set_uid(0);
            header.set_gid(0);
            header.set_size(0);
            match node {
                Node::Directory { mode } => {
                    header.set_entry_type(EntryType::Directory);
                    header.set_mode(*mode);
                    tar.append_data(&mut header, format!("{path}/"), io::empty())?;
                }
                Node::File { content, mode } => {
                    header.set_entry_type(EntryType::Regular);
                    header.set_mode(*mode);
                    header.set_size(content.len() as u64);
                    tar.append_data(&mut header, path, content.as_ref())?;
                }
                Node::Symlink { target } => {
                    header.set_entry_type(EntryType::Symlink);
                    header.set_mode(0o777);
                    tar.append_link(&mut header, path, target)?;
                }
            }
        }
        tar.into_inner()
    }
}

/// The path without its leading slash.
fn key(path: &str) -> Result<String> {
    let mut components = Path::new(path).components();
    let plain = components.next() == Some(Component::RootDir)
        && components.clone().all(|component| matches!(component, Component::Normal(_)));
    let key = components.as_path().to_str().unwrap_or_default();
    if !plain || key.is_empty() {
        return Err(Error::environment(format!("`{path}` is not a valid path in an image"))
            .hint("use an absolute path without `..`"));
    }
    Ok(key.to_owned())
}

fn taken(path: &str, by: &str) -> Error {
    Error::environment(format!("cannot add {path} to the image: /{by} already exists"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(tree: &FileTree) -> Vec<(String, u32, EntryType)> {
        let bytes = tree.to_tar().unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entry = |entry: io::Result<tar::Entry<'_, _>>| {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!((header.mtime().unwrap(), header.uid().unwrap()), (0, 0));
            let path = entry.path().unwrap().to_str().unwrap().to_owned();
            (path, header.mode().unwrap(), header.entry_type())
        };
        archive.entries().unwrap().map(entry).collect()
    }

    #[test]
    fn a_folder_comes_before_its_content_in_any_order_of_adding() {
        let mut tree = FileTree::default();
        tree.add_file("/usr/bin/app", "x", 0o755).unwrap();
        tree.add_symlink("/usr.link", "usr").unwrap();
        tree.add_directory("/tmp", 0o1777).unwrap();
        tree.add_directory("/usr", 0o700).unwrap();
        let expected = [
            ("tmp/", 0o1777, EntryType::Directory),
            ("usr/", 0o700, EntryType::Directory),
            ("usr.link", 0o777, EntryType::Symlink),
            ("usr/bin/", 0o755, EntryType::Directory),
            ("usr/bin/app", 0o755, EntryType::Regular),
        ];
        let expected = expected.map(|(path, mode, kind)| (path.to_owned(), mode, kind));
        assert_eq!(listing(&tree), expected);
    }

    #[test]
    fn long_paths_survive() {
        let mut tree = FileTree::default();
        let path = format!("/{}/file", "d".repeat(180));
        tree.add_file(&path, "x", 0o644).unwrap();
        assert!(listing(&tree).iter().any(|(name, _, _)| format!("/{name}") == path));
    }

    #[test]
    fn existing_files_are_not_replaced() {
        let mut tree = FileTree::default();
        tree.add_file("/a", "1", 0o644).unwrap();
        tree.add_file("/a", "1", 0o644).unwrap();
        assert!(tree.add_file("/a", "2", 0o644).is_err());
        assert!(tree.add_file("/a/b", "2", 0o644).is_err());
        assert!(tree.add_directory("/a", 0o755).is_err());
        for path in ["a", "", "/", "/../a", "/a/../b"] {
            assert!(tree.add_file(path, "", 0o644).is_err(), "{path}");
        }
    }
}

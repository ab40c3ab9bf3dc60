//! Finds shared libraries in the order of the dynamic loader.

use std::fs;
use std::path::{Path, PathBuf};

use super::elf_headers::ElfHeaders;
use super::shared_objects::SharedObject;
use crate::{Error, Result};

/// Searches for shared libraries in the host's root folder, then in unpacked packages.
///
/// The order in each is that of `ld.so(8)`: the folders named by the program, those of
/// `/etc/ld.so.conf`, the loader's defaults. `LD_LIBRARY_PATH` is ignored on purpose: it belongs
/// to the user's shell and would be missing in the image.
#[derive(Debug, Clone, Default)]
pub struct LibrarySearch {
    roots: Vec<PathBuf>,
    configured: Vec<PathBuf>,
}

impl LibrarySearch {
    /// The search order of this machine's loader.
    #[must_use]
    pub fn of_host() -> Self {
        let mut configured = Vec::new();
        read_configured(Path::new("/etc/ld.so.conf"), &mut configured, 0);
        Self { roots: vec![PathBuf::from("/")], configured }
    }

    /// Also searches an unpacked package.
    #[must_use]
    pub fn with_root(mut self, root: &Path) -> Self {
        self.roots.push(root.to_owned());
        self
    }

    /// The library that `program` would get if it opened `name`; `None` if the program is static or
    /// there is no such library.
    pub(super) fn library(&self, name: &str, program: &Path) -> Result<Option<SharedObject>> {
        let content = fs::read(program).map_err(|cause| {
            Error::environment(format!("cannot read {}", program.display())).caused_by(cause)
        })?;
        let headers = ElfHeaders::parse(program, &content)?;
        if headers.is_static() {
            return Ok(None);
        }
        Ok(self.find(name, &[], &headers).map(|(object, _)| object))
    }

    /// The file that the loader would use for the library `name`. It searches the `named` folders
    /// (pairs of a folder here and the same folder in the image), then the system's.
    pub(super) fn find(
        &self,
        name: &str,
        named: &[(PathBuf, PathBuf)],
        wanting: &ElfHeaders,
    ) -> Option<(SharedObject, ElfHeaders)> {
        let fits = |here: PathBuf, image: PathBuf| {
            let content = fs::read(&here).ok()?;
            let headers = ElfHeaders::parse(&here, &content).ok()?;
            wanting.fits(&headers).then_some((SharedObject { here, image }, headers))
        };
        if name.contains('/') {
            return fits(PathBuf::from(name), PathBuf::from(name));
        }
        let mut in_named = named.iter();
        if let Some(found) =
            in_named.find_map(|(here, image)| fits(here.join(name), image.join(name)))
        {
            return Some(found);
        }
        self.roots.iter().find_map(|root| {
            let configured = self.configured.iter().find_map(|folder| {
                // The image has no cache of configured folders, so put the library in one of
                // the loader's default folders.
                fits(under(root, folder).join(name), library_home().join(name))
            });
            configured.or_else(|| {
                loader_folders()
                    .into_iter()
                    .find_map(|folder| fits(under(root, &folder).join(name), folder.join(name)))
            })
        })
    }

    /// The interpreter with this path.
    pub(super) fn find_interpreter(&self, path: &str) -> Option<PathBuf> {
        self.roots.iter().map(|root| under(root, Path::new(path))).find(|path| path.is_file())
    }
}

/// An absolute path inside another root folder.
fn under(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// This machine's architecture in Debian's library paths.
fn multiarch() -> String {
    let arch = match std::env::consts::ARCH {
        "x86" => "i386",
        "powerpc64" => "powerpc64le",
        other => other,
    };
    let abi = if arch == "arm" { "gnueabihf" } else { "gnu" };
    format!("{arch}-linux-{abi}")
}

/// The loader's default folders, on Debian and elsewhere.
fn loader_folders() -> Vec<PathBuf> {
    let multiarch = multiarch();
    ["/lib/", "/usr/lib/"]
        .map(|folder| PathBuf::from(format!("{folder}{multiarch}")))
        .into_iter()
        .chain(["/lib64", "/usr/lib64", "/lib", "/usr/lib"].map(PathBuf::from))
        .collect()
}

/// The default folder that this machine uses: the one with the C library.
fn library_home() -> PathBuf {
    let mut folders = loader_folders().into_iter();
    folders.find(|folder| folder.join("libc.so.6").is_file()).unwrap_or_else(|| "/lib".into())
}

/// Reads `ld.so.conf`: one folder per line, comments, and `include` with a pattern. Unreadable files
/// are ignored, as the loader does.
fn read_configured(file: &Path, folders: &mut Vec<PathBuf>, depth: usize) {
    // Ends the recursion if a file includes itself.
    const DEEPEST: usize = 8;
    let Ok(text) = fs::read_to_string(file) else { return };
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if let Some(pattern) = line.strip_prefix("include").filter(|_| depth < DEEPEST) {
            for included in expand(&file.parent().unwrap_or(Path::new("/")).join(pattern.trim())) {
                read_configured(&included, folders, depth + 1);
            }
        } else if line.starts_with('/') && !folders.iter().any(|folder| folder == Path::new(line)) {
            folders.push(PathBuf::from(line));
        }
    }
}

/// The files that match a pattern with one `*` in its last part, in order.
fn expand(pattern: &Path) -> Vec<PathBuf> {
    let name = pattern.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let Some((before, after)) = name.split_once('*') else { return vec![pattern.to_owned()] };
    let Some(entries) = pattern.parent().and_then(|folder| fs::read_dir(folder).ok()) else {
        return Vec::new();
    };
    let mut files: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.len() >= before.len() + after.len()
                && name.starts_with(before)
                && name.ends_with(after)
        })
        .collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configured_folders_are_read_with_includes_and_comments() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        fs::create_dir(folder.path().join("conf.d")).unwrap();
        write("ld.so.conf", "/first # one\n\ninclude conf.d/*.conf\ninclude ld.so.conf\n/last\n");
        write("conf.d/b.conf", "/b\n/first\n");
        write("conf.d/a.conf", "# only a comment\n/a\n");
        write("conf.d/c.txt", "/c\n");
        let mut folders = Vec::new();
        read_configured(&folder.path().join("ld.so.conf"), &mut folders, 0);
        // A file that includes itself is read again, but no folder is listed twice.
        assert_eq!(folders, ["/first", "/a", "/b", "/last"].map(PathBuf::from));
    }
}

//! Packages of the distribution, unpacked into a cache folder and never installed: installing a
//! server's package starts the server.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use super::patient_command::run_patiently;
use crate::{Error, Result};

/// The longest download of one package.
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(180);
/// The longest look into a package, or its unpacking.
const UNPACK_LIMIT: Duration = Duration::from_secs(60);
/// The age from which an unfinished folder of somebody else is a leftover.
const LEFTOVER_AGE: Duration = Duration::from_secs(3600);
/// What unfinished folders' names begin with.
const UNFINISHED: &str = ".unfinished-";
/// The file in an unpacked package that names the packages it depends on.
const DEPENDS: &str = ".depends";

/// A folder of unpacked packages: `<folder>/<package>/` is a package's root folder.
#[derive(Debug, Clone)]
pub struct PackageCache {
    folder: PathBuf,
}

impl PackageCache {
    /// The cache in this folder, which need not exist yet.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The root folder of an unpacked package, if it is there. It is there whole or not at all.
    #[must_use]
    pub fn unpacked(&self, package: &str) -> Option<PathBuf> {
        Some(self.folder.join(package)).filter(|root| root.is_dir())
    }

    /// The root folder of a package, which is downloaded and unpacked if it is not there.
    ///
    /// # Errors
    /// When the system has no `apt-get` and `dpkg-deb`, the package cannot be downloaded, or the
    /// disk is full. Nothing half-finished stays under the package's name.
    pub fn fetch(&self, package: &str) -> Result<PathBuf> {
        if let Some(root) = self.unpacked(package) {
            return Ok(root);
        }
        let failed = |cause: io::Error| {
            Error::environment(format!(
                "cannot keep the package {package} in {}",
                self.folder.display()
            ))
            .caused_by(cause)
        };
        fs::create_dir_all(&self.folder).map_err(failed)?;
        self.remove_leftovers();
        // In the cache itself, because a rename does not cross file systems. Everything in it
        // goes when it is dropped; what a killed process leaves goes an hour later.
        let work =
            tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(&self.folder).map_err(failed)?;
        let archive = download(package, work.path())?;
        let unpacked = work.path().join("root");
        run_patiently(
            Command::new("dpkg-deb").arg("-x").arg(&archive).arg(&unpacked),
            &format!("unpack the package {package}"),
            UNPACK_LIMIT,
        )?;
        let depends = run_patiently(
            Command::new("dpkg-deb").arg("-f").arg(&archive).args(["Pre-Depends", "Depends"]),
            &format!("read what the package {package} depends on"),
            UNPACK_LIMIT,
        )?;
        fs::write(unpacked.join(DEPENDS), depends).map_err(failed)?;
        let root = self.folder.join(package);
        match fs::rename(&unpacked, &root) {
            Ok(()) => Ok(root),
            // Another process was faster; its package is as good.
            Err(_) if root.is_dir() => Ok(root),
            Err(cause) => Err(failed(cause)),
        }
    }

    /// Names of the packages that an unpacked package depends on, the first of each choice.
    #[must_use]
    pub fn dependencies(&self, package: &str) -> Vec<String> {
        let text = fs::read_to_string(self.folder.join(package).join(DEPENDS)).unwrap_or_default();
        dependency_names(&text)
    }

    fn remove_leftovers(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for entry in entries.flatten() {
            let old = entry.metadata().and_then(|meta| meta.modified()).is_ok_and(|time| {
                SystemTime::now().duration_since(time).is_ok_and(|age| age > LEFTOVER_AGE)
            });
            if old && entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }
}

/// Downloads a package's archive into a folder. `apt-get` checks it against the signed lists.
fn download(package: &str, folder: &Path) -> Result<PathBuf> {
    let what = format!("download the package {package}");
    let mut apt = Command::new("apt-get");
    // The name is an argument of its own, and `--` keeps it from being an option.
    apt.current_dir(folder).args(["-qq", "-o", "Acquire::Retries=2"]);
    apt.args(["-o", "APT::Sandbox::User=root", "download", "--", package]);
    run_patiently(&mut apt, &what, DOWNLOAD_LIMIT)
        .map_err(|error| error.hint("are the package lists there? try `apt-get update`"))?;
    let archives = fs::read_dir(folder)
        .map_err(|cause| Error::environment(format!("cannot {what}")).caused_by(cause))?;
    archives
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .ok_or_else(|| Error::environment(format!("cannot {what}: no archive came")))
}

/// Names out of a control file's dependency fields: `a (>= 1), b | c` is `a` and `b`.
fn dependency_names(fields: &str) -> Vec<String> {
    let mut names = Vec::new();
    for line in fields.lines() {
        let list = line.split_once(": ").map_or(line, |(_, list)| list);
        for choice in list.split(',') {
            let first = choice.split('|').next().unwrap_or_default().trim();
            let name = first.split([' ', '(', ':']).next().unwrap_or_default();
            if !name.is_empty() && !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_out_of_the_control_fields() {
        let fields = "Pre-Depends: libc6:any (>= 2.34)\n\
                      Depends: libc6 (>= 2.34), libzstd1 (>= 1.5.2), mailcap | mime-support\n";
        assert_eq!(dependency_names(fields), ["libc6", "libzstd1", "mailcap"]);
        assert_eq!(dependency_names(""), Vec::<String>::new());
    }

    #[test]
    fn an_unfinished_folder_is_no_package_and_old_ones_go() {
        let folder = tempfile::tempdir().unwrap();
        let cache = PackageCache::new(folder.path());
        let unfinished = |name: &str| folder.path().join(format!("{UNFINISHED}{name}"));
        for name in ["old", "new"] {
            fs::create_dir_all(unfinished(name).join("root/usr/bin")).unwrap();
        }
        let old = SystemTime::now() - 2 * LEFTOVER_AGE;
        fs::File::open(unfinished("old")).unwrap().set_modified(old).unwrap();
        assert_eq!(cache.unpacked("caddy"), None);
        cache.remove_leftovers();
        assert!(!unfinished("old").exists());
        assert!(unfinished("new").exists(), "somebody may still be at work in it");
    }

    #[test]
    fn a_package_that_cannot_be_had_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let cache = PackageCache::new(folder.path().join("cache"));
        let error = cache.fetch("rollproof-no-such-package").unwrap_err();
        assert_eq!(error.to_string(), "cannot download the package rollproof-no-such-package");
        assert_eq!(fs::read_dir(folder.path().join("cache")).unwrap().count(), 0);
    }
}

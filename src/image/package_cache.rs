//! Packages of the distribution, unpacked into a cache folder. They are not installed, because
//! installing a server's package starts the server.

use std::fs;
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant, SystemTime};

use crate::{Error, Result};

/// Time limit for the download of one package.
const DOWNLOAD_LIMIT: Duration = Duration::from_secs(180);
/// Time limit for reading or unpacking one package.
const UNPACK_LIMIT: Duration = Duration::from_secs(60);
/// The age at which an unfinished folder is considered abandoned.
const LEFTOVER_AGE: Duration = Duration::from_secs(3600);
/// The prefix of the names of unfinished folders.
const UNFINISHED: &str = ".unfinished-";
/// The file in an unpacked package that names the packages it depends on.
const DEPENDS: &str = ".depends";

/// How often to check whether a program has ended. `std` cannot wait with a time limit.
const LOOK: Duration = Duration::from_millis(20);

/// A folder of unpacked packages: `<folder>/<package>/` is a package's root folder.
#[derive(Debug, Clone)]
pub struct PackageCache {
    folder: PathBuf,
}

impl PackageCache {
    /// A cache in this folder, which need not exist.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The root folder of a package that is already unpacked. It is always complete.
    #[must_use]
    pub fn unpacked(&self, package: &str) -> Option<PathBuf> {
        Some(self.folder.join(package)).filter(|root| root.is_dir())
    }

    /// The root folder of a package. Downloads and unpacks the package first if necessary.
    ///
    /// # Errors
    /// When the system has no `apt-get` or `dpkg-deb`, the package cannot be downloaded, or the
    /// disk is full. An incomplete package is never left under the package's name.
    pub fn fetch(&self, package: &str) -> Result<PathBuf> {
        if let Some(root) = self.unpacked(package) {
            return Ok(root);
        }
        let failed = |cause: io::Error| {
            Error::environment(format!(
                "cannot save package {package} in {}",
                self.folder.display()
            ))
            .caused_by(cause)
        };
        fs::create_dir_all(&self.folder).map_err(failed)?;
        self.remove_leftovers();
        // In the cache itself, because a rename cannot cross file systems. The folder is removed
        // when it is dropped; those of killed processes are removed an hour later.
        let work =
            tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(&self.folder).map_err(failed)?;
        let archive = download(package, work.path())?;
        let unpacked = work.path().join("root");
        run_with_limit(
            Command::new("dpkg-deb").arg("-x").arg(&archive).arg(&unpacked),
            &format!("unpack package {package}"),
            UNPACK_LIMIT,
        )?;
        let depends = run_with_limit(
            Command::new("dpkg-deb").arg("-f").arg(&archive).args(["Pre-Depends", "Depends"]),
            &format!("read the dependencies of package {package}"),
            UNPACK_LIMIT,
        )?;
        fs::write(unpacked.join(DEPENDS), depends).map_err(failed)?;
        let root = self.folder.join(package);
        match fs::rename(&unpacked, &root) {
            Ok(()) => Ok(root),
            // Another process was faster, and its package is the same.
            Err(_) if root.is_dir() => Ok(root),
            Err(cause) => Err(failed(cause)),
        }
    }

    /// The packages that an unpacked package depends on; the first one where there is a choice.
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
    let what = format!("download package {package}");
    let mut apt = Command::new("apt-get");
    // After `--`, the name cannot be read as an option.
    apt.current_dir(folder).args(["-qq", "-o", "Acquire::Retries=2"]);
    apt.args(["-o", "APT::Sandbox::User=root", "download", "--", package]);
    run_with_limit(&mut apt, &what, DOWNLOAD_LIMIT)
        .map_err(|error| error.hint("the package lists may be missing: try `apt-get update`"))?;
    let archives = fs::read_dir(folder)
        .map_err(|cause| Error::environment(format!("cannot {what}")).caused_by(cause))?;
    archives
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .ok_or_else(|| Error::environment(format!("cannot {what}: apt-get wrote no archive")))
}

/// The names in the dependency fields of a control file: `a (>= 1), b | c` gives `a` and `b`.
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

/// Runs a program without input and returns its standard output. `what` completes the message
/// "cannot …".
///
/// # Errors
/// When it cannot be started, fails (its standard error is the cause), or exceeds `limit` and is
/// killed.
fn run_with_limit(command: &mut Command, what: &str, limit: Duration) -> Result<String> {
    let failed = |cause: &dyn std::fmt::Display| {
        Error::environment(format!("cannot {what}")).caused_by(cause.to_string())
    };
    // Files instead of pipes: no one has to read while the program writes.
    let mut out = tempfile::tempfile().map_err(|cause| failed(&cause))?;
    let mut err = tempfile::tempfile().map_err(|cause| failed(&cause))?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(out.try_clone().map_err(|cause| failed(&cause))?)
        .stderr(err.try_clone().map_err(|cause| failed(&cause))?)
        .spawn()
        .map_err(|cause| {
            failed(&format!("{}: {cause}", command.get_program().to_string_lossy()))
        })?;
    let started = Instant::now();
    let ended: Option<ExitStatus> = loop {
        match child.try_wait().map_err(|cause| failed(&cause))? {
            Some(status) => break Some(status),
            None if started.elapsed() >= limit => {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
            None => std::thread::sleep(LOOK),
        }
    };
    let read = |file: &mut std::fs::File| {
        let mut text = Vec::new();
        let read = file.rewind().and_then(|()| file.read_to_end(&mut text));
        read.map(|_| String::from_utf8_lossy(&text).trim().to_owned())
    };
    let message = read(&mut err).map_err(|cause| failed(&cause))?;
    match ended {
        Some(status) if status.success() => read(&mut out).map_err(|cause| failed(&cause)),
        Some(status) if message.is_empty() => Err(failed(&status)),
        Some(_) => Err(failed(&message)),
        None => Err(failed(&format!("timed out after {}", humantime::format_duration(limit)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_read_from_the_control_fields() {
        let fields = "Pre-Depends: libc6:any (>= 2.34)\n\
                      Depends: libc6 (>= 2.34), libzstd1 (>= 1.5.2), mailcap | mime-support\n";
        assert_eq!(dependency_names(fields), ["libc6", "libzstd1", "mailcap"]);
        assert_eq!(dependency_names(""), Vec::<String>::new());
    }

    #[test]
    fn an_unfinished_folder_is_not_a_package_and_old_ones_are_removed() {
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
        assert!(unfinished("new").exists(), "another process may still be using it");
    }

    #[test]
    fn a_failed_download_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let cache = PackageCache::new(folder.path().join("cache"));
        let error = cache.fetch("rollproof-no-such-package").unwrap_err();
        assert_eq!(error.to_string(), "cannot download package rollproof-no-such-package");
        assert_eq!(fs::read_dir(folder.path().join("cache")).unwrap().count(), 0);
    }

    fn shell(script: &str, limit: Duration) -> Result<String> {
        run_with_limit(Command::new("sh").args(["-c", script]), "ask the shell", limit)
    }

    fn cause(error: &Error) -> String {
        std::error::Error::source(error).unwrap().to_string()
    }

    #[test]
    fn the_output_is_returned_or_the_error_output_is_the_cause() {
        let minute = Duration::from_secs(60);
        assert_eq!(shell("echo good; echo noise >&2", minute).unwrap(), "good");
        let error = shell("echo bad luck >&2; exit 3", minute).unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), cause(&error).as_str()),
            ("cannot ask the shell", "bad luck")
        );
        assert_eq!(cause(&shell("exit 3", minute).unwrap_err()), "exit status: 3");
    }

    #[test]
    fn a_program_that_does_not_end_is_killed() {
        let error = shell("exec sleep 600", Duration::from_millis(50)).unwrap_err();
        assert_eq!(cause(&error), "timed out after 50ms");
    }

    #[test]
    fn a_missing_program_is_named() {
        let error =
            run_with_limit(&mut Command::new("rollproof-no-such"), "try", Duration::from_secs(1));
        assert!(cause(&error.unwrap_err()).starts_with("rollproof-no-such: "));
    }
}

//! Finds the programs that go into images.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::file_tree::FileTree;
use super::library_search::LibrarySearch;
use super::package_cache::PackageCache;
use super::shared_objects::SharedObjects;
use crate::{Error, Result};

/// Folders of programs in a package.
const PROGRAM_FOLDERS: [&str; 6] =
    ["usr/bin", "bin", "usr/sbin", "sbin", "usr/local/bin", "usr/games"];

/// Where a program was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgramOrigin {
    /// At a path given by the user.
    Given,
    /// In an unpacked package.
    Package,
    /// In the host's `PATH`.
    Path,
}

/// A program that can be packed into an image, with all its libraries.
#[derive(Debug, Clone)]
pub struct Program {
    /// The executable.
    pub path: PathBuf,
    /// Where it was found.
    pub origin: ProgramOrigin,
    search: LibrarySearch,
}

impl Program {
    /// Adds the program at `image_path` to an image, and its libraries where it searches for them.
    ///
    /// # Errors
    /// When a file cannot be read, a library is missing, or a path in the image already exists.
    pub fn pack(&self, image_path: &str, files: &mut FileTree) -> Result<()> {
        SharedObjects::of(&self.path, image_path, &self.search)?.pack(files)
    }
}

/// Finds programs such as `caddy` and `busybox`: at a path given by the user, in the cache of
/// unpacked packages, in `PATH`, or in the distribution's package of the same name.
#[derive(Debug, Clone)]
pub struct Programs {
    cache: PackageCache,
    given: BTreeMap<String, PathBuf>,
    path: OsString,
    host: LibrarySearch,
}

impl Programs {
    /// Searches the cache in `<state>/cache` and the `PATH` of this process.
    #[must_use]
    pub fn new(state: &Path) -> Self {
        let cache = PackageCache::new(state.join("cache"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        Self { cache, given: BTreeMap::new(), path, host: LibrarySearch::of_host() }
    }

    /// Uses the path given by the user for a program, and searches nowhere else.
    #[must_use]
    pub fn with_given(mut self, name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        self.given.insert(name.into(), path.into());
        self
    }

    /// Searches another `PATH`.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<OsString>) -> Self {
        self.path = path.into();
        self
    }

    /// Finds a program with all its libraries. This may download a package of some megabytes.
    ///
    /// # Errors
    /// When the program or one of its libraries cannot be found.
    pub fn find(&self, name: &str) -> Result<Program> {
        if let Some(path) = self.given.get(name) {
            let program = Program {
                path: path.clone(),
                origin: ProgramOrigin::Given,
                search: self.host.clone(),
            };
            return complete(program);
        }
        if self.cache.unpacked(name).is_some() {
            return self.in_package(name);
        }
        // Skip wrapper scripts and broken programs in PATH.
        let on_path = std::env::split_paths(&self.path)
            .map(|folder| folder.join(name))
            .filter(|path| is_executable(path))
            .map(|path| Program { path, origin: ProgramOrigin::Path, search: self.host.clone() })
            .find_map(|program| complete(program).ok());
        on_path.map_or_else(|| self.in_package(name), Ok)
    }

    /// Finds the program at `path` in a package, with all its libraries, unless the user gave a path
    /// for it. This may download some packages.
    ///
    /// # Errors
    /// When the program or one of its libraries cannot be found.
    pub fn find_in(&self, package: &str, path: &str) -> Result<Program> {
        self.packaged(package, &[path.to_owned()])
    }

    /// The root folder of a package, downloaded and unpacked if necessary.
    ///
    /// # Errors
    /// When it cannot be downloaded or unpacked.
    pub fn package(&self, package: &str) -> Result<PathBuf> {
        self.cache.fetch(package).map_err(|error| advise(error, package))
    }

    /// The package that `package` depends on and whose name begins with `prefix`: where a name
    /// contains a version, only the distribution knows which.
    ///
    /// # Errors
    /// When `package` cannot be downloaded, or depends on none.
    pub fn dependency(&self, package: &str, prefix: &str) -> Result<String> {
        self.package(package)?;
        let mut dependencies = self.cache.dependencies(package).into_iter();
        dependencies
            .find(|name| {
                let rest = name.strip_prefix(prefix);
                rest.is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()))
            })
            .ok_or_else(|| {
                let message = format!("package {package} depends on no package {prefix}…");
                advise(Error::environment(message), package)
            })
    }

    fn in_package(&self, name: &str) -> Result<Program> {
        let paths = PROGRAM_FOLDERS.map(|folder| format!("{folder}/{name}"));
        self.packaged(name, &paths)
    }

    /// The program from a package. Libraries that the host lacks come from the packages that this
    /// one depends on, and those that they depend on.
    fn packaged(&self, package: &str, paths: &[String]) -> Result<Program> {
        let root = self.package(package)?;
        let path = paths
            .iter()
            .map(|path| root.join(path))
            .find(|path| is_executable(path))
            .ok_or_else(|| {
                let name = Path::new(&paths[0]).file_name().unwrap_or_default().to_string_lossy();
                let message =
                    format!("package {package} in {} does not contain {name}", root.display());
                advise(
                    Error::environment(message).hint("remove that folder and try again"),
                    package,
                )
            })?;
        let mut program = Program {
            path,
            origin: ProgramOrigin::Package,
            search: self.host.clone().with_root(&root),
        };
        let mut packages = self.cache.dependencies(package);
        let mut seen = BTreeSet::from([package.to_owned()]);
        loop {
            let missing = missing(&program)?;
            let Some(library) = missing.first() else { return Ok(program) };
            // Debian derives the package's name from the library's: try that package first.
            packages.sort_by_key(|package| std::cmp::Reverse(*package == package_of(library)));
            packages.retain(|package| !seen.contains(package));
            if packages.is_empty() {
                return complete(program).map_err(|error| advise(error, package));
            }
            let next = packages.remove(0);
            program.search = program.search.with_root(&self.package(&next)?);
            packages.extend(self.cache.dependencies(&next));
            seen.insert(next);
        }
    }
}

fn advise(error: Error, name: &str) -> Error {
    error.hint(format!("run `make setup`, install {name}, or give the path of {name}"))
}

/// The names of the libraries that were not found.
fn missing(program: &Program) -> Result<Vec<String>> {
    let objects = SharedObjects::of(&program.path, "/program", &program.search)?;
    Ok(objects.missing.into_iter().map(|library| library.name).collect())
}

/// The program, if all its libraries were found.
fn complete(program: Program) -> Result<Program> {
    match missing(&program)?.first() {
        None => Ok(program),
        Some(library) => Err(Error::environment(format!(
            "{} needs {library}, which is not on this machine",
            program.path.display()
        ))),
    }
}

/// The package that should contain a library: `libzstd.so.1` is in `libzstd1`. If the name ends in
/// a digit, there is a dash: `libx2.so.1` is in `libx2-1`.
fn package_of(library: &str) -> String {
    let Some((stem, version)) = library.split_once(".so.") else { return library.to_owned() };
    let stem = stem.to_lowercase().replace('_', "-");
    let dash = if stem.ends_with(|last: char| last.is_ascii_digit()) { "-" } else { "" };
    format!("{stem}{dash}{version}")
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn executable(path: &Path, content: &[u8]) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn given_beats_cache_beats_path() {
        let state = tempfile::tempdir().unwrap();
        let me = fs::read(std::env::current_exe().unwrap()).unwrap();
        let path = state.path().join("bin");
        executable(&path.join("prog"), &me);
        let programs = Programs::new(state.path()).with_path(&path);
        assert_eq!(programs.find("prog").unwrap().origin, ProgramOrigin::Path);

        let cached = state.path().join("cache/prog/usr/bin/prog");
        executable(&cached, &me);
        let found = programs.find("prog").unwrap();
        assert_eq!((found.origin, found.path), (ProgramOrigin::Package, cached));

        let found = programs.with_given("prog", path.join("prog")).find("prog").unwrap();
        assert_eq!((found.origin, found.path), (ProgramOrigin::Given, path.join("prog")));
    }

    #[test]
    fn a_given_script_is_refused_and_one_in_path_skipped() {
        let state = tempfile::tempdir().unwrap();
        let script = state.path().join("bin/rollproof-no-such");
        executable(&script, b"#!/bin/sh\n");
        let programs = Programs::new(state.path()).with_path(state.path().join("bin"));
        let error = programs.find("rollproof-no-such").unwrap_err();
        assert!(error.message().starts_with("cannot download package"), "{error}");
        assert!(error.hints().iter().any(|hint| hint.contains("`make setup`")));
        let given = programs.with_given("rollproof-no-such", &script);
        assert!(given.find("rollproof-no-such").unwrap_err().message().contains("a script"));
    }

    #[test]
    fn libraries_that_the_host_lacks_come_from_packages() {
        let state = tempfile::tempdir().unwrap();
        let mut programs = Programs::new(state.path()).with_path("");
        programs.host = LibrarySearch::default();
        let caddy = programs.find("caddy").unwrap();
        assert_eq!(caddy.origin, ProgramOrigin::Package);
        let cached = |package: &str| state.path().join("cache").join(package).is_dir();
        assert!(cached("libc6") && cached("libzstd1"));
        assert!(!cached("media-types"), "only packages with missing libraries");
        let mut files = FileTree::default();
        caddy.pack("/usr/bin/caddy", &mut files).unwrap();

        // Here a library needs one of a package that only its own package depends on.
        let redis = programs.find_in("redis-tools", "usr/bin/redis-cli").unwrap();
        assert!(cached("libsystemd0") && cached("libgpg-error0"));
        redis.pack("/usr/bin/redis-cli", &mut files).unwrap();
    }

    #[test]
    fn the_package_of_a_library_is_derived_from_its_name() {
        for (library, package) in [
            ("libzstd.so.1", "libzstd1"),
            ("libpcre2-8.so.0", "libpcre2-8-0"),
            ("libc.so.6", "libc6"),
            ("libX11.so.6", "libx11-6"),
            ("odd", "odd"),
        ] {
            assert_eq!(package_of(library), package);
        }
    }
}

//! The files that the loader needs to run a program.

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use super::elf_headers::ElfHeaders;
use super::file_tree::FileTree;
use super::library_search::LibrarySearch;
use crate::{Error, Result};

/// A file that the loader maps: the program, its interpreter or a library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedObject {
    /// Where it is on this machine.
    pub here: PathBuf,
    /// Its path in an image.
    pub image: PathBuf,
}

/// A library that was not found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingLibrary {
    /// Its name, such as `libzstd.so.1`, or the interpreter's path.
    pub name: String,
    /// The file that needs it.
    pub needed_by: PathBuf,
}

/// The files that the loader needs to run a program; the program comes first.
///
/// Libraries that a program opens at run time (`dlopen`) are not in its headers and so not included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedObjects {
    /// The files that were found.
    pub found: Vec<SharedObject>,
    /// The libraries that were not found.
    pub missing: Vec<MissingLibrary>,
}

/// A file whose libraries have not been searched for yet.
struct Open {
    object: SharedObject,
    headers: ElfHeaders,
    /// `DT_RPATH` folders of the files that need it, which also apply to it.
    inherited: Vec<(PathBuf, PathBuf)>,
}

impl SharedObjects {
    /// Follows the headers of `program`, whose path in the image is `image_path`.
    ///
    /// # Errors
    /// When the program cannot be read or is not an ELF file. A missing library is not an error here.
    pub fn of(program: &Path, image_path: &str, search: &LibrarySearch) -> Result<Self> {
        let unreadable = |cause| {
            Error::environment(format!("cannot read {}", program.display())).caused_by(cause)
        };
        // For the loader, `$ORIGIN` is the folder of the file itself, not of a link to it.
        let here = program.canonicalize().map_err(unreadable)?;
        let headers = ElfHeaders::parse(program, &fs::read(&here).map_err(unreadable)?)?;
        let object = SharedObject { here, image: PathBuf::from(image_path) };
        let mut objects = Self { found: vec![object.clone()], missing: Vec::new() };
        if let Some(path) = &headers.interpreter {
            match search.find_interpreter(path) {
                Some(here) => {
                    objects.found.push(SharedObject { here, image: PathBuf::from(path) });
                }
                None => objects.miss(path, program),
            }
        }
        // Programs often need the loader by name too; it is already included.
        let mut seen: BTreeSet<String> = headers
            .interpreter
            .as_ref()
            .and_then(|path| Some(Path::new(path).file_name()?.to_string_lossy().into_owned()))
            .into_iter()
            .collect();
        let mut queue = VecDeque::from([Open { object, headers, inherited: Vec::new() }]);
        while let Some(open) = queue.pop_front() {
            let own = |folders: &[String]| -> Vec<_> {
                folders.iter().flat_map(|folder| expand(folder, &open.object)).collect()
            };
            let runpath = own(&open.headers.runpath);
            // With a run path, the loader ignores both its own and inherited DT_RPATH.
            let (named, inherited) = if open.headers.runpath.is_empty() {
                let mut rpath = own(&open.headers.rpath);
                rpath.extend(open.inherited.clone());
                (rpath.clone(), rpath)
            } else {
                (runpath, open.inherited.clone())
            };
            for name in &open.headers.needed {
                if !seen.insert(name.clone()) {
                    continue;
                }
                match search.find(name, &named, &open.headers) {
                    Some((object, headers)) => {
                        objects.found.push(object.clone());
                        queue.push_back(Open { object, headers, inherited: inherited.clone() });
                    }
                    None => objects.miss(name, &open.object.here),
                }
            }
        }
        Ok(objects)
    }

    /// Adds all files to an image.
    ///
    /// # Errors
    /// When a library is missing, a file cannot be read, or a path in the image already exists.
    pub fn pack(&self, files: &mut FileTree) -> Result<()> {
        if let Some(missing) = self.missing.first() {
            return Err(Error::environment(format!(
                "{} needs {}, which is not on this machine",
                missing.needed_by.display(),
                missing.name
            ))
            .hint("install the package that contains it, or use another program"));
        }
        for object in &self.found {
            let content = fs::read(&object.here).map_err(|cause| {
                Error::environment(format!("cannot read {}", object.here.display()))
                    .caused_by(cause)
            })?;
            files.add_file(&object.image.to_string_lossy(), content, 0o755)?;
        }
        Ok(())
    }

    fn miss(&mut self, name: &str, needed_by: &Path) {
        self.missing
            .push(MissingLibrary { name: name.to_owned(), needed_by: needed_by.to_owned() });
    }
}

/// A folder of a run path, here and in the image. `$ORIGIN` is the folder of the file with the run
/// path. `$LIB` has one of two values, so both are tried. Folders with other variables are ignored.
fn expand(folder: &str, object: &SharedObject) -> Vec<(PathBuf, PathBuf)> {
    let origin =
        |path: &Path| path.parent().unwrap_or(Path::new("/")).to_string_lossy().into_owned();
    let (here, image) = (origin(&object.here), origin(&object.image));
    let folder = folder.replace("${ORIGIN}", "$ORIGIN").replace("${LIB}", "$LIB");
    let libs: &[&str] = if folder.contains("$LIB") { &["lib", "lib64"] } else { &[""] };
    libs.iter()
        .map(|lib| folder.replace("$LIB", lib))
        .map(|folder| (folder.replace("$ORIGIN", &here), folder.replace("$ORIGIN", &image)))
        .filter(|(here, _)| here.starts_with('/') && !here.contains('$'))
        .map(|(here, image)| (PathBuf::from(here), plain(Path::new(&image))))
        .collect()
}

/// The path without `.` and `..`, which an archive must not contain.
fn plain(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_test_needs_its_interpreter_and_its_c_library() {
        let me = std::env::current_exe().unwrap();
        let objects = SharedObjects::of(&me, "/bin/test", &LibrarySearch::of_host()).unwrap();
        assert_eq!(objects.missing, []);
        assert_eq!(objects.found[0].image, Path::new("/bin/test"));
        let image: Vec<_> = objects.found.iter().map(|object| &object.image).collect();
        assert!(image.iter().any(|path| path.to_string_lossy().contains("/libc.")), "{image:?}");
        assert!(image.iter().any(|path| path.to_string_lossy().contains("/ld-")), "{image:?}");
        let mut files = FileTree::default();
        objects.pack(&mut files).unwrap();
        assert!(image.iter().all(|path| files.contains(&path.to_string_lossy())));
    }

    #[test]
    fn run_paths_are_expanded_here_and_in_the_image() {
        let object = SharedObject { here: "/opt/x/bin/app".into(), image: "/usr/bin/app".into() };
        let pair = |here: &str, image: &str| (PathBuf::from(here), PathBuf::from(image));
        assert_eq!(expand("$ORIGIN/../lib", &object), [pair("/opt/x/bin/../lib", "/usr/lib")]);
        assert_eq!(
            expand("/opt/${LIB}", &object),
            [pair("/opt/lib", "/opt/lib"), pair("/opt/lib64", "/opt/lib64")]
        );
        assert_eq!(expand("relative", &object), []);
        assert_eq!(expand("/x/$PLATFORM", &object), []);
    }

    #[test]
    fn a_missing_library_is_reported_with_the_file_that_needs_it() {
        let objects = SharedObjects {
            found: Vec::new(),
            missing: vec![MissingLibrary { name: "libx.so.1".into(), needed_by: "/bin/y".into() }],
        };
        let error = objects.pack(&mut FileTree::default()).unwrap_err();
        assert_eq!(error.to_string(), "/bin/y needs libx.so.1, which is not on this machine");
    }
}

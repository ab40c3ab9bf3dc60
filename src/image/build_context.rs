//! A user's folder as an archive for the engine's builder.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use tar::{Builder, EntryType, Header};

use super::dockerignore::IgnoreFile;
use crate::{Error, Result};

/// The largest context in bytes: it is kept in memory and sent in one piece.
const LARGEST: u64 = 1 << 30;

/// A folder packed for the engine's builder.
#[derive(Debug, Clone)]
pub struct BuildContext {
    /// A tar archive of the folder.
    pub archive: Bytes,
    /// The Dockerfile's path in it.
    pub dockerfile: String,
}

impl BuildContext {
    /// Packs a folder without the files that its `.dockerignore` excludes. `dockerfile` is a path
    /// in the folder; the default is `Dockerfile`. The Dockerfile and `.dockerignore` are always
    /// included, because the builder needs them. As with Docker's client, modes, times and
    /// symbolic links are kept, everything belongs to root, and sockets and devices are skipped.
    ///
    /// A `<Dockerfile>.dockerignore` next to the Dockerfile takes precedence over `.dockerignore`.
    ///
    /// # Errors
    /// When there is no Dockerfile, a pattern is invalid, a file cannot be read, or the context is
    /// larger than 1 GiB.
    pub fn of(folder: &Path, dockerfile: Option<&str>) -> Result<Self> {
        let dockerfile = find_dockerfile(folder, dockerfile)?;
        let own = format!("{dockerfile}.dockerignore");
        let ignore_name =
            if folder.join(&own).is_file() { own } else { ".dockerignore".to_owned() };
        let ignore = match fs::read_to_string(folder.join(&ignore_name)) {
            Ok(text) => IgnoreFile::parse(&folder.join(&ignore_name), &text)?,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => IgnoreFile::default(),
            Err(cause) => return Err(unreadable(&folder.join(&ignore_name), cause)),
        };
        let mut walk = Walk {
            folder,
            ignore,
            always: [dockerfile.clone(), ignore_name],
            size: 0,
            tar: Builder::new(Vec::new()),
        };
        walk.enter(Path::new(""))?;
        let archive = walk.tar.into_inner().map_err(|cause| unreadable(folder, cause))?;
        Ok(Self { archive: archive.into(), dockerfile })
    }
}

/// The Dockerfile's path inside the folder.
fn find_dockerfile(folder: &Path, given: Option<&str>) -> Result<String> {
    let names = given.map_or(vec!["Dockerfile", "dockerfile"], |name| vec![name]);
    for name in &names {
        // Write a name such as `./sub/Dockerfile` as it is in the archive.
        let plain: Option<PathBuf> = Path::new(name)
            .components()
            .filter(|part| *part != Component::CurDir)
            .map(|part| matches!(part, Component::Normal(_)).then_some(part))
            .collect();
        let Some(plain) = plain else {
            return Err(Error::usage(format!("the Dockerfile {name} is not inside the context"))
                .hint(format!("give a path relative to {}", folder.display())));
        };
        if folder.join(&plain).is_file() {
            return Ok(plain.to_string_lossy().into_owned());
        }
    }
    Err(Error::usage(format!("there is no {} in {}", names[0], folder.display())))
}

fn unreadable(path: &Path, cause: io::Error) -> Error {
    Error::environment(format!("cannot put {} into the build context", path.display()))
        .caused_by(cause)
        .hint("exclude it with a line in .dockerignore if the image does not need it")
}

struct Walk<'a> {
    folder: &'a Path,
    ignore: IgnoreFile,
    always: [String; 2],
    size: u64,
    tar: Builder<Vec<u8>>,
}

impl Walk<'_> {
    /// Packs the content of a folder, sorted by name.
    fn enter(&mut self, relative: &Path) -> Result<()> {
        let folder = self.folder.join(relative);
        let names = fs::read_dir(&folder).and_then(|entries| {
            entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>()
        });
        let mut names = names.map_err(|cause| unreadable(&folder, cause))?;
        names.sort();
        for name in names {
            let relative = relative.join(name);
            let path = self.folder.join(&relative);
            let meta = path.symlink_metadata().map_err(|cause| unreadable(&path, cause))?;
            let ignored = self.ignores(&relative.to_string_lossy());
            if !ignored {
                self.pack(&relative, &path, &meta)?;
            }
            if meta.is_dir() && (!ignored || self.may_hold_something(&relative)) {
                self.enter(&relative)?;
            }
        }
        Ok(())
    }

    fn ignores(&self, path: &str) -> bool {
        !self.always.iter().any(|always| always == path) && self.ignore.ignores(path)
    }

    /// Whether something in an excluded folder may be included.
    fn may_hold_something(&self, folder: &Path) -> bool {
        self.ignore.includes_again()
            || self.always.iter().any(|path| Path::new(path).starts_with(folder))
    }

    fn pack(&mut self, relative: &Path, path: &Path, meta: &Metadata) -> Result<()> {
        let mut header = Header::new_gnu();
        header.set_mode(meta.mode() & 0o7777);
        header.set_mtime(u64::try_from(meta.mtime()).unwrap_or(0));
        header.set_uid(0);
        header.set_gid(0);
        header.set_size(0);
        let kind = meta.file_type();
        let packed = if kind.is_dir() {
            header.set_entry_type(EntryType::Directory);
            self.tar.append_data(&mut header, relative.join(""), io::empty())
        } else if kind.is_symlink() {
            header.set_entry_type(EntryType::Symlink);
            fs::read_link(path)
                .and_then(|target| self.tar.append_link(&mut header, relative, target))
        } else if kind.is_file() {
            self.size += meta.len();
            if self.size > LARGEST {
                return Err(Error::usage(format!(
                    "the build context {} is larger than 1 GiB",
                    self.folder.display()
                ))
                .hint("exclude what the image does not need with a .dockerignore file"));
            }
            header.set_entry_type(EntryType::Regular);
            fs::read(path).and_then(|content| {
                header.set_size(content.len() as u64);
                self.tar.append_data(&mut header, relative, content.as_slice())
            })
        } else {
            Ok(())
        };
        packed.map_err(|cause| unreadable(path, cause))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        folder
    }

    /// The mode and the link target, if any, of each entry.
    fn packed(context: &BuildContext) -> BTreeMap<String, (u32, Option<String>)> {
        let mut archive = tar::Archive::new(context.archive.as_ref());
        let entries = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let text = |path: &Path| path.to_str().unwrap().to_owned();
            let target = entry.link_name().unwrap().map(|path| text(&path));
            (text(&entry.path().unwrap()), (entry.header().mode().unwrap(), target))
        });
        entries.collect()
    }

    fn names(context: &BuildContext) -> Vec<String> {
        packed(context).into_keys().collect()
    }

    #[test]
    fn modes_and_links_are_kept_and_sockets_skipped() {
        let folder = folder(&["Dockerfile", "run.sh", "empty/x"]);
        let at = |name: &str| folder.path().join(name);
        fs::remove_file(at("empty/x")).unwrap();
        fs::set_permissions(at("run.sh"), fs::Permissions::from_mode(0o750)).unwrap();
        symlink("../no such place", at("link")).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        let context = BuildContext::of(folder.path(), None).unwrap();
        let packed = packed(&context);
        assert_eq!(names(&context), ["Dockerfile", "empty/", "link", "run.sh"]);
        assert_eq!(packed["run.sh"].0, 0o750);
        assert_eq!(packed["link"].1.as_deref(), Some("../no such place"));
        assert_eq!(context.dockerfile, "Dockerfile");
    }

    #[test]
    fn excluded_files_are_skipped_unless_the_builder_needs_them() {
        let folder = folder(&["sub/Dockerfile", "sub/x", "node/a/b", "node/keep", "src/main.rs"]);
        fs::write(folder.path().join(".dockerignore"), "*\n!node/keep\n!src\n").unwrap();
        let context = BuildContext::of(folder.path(), Some("./sub/Dockerfile")).unwrap();
        assert_eq!(
            names(&context),
            [".dockerignore", "node/keep", "src/", "src/main.rs", "sub/Dockerfile"]
        );
        assert_eq!(context.dockerfile, "sub/Dockerfile");
    }

    #[test]
    fn a_dockerfile_may_have_its_own_ignore_file() {
        let folder = folder(&["one.Dockerfile", "a", "b"]);
        fs::write(folder.path().join(".dockerignore"), "a").unwrap();
        fs::write(folder.path().join("one.Dockerfile.dockerignore"), "b\n.*").unwrap();
        let context = BuildContext::of(folder.path(), Some("one.Dockerfile")).unwrap();
        assert_eq!(names(&context), ["a", "one.Dockerfile", "one.Dockerfile.dockerignore"]);
    }

    #[test]
    fn a_folder_without_its_dockerfile_is_refused() {
        let folder = folder(&["dockerfile"]);
        assert_eq!(BuildContext::of(folder.path(), None).unwrap().dockerfile, "dockerfile");
        let error = |name| BuildContext::of(folder.path(), Some(name)).unwrap_err().to_string();
        assert!(error("Dockerfile").starts_with("there is no Dockerfile in "));
        assert!(error("../x").ends_with("is not inside the context"));
        assert!(error("/etc/passwd").ends_with("is not inside the context"));
    }
}

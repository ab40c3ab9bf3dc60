//! The files that results go to: checked before anything starts.

use std::collections::HashMap;
use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::Builder;

use nix::unistd::{AccessFlags, access};

use crate::error::{Error, Result};

/// Refuses files that cannot be written, or that two results would go to. `files` are what goes
/// there and where.
///
/// # Errors
/// For the first such file.
pub(super) fn check<'a>(files: impl IntoIterator<Item = (&'a str, &'a Path)>) -> Result<()> {
    let mut taken = HashMap::new();
    for (what, file) in files {
        can_be_written(file).map_err(|error| cannot_write(file, error))?;
        // A device or a pipe may take several.
        if file.exists() && !file.is_file() {
            continue;
        }
        if let Some(other) = taken.insert(place(file), what) {
            let error = format!("`{other}` and `{what}` would both go to {}", file.display());
            return Err(Error::usage(error).hint("give each a file of its own"));
        }
    }
    Ok(())
}

/// Writes a result: the whole file or nothing. A file that was there stays as it was if the disk is full.
///
/// # Errors
/// If the file cannot be written.
pub(super) fn save(file: &Path, text: &str) -> Result<()> {
    let there = fs::metadata(file).ok();
    let written = if there.as_ref().is_some_and(|there| !there.is_file()) {
        // A device or a pipe has no half.
        fs::write(file, text)
    } else {
        replace(&place(file), text, there.map(|there| there.permissions()))
    };
    written.map_err(|error| cannot_write(file, error))
}

/// Writes a draft beside the file and gives it the file's name.
fn replace(file: &Path, text: &str, permissions: Option<Permissions>) -> io::Result<()> {
    // Without these, nobody else could read a new one: drafts are private by default.
    let usual = Permissions::from_mode(0o666);
    let written =
        Builder::new().permissions(usual).tempfile_in(folder(file)).and_then(|mut draft| {
            draft.write_all(text.as_bytes())?;
            if let Some(permissions) = permissions {
                draft.as_file().set_permissions(permissions)?;
            }
            draft.persist(file)?;
            Ok(())
        });
    match written {
        // A file may be writable where its folder is not, or be mounted by itself.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::PermissionDenied
                    | io::ErrorKind::ReadOnlyFilesystem
                    | io::ErrorKind::ResourceBusy
            ) =>
        {
            fs::write(file, text)
        }
        written => written,
    }
}

/// Everything that could not be written, as one error. Each is tried: one that fails takes no other
/// with it.
///
/// # Errors
/// If anything could not be.
pub(super) fn all(tried: impl IntoIterator<Item = Result<()>>) -> Result<()> {
    match tried.into_iter().filter_map(Result::err).reduce(Error::and) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

fn can_be_written(file: &Path) -> io::Result<()> {
    match fs::metadata(file) {
        Ok(there) if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(there) if there.is_file() => File::options().write(true).open(file).map(drop),
        // To open a pipe is to wait for its reader.
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(access(folder(file), AccessFlags::W_OK | AccessFlags::X_OK)?)
        }
        Err(error) => Err(error),
    }
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The file's one name, whatever links lead to it.
fn place(file: &Path) -> PathBuf {
    fs::canonicalize(file).unwrap_or_else(|_| {
        let folder = fs::canonicalize(folder(file)).unwrap_or_else(|_| folder(file).to_owned());
        folder.join(file.file_name().unwrap_or_default())
    })
}

fn cannot_write(file: &Path, error: io::Error) -> Error {
    let hint = match error.kind() {
        io::ErrorKind::NotFound if !folder(file).exists() => {
            Some(format!("create the folder {} first", folder(file).display()))
        }
        io::ErrorKind::IsADirectory => Some("name a file in it".to_owned()),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            Some("free some disk space, or name a file on another disk".to_owned())
        }
        _ => None,
    };
    let error = Error::environment(format!("cannot write {}", file.display())).caused_by(error);
    hint.into_iter().fold(error, Error::hint)
}

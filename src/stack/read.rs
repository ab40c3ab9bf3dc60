//! Which files are read, and from where.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::golang;
use super::source_text::SourceText;
use super::sources::Sources;
use crate::{Error, Result};

/// A stack file larger than this is refused.
const MOST_BYTES: u64 = 32 << 20;

/// The names of the files, with commas taken apart.
///
/// # Errors
/// No file, or quotes that do not match.
pub(crate) fn names(sources: &Sources) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for value in &sources.files {
        names.extend(split_list(value)?);
    }
    if names.is_empty() {
        return Err(Error::usage("specify a Compose file (with --compose-file)"));
    }
    Ok(names)
}

/// The folder that relative paths start from: the first file's.
pub(crate) fn folder(names: &[String], cwd: &Path) -> String {
    let cwd = cwd.to_string_lossy();
    match names {
        [only] if only == "-" => cwd.into_owned(),
        [first, ..] => {
            let path = if first.starts_with('/') {
                golang::clean_path(first)
            } else {
                golang::join_path(&cwd, first)
            };
            match path.rsplit_once('/') {
                Some(("", _)) | None => "/".to_owned(),
                Some((folder, _)) => folder.to_owned(),
            }
        }
        [] => cwd.into_owned(),
    }
}

/// Reads every file in order.
///
/// # Errors
/// A file that cannot be read or is no text.
pub(crate) fn texts(sources: &Sources, names: &[String]) -> Result<Vec<SourceText>> {
    let mut stdin = sources.stdin.as_deref();
    names
        .iter()
        .map(|name| {
            if name == "-" {
                // A second `-` finds standard input exhausted.
                return SourceText::decode(name, stdin.take().unwrap_or_default());
            }
            let path = sources.cwd.join(name);
            let bytes = read_limited(&path, name, MOST_BYTES).map_err(Error::stack)?;
            SourceText::decode(name, &bytes)
        })
        .collect()
}

/// Reads a file of at most so many bytes; errors show it under a name.
///
/// # Errors
/// In the client's words.
pub(crate) fn read_limited(path: &Path, shown: &str, most: u64) -> Result<Vec<u8>, String> {
    let plain = |error: &std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => "is a directory".to_owned(),
        _ => error.to_string(),
    };
    let file = File::open(path).map_err(|error| format!("open {shown}: {}", plain(&error)))?;
    let mut bytes = Vec::new();
    file.take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("read {shown}: {}", plain(&error)))?;
    if bytes.len() as u64 > most {
        return Err(format!("read {shown}: the file is larger than {} MiB", most >> 20));
    }
    Ok(bytes)
}

/// One value of a list flag: a line of comma-separated values, which may be quoted.
fn split_list(value: &str) -> Result<Vec<String>> {
    if value.is_empty() {
        return Ok(Vec::new());
    }
    let bad = || {
        Error::usage(format!("invalid argument {value:?} for \"-c, --compose-file\" flag"))
            .hint("quotes around a file name must be doubled inside and close at its end")
    };
    let mut names = Vec::new();
    let mut rest = Some(value);
    while let Some(text) = rest {
        let Some(mut quoted) = text.strip_prefix('"') else {
            let (name, tail) = match text.split_once(',') {
                Some((name, tail)) => (name, Some(tail)),
                None => (text, None),
            };
            if name.contains('"') {
                return Err(bad());
            }
            names.push(name.to_owned());
            rest = tail;
            continue;
        };
        let mut name = String::new();
        loop {
            let (part, tail) = quoted.split_once('"').ok_or_else(bad)?;
            name.push_str(part);
            if let Some(more) = tail.strip_prefix('"') {
                name.push('"');
                quoted = more;
                continue;
            }
            rest = match tail.strip_prefix(',') {
                Some(more) => Some(more),
                None if tail.is_empty() => None,
                None => return Err(bad()),
            };
            break;
        }
        names.push(name);
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        for (value, expected) in [
            ("a.yml", Some(vec!["a.yml"])),
            ("a.yml,b.yml", Some(vec!["a.yml", "b.yml"])),
            ("\"a,b\"\"c\",d", Some(vec!["a,b\"c", "d"])),
            ("a,", Some(vec!["a", ""])),
            ("", Some(vec![])),
            ("a\"b", None),
            ("\"a", None),
            ("\"a\"b", None),
        ] {
            assert_eq!(
                split_list(value).ok(),
                expected.map(|names: Vec<&str>| {
                    names.into_iter().map(str::to_owned).collect::<Vec<_>>()
                }),
                "{value}"
            );
        }
    }

    #[test]
    fn folders() {
        let cwd = Path::new("/w/x");
        let folder = |names: &[&str]| {
            folder(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>(), cwd)
        };
        assert_eq!(folder(&["-"]), "/w/x");
        assert_eq!(folder(&["-", "a"]), "/w/x");
        assert_eq!(folder(&["../s.yml"]), "/w");
        assert_eq!(folder(&["/s.yml"]), "/");
        assert_eq!(folder(&["/a/b/../s.yml", "x/y"]), "/a");
    }
}

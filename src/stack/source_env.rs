//! What stands around the stack files: variables, the folder relative paths start from.

use std::collections::BTreeMap;
use std::path::Path;

use super::env_file;
use super::golang;
use super::read::read_limited;

/// An environment file larger than this is refused.
const MOST_BYTES: u64 = 16 << 20;

/// What stands around the stack files.
#[derive(Debug, Clone)]
pub(crate) struct SourceEnv<'a> {
    /// The caller's variables.
    pub(crate) variables: &'a BTreeMap<String, String>,
    /// Folder of the first file, absolute: relative paths of every file start here.
    pub(crate) folder: String,
    /// The caller's home folder, if known.
    pub(crate) home: Option<String>,
}

impl SourceEnv<'_> {
    /// An absolute path; one that is absolute already stays as it is written.
    pub(crate) fn absolute(&self, path: &str) -> String {
        if path.starts_with('/') { path.to_owned() } else { golang::join_path(&self.folder, path) }
    }

    /// The source of a bind mount: `~` is the home folder; Windows paths stay.
    pub(crate) fn bind_source(&self, source: &str) -> String {
        let path = match (source.strip_prefix('~'), &self.home) {
            (Some(rest), Some(home)) => format!("{home}{rest}"),
            _ => source.to_owned(),
        };
        if is_absolute_on_windows(&path) { path } else { self.absolute(&path) }
    }

    /// The variables of an environment file.
    ///
    /// # Errors
    /// A file that cannot be read or has a line that is no variable.
    pub(crate) fn env_file(&self, path: &str) -> Result<Vec<(String, Option<String>)>, String> {
        let path = self.absolute(path);
        let bytes = read_limited(Path::new(&path), &path, MOST_BYTES)?;
        env_file::parse(&bytes, self.variables)
            .map_err(|reason| format!("invalid env file ({path}): {reason}"))
    }
}

/// A drive (`c:\x`) or a share (`\\server\share\x`), for a client on Windows.
fn is_absolute_on_windows(path: &str) -> bool {
    let slash = |b: u8| b == b'\\' || b == b'/';
    match path.as_bytes() {
        [drive, b':', rest @ ..] if drive.is_ascii_alphabetic() => {
            rest.first().is_some_and(|b| slash(*b))
        }
        [a, b, rest @ ..] if slash(*a) && slash(*b) => {
            let mut parts = rest.splitn(3, |b| slash(*b));
            let server = parts.next().unwrap_or_default();
            let share = parts.next().unwrap_or_default();
            let rooted = parts.next().is_some();
            !server.is_empty()
                && server[0] != b'.'
                && !share.is_empty()
                && share[0] != b'.'
                && rooted
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bind_sources() {
        let variables = BTreeMap::new();
        let env =
            SourceEnv { variables: &variables, folder: "/w".into(), home: Some("/home/u".into()) };
        for (source, expected) in [
            ("./d", "/w/d"),
            ("../d/", "/d"),
            ("/d/", "/d/"),
            ("~/d/", "/home/u/d/"),
            ("~", "/home/u"),
            (r"c:\x", r"c:\x"),
            ("c:x", "/w/c:x"),
            (r"\\server\share\x", r"\\server\share\x"),
            (r"\\.\pipe\x", r"/w/\\.\pipe\x"),
        ] {
            assert_eq!(env.bind_source(source), expected, "{source}");
        }
        let homeless = SourceEnv { home: None, ..env };
        assert_eq!(homeless.bind_source("~/d"), "/w/~/d");
    }
}

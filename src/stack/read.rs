//! Reading from disk: stack files, environment files, and the files of secrets and configs.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::convert::Contents;
use super::diagnostic::SourceText;
use super::golang;
use super::model::{Config, FileObject};
use crate::{Error, Result};

/// Where a stack comes from: everything that reading it depends on.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The files as typed; `-` is standard input. One entry may name several files, separated
    /// by commas, as with docker.
    pub files: Vec<String>,
    /// The caller's variables.
    pub env: BTreeMap<String, String>,
    /// The caller's home folder, used for `~` when the variables have no `HOME`.
    pub home: Option<PathBuf>,
    /// The current folder, absolute.
    pub cwd: PathBuf,
    /// The content of standard input, if it is read.
    pub stdin: Option<Vec<u8>>,
}

/// The largest stack file, in bytes.
const LARGEST_STACK_FILE: u64 = 32 << 20;

/// The largest environment file, secret or config, in bytes.
const LARGEST_OTHER_FILE: u64 = 16 << 20;

/// Reads every file in order.
///
/// # Errors
/// A file cannot be read or is not text.
pub(crate) fn texts(sources: &Sources, names: &[String]) -> Result<Vec<SourceText>> {
    let mut stdin = sources.stdin.as_deref();
    names
        .iter()
        .map(|name| {
            if name == "-" {
                // A second `-` reads nothing more.
                return SourceText::decode(name, stdin.take().unwrap_or_default());
            }
            let path = sources.cwd.join(name);
            let bytes = read_limited(&path, name, LARGEST_STACK_FILE).map_err(Error::stack)?;
            SourceText::decode(name, &bytes)
        })
        .collect()
}

/// Reads a file of at most `most` bytes. Errors name it `shown`.
///
/// # Errors
/// The file cannot be read or is too large. The message is the client's.
fn read_limited(path: &Path, shown: &str, most: u64) -> Result<Vec<u8>, String> {
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

/// The contents of the files of the stack's own secrets and configs.
pub(crate) fn contents(config: &Config) -> Contents {
    let own = |object: &&FileObject| !object.external.external && object.driver.is_empty();
    config
        .secrets
        .values()
        .chain(config.configs.values())
        .filter(own)
        .map(|object| {
            (
                object.file.clone(),
                read_limited(Path::new(&object.file), &object.file, LARGEST_OTHER_FILE),
            )
        })
        .collect()
}

/// The surroundings of the stack files: variables and folders.
#[derive(Debug, Clone)]
pub(crate) struct SourceEnv<'a> {
    /// The caller's variables.
    pub(crate) variables: &'a BTreeMap<String, String>,
    /// Absolute folder of the first file; relative paths in every file start here.
    pub(crate) folder: String,
    /// The caller's home folder, if known.
    pub(crate) home: Option<String>,
}

impl SourceEnv<'_> {
    /// The absolute form of a path; a path that is already absolute stays as it is.
    pub(crate) fn absolute(&self, path: &str) -> String {
        if path.starts_with('/') { path.to_owned() } else { golang::join_path(&self.folder, path) }
    }

    /// The source of a bind mount. `~` is the home folder; Windows paths stay as they are.
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
    /// The file cannot be read, or a line is not a variable.
    pub(crate) fn env_file(&self, path: &str) -> Result<Vec<(String, Option<String>)>, String> {
        let path = self.absolute(path);
        let bytes = read_limited(Path::new(&path), &path, LARGEST_OTHER_FILE)?;
        parse_env_file(&bytes, self.variables)
            .map_err(|reason| format!("invalid env file ({path}): {reason}"))
    }
}

/// Whether it is an absolute path on Windows: a drive (`c:\x`) or a share (`\\server\share\x`).
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

/// The longest line that the client's scanner accepts.
const LONGEST_LINE: usize = 64 * 1024;

/// The variables of an environment file: raw lines, no quotes, no interpolation. A name alone takes
/// the caller's value, or is skipped.
///
/// # Errors
/// The client's reason for refusing the file.
fn parse_env_file(
    bytes: &[u8],
    variables: &BTreeMap<String, String>,
) -> Result<Vec<(String, Option<String>)>, String> {
    let mut pairs = Vec::new();
    let count = bytes.split(|byte| *byte == b'\n').count();
    for (index, raw) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let last = index + 1 == count;
        if raw.len() + usize::from(!last) > LONGEST_LINE || (last && raw.len() == LONGEST_LINE) {
            return Err("bufio.Scanner: token too long".into());
        }
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        let Ok(line) = std::str::from_utf8(raw) else {
            return Err(format!("invalid utf8 bytes at line {}: {raw:?}", index + 1));
        };
        let line = if index == 0 { line.strip_prefix('\u{FEFF}').unwrap_or(line) } else { line };
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = match line.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (line, None),
        };
        if key.is_empty() {
            return Err(format!("no variable name on line '{line}'"));
        }
        if key.contains([' ', '\t']) {
            return Err(format!("variable '{key}' contains whitespaces"));
        }
        if let Some(value) = value.or_else(|| variables.get(line).map(String::as_str)) {
            pairs.push((key.to_owned(), Some(value.to_owned())));
        }
    }
    Ok(pairs)
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

    #[test]
    fn lines_of_environment_files() {
        let variables = BTreeMap::from([("SET".to_owned(), "v".to_owned())]);
        let text = "\u{FEFF}A=1\r\n  B = 2\n";
        assert!(parse_env_file(text.as_bytes(), &variables).is_err());
        let text = "\u{FEFF}A=1\r\n\n # no\n  B=\"x\" $Y \nSET\nUNSET\nC=a=b\nD=";
        let pairs = parse_env_file(text.as_bytes(), &variables).unwrap();
        let shown: Vec<String> = pairs
            .into_iter()
            .map(|(key, value)| format!("{key}={}", value.unwrap_or_default()))
            .collect();
        assert_eq!(shown, ["A=1", "B=\"x\" $Y ", "SET=v", "C=a=b", "D="]);
    }

    #[test]
    fn refused_environment_files() {
        let none = BTreeMap::new();
        for (text, expected) in [
            (&b"=1"[..], "no variable name on line '=1'"),
            (b"export E=1", "variable 'export E' contains whitespaces"),
            (b"A=\xFF", "invalid utf8 bytes at line 1: [65, 61, 255]"),
        ] {
            assert_eq!(parse_env_file(text, &none), Err(expected.to_owned()));
        }
        let long = format!("A={}", "x".repeat(70_000));
        assert!(parse_env_file(long.as_bytes(), &none).is_err());
    }
}

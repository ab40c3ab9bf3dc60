//! Reading a stack: the files the user names, and the client's order of work.

use std::path::Path;

use super::decode::Decoder;
use super::diagnostic::{Lines, SourceText};
use super::fault::Faults;
use super::interpolate::{Interpolation, Unset};
use super::model::Config;
use super::node::Node;
use super::read::{self, SourceEnv, Sources};
use super::schema::{self, Version};
use super::stack_file::Stack;
use super::warning::Warnings;
use super::{forbidden, golang, merge, yaml};
use crate::{Error, Result};

/// Reads a stack from its files: YAML, variables, schema, decoding, environment files, merging. The
/// files of secrets and configs are read too, but if one cannot be read, only
/// [`Stack::requests`] fails.
///
/// # Errors
/// A file that cannot be read, and everything that makes `docker stack config` refuse it. Errors
/// of kind [`ErrorKind::Stack`](crate::ErrorKind::Stack) name the place in the file.
pub fn load(sources: &Sources) -> Result<Stack> {
    let (names, texts) = read(sources)?;
    parse_texts(sources, &names, texts)
}

/// The names of the files, and their texts.
pub(super) fn read(sources: &Sources) -> Result<(Vec<String>, Vec<SourceText>)> {
    let names = names(sources)?;
    let texts = read::texts(sources, &names)?;
    Ok((names, texts))
}

/// Reads a stack from these texts of the files.
pub(super) fn parse_texts(
    sources: &Sources,
    names: &[String],
    texts: Vec<SourceText>,
) -> Result<Stack> {
    let home = sources.env.get("HOME").cloned();
    let env = SourceEnv {
        variables: &sources.env,
        folder: folder(names, &sources.cwd),
        home: home.or_else(|| sources.home.as_ref().map(|home| home.to_string_lossy().into())),
    };
    let mut warnings = Warnings::default();
    let config = parse(&texts, &env, &mut warnings).map_err(|faults| faults.into_error(&texts))?;
    let contents = read::contents(&config);
    Ok(Stack { config, contents, warnings: warnings.finish(&texts), texts })
}

fn parse(
    texts: &[SourceText],
    env: &SourceEnv<'_>,
    warnings: &mut Warnings,
) -> Result<Config, Faults> {
    let mut faults = Faults::default();
    let mut tops = Vec::new();
    for (file, source) in (0..).zip(texts) {
        tops.extend(faults.take(yaml::read(&source.text, file, warnings)));
    }
    let lines = Lines::of(texts);
    let mut base: Option<(Version, Config)> = None;
    let mut later_warnings = Warnings::default();
    let mut unset = Unset::default();
    forbidden::warn(&tops, warnings);
    for top in &mut tops {
        let version = Version::of(top);
        if let Some((first, _)) = &base {
            faults.take(version.same_as(first));
        }
        let mut interpolation = Interpolation {
            env: env.variables,
            lines: &lines,
            warnings: &mut later_warnings,
            unset: &mut unset,
        };
        let config = faults.take(one(top, &version, env, &mut interpolation)).unwrap_or_default();
        match &mut base {
            None => base = Some((version, config)),
            Some((_, base)) => merge::merge(base, config, &mut later_warnings),
        }
    }
    unset.warn(warnings);
    warnings.append(later_warnings);
    faults.or(base.map(|(_, config)| config).unwrap_or_default())
}

/// Reads one file. What depends on a fault is not looked at, so each mistake is named once.
fn one(
    top: &mut Node,
    version: &Version,
    env: &SourceEnv<'_>,
    interpolation: &mut Interpolation<'_>,
) -> Result<Config, Faults> {
    let mut faults = Faults::default();
    let mut broken = forbidden::refuse(top, &mut faults);
    broken.extend(interpolation.file(top, &mut faults));
    let warnings = &mut *interpolation.warnings;
    let Some(minor) = faults.take(version.minor()) else { return Err(faults) };
    schema::check(top, minor, broken, &mut faults, warnings);
    faults.or(())?;
    Decoder { env, warnings, minor, ports: 0 }.config(top, version.to_string())
}

/// The names of the files, split at commas.
///
/// # Errors
/// No file, or unmatched quotes.
fn names(sources: &Sources) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for value in &sources.files {
        names.extend(split_list(value)?);
    }
    if names.is_empty() {
        return Err(Error::usage("specify a Compose file (with --compose-file)"));
    }
    Ok(names)
}

/// The folder that relative paths start from: the folder of the first file.
fn folder(names: &[String], cwd: &Path) -> String {
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

/// Splits one value of a list flag: comma-separated values, which may be quoted.
fn split_list(value: &str) -> Result<Vec<String>> {
    if value.is_empty() {
        return Ok(Vec::new());
    }
    let bad = || {
        Error::usage(format!("invalid argument {value:?} for \"-c, --compose-file\" flag"))
            .hint("a quoted file name must end with a quote, and quotes inside it must be doubled")
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

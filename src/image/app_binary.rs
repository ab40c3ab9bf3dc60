//! Finding the application's binary.

use std::path::{Path, PathBuf};

use super::elf_headers::ElfHeaders;
use crate::{Error, Result};

/// The binary's name.
const NAME: &str = "rollproof-app";
/// The cargo profile it is built with.
const PROFILE: &str = "app";

/// Finds the application's static binary: `given` by the user, beside the running program, or
/// in a `target` folder at or above the current folder or the running program.
///
/// # Errors
/// When there is none, or none that is static, with the reason for each that was looked at.
pub fn find_app_binary(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = given {
        return check(path).map(|()| path.to_owned());
    }
    let program = std::env::current_exe().ok();
    let beside = program.iter().map(|program| program.with_file_name(NAME));
    let folder = std::env::current_dir().ok();
    let starts = folder.iter().map(PathBuf::as_path).chain(program.as_deref());
    let built = starts.flat_map(Path::ancestors).flat_map(|folder| {
        ["gnu", "musl"].map(|libc| {
            let triple = format!("{}-unknown-linux-{libc}", std::env::consts::ARCH);
            folder.join("target").join(triple).join(PROFILE).join(NAME)
        })
    });
    first_good(beside.chain(built))
}

fn first_good(candidates: impl Iterator<Item = PathBuf>) -> Result<PathBuf> {
    let mut refused = Vec::new();
    for path in candidates.filter(|path| path.is_file()) {
        match check(&path) {
            Ok(()) => return Ok(path),
            Err(error) if refused.iter().all(|known| *known != error.to_string()) => {
                refused.push(error.to_string());
            }
            Err(_) => {}
        }
    }
    let error = Error::environment(format!("cannot find a static {NAME}"));
    let error = refused.into_iter().fold(error, Error::hint);
    Err(error.hint("run `make build`, or give its path"))
}

/// A binary that asks for libraries would be an image that does not start.
fn check(path: &Path) -> Result<()> {
    let content = std::fs::read(path).map_err(|cause| {
        Error::environment(format!("cannot read {}", path.display())).caused_by(cause)
    })?;
    let headers = ElfHeaders::parse(path, &content)?;
    if headers.is_static() {
        return Ok(());
    }
    let needs = headers.interpreter.iter().chain(&headers.needed);
    let needs = needs.map(String::as_str).collect::<Vec<_>>().join(", ");
    Err(Error::environment(format!("{} is not static: it needs {needs}", path.display()))
        .hint("run `make build`, which builds it with `-C target-feature=+crt-static`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dynamic_binary_is_refused_with_what_it_needs() {
        let me = std::env::current_exe().unwrap();
        let error = find_app_binary(Some(&me)).unwrap_err();
        assert!(error.message().contains("is not static: it needs /"), "{error}");
        assert!(error.message().contains("libc."), "{error}");
        assert!(error.hints()[0].contains("make build"));
    }

    #[test]
    fn of_several_the_first_good_one_is_taken_and_without_one_each_is_explained() {
        let me = std::env::current_exe().unwrap();
        let nowhere = me.with_file_name("rollproof-no-such");
        let error = first_good([nowhere, me.clone(), me.clone()].into_iter()).unwrap_err();
        assert_eq!(error.to_string(), "cannot find a static rollproof-app");
        assert_eq!(error.hints().len(), 2, "{:?}", error.hints());
    }
}

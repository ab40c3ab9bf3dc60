//! From stack files to the requests that will be sent.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use super::console::Console;
use super::examples;
use crate::deploy::{EndpointMode, Kernel, fit_to_kernel};
use crate::error::{Error, Result};
use crate::stack::{self, Requests, Sources, Stack};

/// A stack that is ready to be deployed.
pub(super) struct Prepared {
    pub(super) stack: String,
    /// The files as given, absolute unless standard input.
    pub(super) files: Vec<String>,
    pub(super) requests: Requests,
    /// What a reader of the verdict has to know.
    pub(super) caveats: Vec<String>,
}

/// Reads the files, or chooses the example, and makes the requests fit the kernel.
pub(super) fn prepare(
    console: &Console,
    files: &[String],
    name: &str,
    kernel: Kernel,
    mode: Option<EndpointMode>,
) -> Result<Prepared> {
    let mut caveats = Vec::new();
    let choice = examples::choose(&console.state, files, kernel)?;
    if let Some(reason) = choice.reason {
        console.tell(&reason);
        if choice.replaces_a_file {
            caveats.push(reason);
        }
    }
    let stack = read(&choice.files)?;
    for warning in stack.warnings() {
        console.tell(&render_warning(warning));
    }
    let mut requests = stack.requests(name)?;
    let changes = fit_to_kernel(&mut requests, kernel, mode)?;
    for change in changes {
        console.tell(&change);
        caveats.push(change);
    }
    Ok(Prepared { stack: name.to_owned(), files: choice.files, requests, caveats })
}

/// Reads stack files the way `docker stack deploy` does, from this process's surroundings.
pub(super) fn read(files: &[String]) -> Result<Stack> {
    let env: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let cwd = std::env::current_dir()
        .map_err(|error| Error::environment("cannot find the current folder").caused_by(error))?;
    let mut stdin = None;
    if files.iter().any(|file| file == "-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(|error| {
            Error::environment("cannot read the stack file from standard input").caused_by(error)
        })?;
        stdin = Some(bytes);
    }
    let home = std::env::home_dir();
    stack::load(&Sources { files: files.to_vec(), env, home, cwd, stdin }).map_err(|error| {
        if error.hints().is_empty() {
            error.hint("`docker stack config -c FILE` refuses it too; this is the same rule, with its place")
        } else {
            error
        }
    })
}

/// A warning with its place, in one line.
pub(super) fn render_warning(warning: &stack::Warning) -> String {
    match &warning.place {
        Some(place) => format!("warning: {} ({place})", warning.message),
        None => format!("warning: {}", warning.message),
    }
}

/// The files as absolute paths, so that a later command in another folder finds them.
pub(super) fn absolute(files: &[String]) -> Result<Vec<String>> {
    files
        .iter()
        .flat_map(|file| file.split(','))
        .map(|file| {
            if file == "-" {
                return Ok(file.to_owned());
            }
            let path = std::path::absolute(Path::new(file)).map_err(|error| {
                Error::environment("cannot find the current folder").caused_by(error)
            })?;
            path.into_os_string()
                .into_string()
                .map_err(|_| Error::usage(format!("the path {file} is not UTF-8")))
        })
        .collect()
}

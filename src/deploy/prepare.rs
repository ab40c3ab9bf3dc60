//! From stack files to the requests that will be sent.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read as _;
use std::path::Path;

use super::{EndpointMode, Kernel, example, fit_to_kernel};
use crate::error::{Error, Result};
use crate::stack::{self, Requests, Sources, Stack, Warning};

/// A stack that is ready to be deployed.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The files as given, absolute unless standard input.
    pub files: Vec<String>,
    /// What will be sent.
    pub requests: Requests,
    /// What a reader of the verdict must know.
    pub caveats: Vec<String>,
    /// The stack as it was read.
    source: Stack,
}

impl Prepared {
    /// Reads the files, or the example if there are none, and makes the requests fit the kernel.
    /// The example is unpacked below `folder`. `tell` gets each choice and warning.
    ///
    /// # Errors
    /// A stack that docker refuses too, or that the kernel cannot run.
    pub fn read(
        folder: &Path,
        files: &[String],
        name: &str,
        kernel: Kernel,
        mode: Option<EndpointMode>,
        tell: &dyn Fn(&str),
    ) -> Result<Self> {
        let mut caveats = Vec::new();
        let choice = example::choose(folder, files, kernel)?;
        if let Some(reason) = choice.reason {
            tell(&reason);
            if choice.replaces_a_file {
                caveats.push(reason);
            }
        }
        let stack = read_stack(&choice.files)?;
        for warning in stack.warnings() {
            tell(&warning.to_string());
        }
        let mut requests = stack.requests(name)?;
        let changes = fit_to_kernel(&mut requests.services, kernel, mode).map_err(|error| {
            let services = requests.services.iter();
            let named = services
                .map(crate::stack::ServiceBody::name)
                .find(|name| error.message().contains(*name));
            let key = named.and_then(|service| service.strip_prefix(name)?.strip_prefix('_'));
            match key.and_then(|key| stack.service_place(key)) {
                Some(place) => error.at(place),
                None => error,
            }
        })?;
        for change in changes {
            tell(&change);
            caveats.push(change);
        }
        Ok(Self { files: choice.files, requests, caveats, source: stack })
    }

    /// Where the files set what for a service: the name with the stack's prefix.
    #[must_use]
    pub fn places(&self, stack: &str, service: &str) -> BTreeMap<String, String> {
        places(&self.source, stack, service)
    }
}

/// Where stack files set what for a service that was deployed from them: nowhere if they cannot
/// be read any more.
#[must_use]
pub fn places_in(files: &[String], stack: &str, service: &str) -> BTreeMap<String, String> {
    let known = !files.is_empty() && files.iter().all(|file| file != "-");
    let source = if known { read_stack(files).ok() } else { None };
    source.map(|source| places(&source, stack, service)).unwrap_or_default()
}

fn places(_source: &Stack, _stack: &str, _service: &str) -> BTreeMap<String, String> {
    BTreeMap::new()
}

/// Reads the example, or the files if there are any, without an engine.
///
/// # Errors
/// A stack that docker refuses too.
pub fn read_or_example(folder: &Path, files: &[String]) -> Result<Stack> {
    if files.is_empty() {
        return read_stack(&example::choose(folder, &[], Kernel { ipvs: true })?.files);
    }
    read_stack(files)
}

/// Reads stack files as `docker stack deploy` does, with this process's environment.
///
/// # Errors
/// A file that cannot be read, or that docker refuses too.
pub fn read_stack(files: &[String]) -> Result<Stack> {
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

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some(place) => write!(f, "warning: {} ({place})", self.message),
            None => write!(f, "warning: {}", self.message),
        }
    }
}

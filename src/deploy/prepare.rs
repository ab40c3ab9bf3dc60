//! From stack files to the requests that deploy them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;

use super::refused::refuse_impossible;
use super::{EndpointMode, Kernel, example, fit_to_kernel};
use crate::error::{Error, Result};
use crate::stack::{self, Requests, ServiceBody, Sources, Stack};

/// The user's stack files, read before any engine is asked; none stand for the example.
#[derive(Debug, Clone)]
pub struct StackFiles {
    files: Vec<String>,
    stack: Option<Stack>,
}

impl StackFiles {
    /// Reads the files.
    ///
    /// # Errors
    /// A file that cannot be read, or that docker would refuse too.
    pub fn read(files: &[String]) -> Result<Self> {
        let stack = if files.is_empty() { None } else { Some(read_stack(files)?) };
        Ok(Self { files: files.to_vec(), stack })
    }

    /// The stack that was read; absent for the example.
    #[must_use]
    pub fn stack(&self) -> Option<&Stack> {
        self.stack.as_ref()
    }

    /// The requests that deploy the stack under this name; absent for the example.
    ///
    /// # Errors
    /// A stack that docker would refuse too, or an engine.
    pub fn requests(&self, name: &str) -> Result<Option<Requests>> {
        let Some(stack) = &self.stack else { return Ok(None) };
        let requests = stack.requests(name)?;
        refuse_impossible(&requests, false)?;
        Ok(Some(requests))
    }
}

/// A stack that is ready to deploy.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The files as absolute paths; `-` for standard input.
    pub files: Vec<String>,
    /// The requests to send.
    pub requests: Requests,
    /// What the reader of the verdict needs to know.
    pub caveats: Vec<String>,
    /// The services whose ports this run opens on their tasks' nodes instead of in the mesh.
    pub moved_ports: BTreeSet<String>,
    /// The stack as read from the files.
    source: Stack,
}

impl Prepared {
    /// Takes the files, or the example if there are none, and adapts the requests to the kernel.
    /// The example is unpacked to `folder`. `tell` receives each choice and warning.
    ///
    /// # Errors
    /// A stack that docker would refuse too, or that the kernel cannot run.
    pub fn new(
        folder: &Path,
        files: StackFiles,
        name: &str,
        kernel: Kernel,
        mode: Option<EndpointMode>,
        tell: &dyn Fn(&str),
    ) -> Result<Self> {
        let mut caveats = Vec::new();
        let choice = example::choose(folder, &files.files, kernel)?;
        if let Some(reason) = choice.reason {
            tell(&reason);
            if choice.replaces_a_file {
                caveats.push(reason);
            }
        }
        let stack = match files.stack {
            Some(stack) if !choice.replaces_a_file => stack,
            _ => read_stack(&choice.files)?,
        };
        for warning in stack.warnings() {
            tell(&warning.to_string());
        }
        let mut requests = stack.requests(name)?;
        let fitted = fit_to_kernel(&mut requests, kernel, mode)?;
        refuse_impossible(&requests, true)?;
        for change in fitted.changes {
            tell(&change);
            caveats.push(change);
        }
        let moved_ports = fitted.moved_ports;
        Ok(Self { files: choice.files, requests, caveats, moved_ports, source: stack })
    }

    /// Where the files set each setting of a service, given by its name with the stack's prefix.
    #[must_use]
    pub fn places(&self, stack: &str, service: &str) -> BTreeMap<String, String> {
        places(&self.source, stack, service)
    }
}

/// Where stack files set each setting of a running service that was deployed from them. Empty if
/// they can no longer be read, or no longer say what the service has.
#[must_use]
pub fn places_in(files: &[String], stack: &str, running: &ServiceBody) -> BTreeMap<String, String> {
    let known = !files.is_empty() && files.iter().all(|file| file != "-");
    let Some(source) = known.then(|| read_stack(files).ok()).flatten() else {
        return BTreeMap::new();
    };
    let settings = |body: &ServiceBody| {
        (body.update_policy(), body.rollback_policy(), body.healthcheck().cloned())
    };
    let requests = source.requests(stack).unwrap_or_default();
    let written = requests.services.iter().find(|body| body.name() == running.name());
    if written.is_some_and(|written| settings(written) == settings(running)) {
        places(&source, stack, running.name())
    } else {
        BTreeMap::new()
    }
}

fn places(source: &Stack, stack: &str, service: &str) -> BTreeMap<String, String> {
    let key = service.strip_prefix(stack).and_then(|rest| rest.strip_prefix('_'));
    let places = source.setting_places(key.unwrap_or(service));
    places
        .into_iter()
        .map(|(setting, place)| {
            let file = place.file.file_name().unwrap_or(place.file.as_os_str());
            (setting, format!("{}:{}", file.to_string_lossy(), place.line))
        })
        .collect()
}

/// Reads the files, or the example if there are none. Needs no engine.
///
/// # Errors
/// A stack that docker would refuse too.
pub fn read_or_example(folder: &Path, files: &[String]) -> Result<Stack> {
    if files.is_empty() {
        return read_stack(&example::choose(folder, &[], Kernel { ipvs: true })?.files);
    }
    read_stack(files)
}

/// Reads stack files like `docker stack deploy`, with this process's environment.
///
/// # Errors
/// A file that cannot be read, or that docker would refuse too.
pub fn read_stack(files: &[String]) -> Result<Stack> {
    stack::load(&sources(files)?).map_err(|error| {
        if error.hints().is_empty() {
            error.hint("docker refuses this file too: try `docker stack config -c FILE`")
        } else {
            error
        }
    })
}

/// What reading stack files depends on: this process's environment, and standard input if it is
/// one of them.
///
/// # Errors
/// No current folder, or standard input cannot be read.
pub fn sources(files: &[String]) -> Result<Sources> {
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
    Ok(Sources { files: files.to_vec(), env, home, cwd, stdin })
}

/// The files as absolute paths, so that later commands in other folders find them.
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

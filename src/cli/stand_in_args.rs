//! Stand-ins for what an engine lacks, and the values of secrets.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::OnceLock;

use clap::Args;

use crate::deploy::StandIns;
use crate::error::{Error, Result};
use crate::site::{EngineKind, Site};
use crate::stack::Requests;
use crate::whole_file;
use crate::wording::{list, nearest};

/// The largest secret that Swarm takes, in bytes (swarmkit `api/validation/secrets.go`).
const LARGEST_SECRET: usize = 500 * 1024;
/// How much is read of a file to find that it is too large.
const READ_AT_MOST: u64 = 1 << 20;

/// Stand-ins for what an engine lacks.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct StandInArgs {
    /// On a private engine, make stand-ins for external networks, secrets and configs that it lacks;
    /// they are removed with the stack
    #[arg(long, hide_short_help = true)]
    stand_ins: bool,

    /// Value of a secret that has a stand-in [default: a random one]
    #[arg(long = "secret", value_name = "NAME=FILE", value_parser = secret_file, requires = "stand_ins", hide_short_help = true)]
    secrets: Vec<SecretFile>,

    /// On a private engine, put a small server in the place of each image that it lacks: that tests
    /// the stack's settings, and nothing of these programs; the report says so
    #[arg(long = "stand-in-images", hide_short_help = true)]
    pub(super) images: bool,
}

/// A secret, and the file with its value. The file is read once: it may be a pipe.
#[derive(Clone)]
struct SecretFile {
    name: String,
    file: String,
    value: OnceLock<Vec<u8>>,
}

impl fmt::Debug for SecretFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.file)
    }
}

fn secret_file(text: &str) -> Result<SecretFile, String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => {
            let (name, file) = (name.to_owned(), file.to_owned());
            Ok(SecretFile { name, file, value: OnceLock::new() })
        }
        _ => Err("write NAME=FILE".to_owned()),
    }
}

impl SecretFile {
    fn value(&self) -> Result<&[u8]> {
        if let Some(value) = self.value.get() {
            return Ok(value);
        }
        let Self { name, file, .. } = self;
        let wrong = || Error::usage(format!("cannot use {file} as the value of secret {name}"));
        let value = whole_file::read(Path::new(file), READ_AT_MOST)
            .map_err(|error| wrong().caused_by(error))?;
        if value.is_empty() || value.len() >= LARGEST_SECRET {
            return Err(wrong().caused_by("Swarm takes secrets of 1 byte to less than 500 KiB"));
        }
        Ok(self.value.get_or_init(|| value))
    }
}

impl StandInArgs {
    /// Whether stand-ins for networks, secrets and configs are wanted.
    pub(super) fn wants_objects(&self) -> bool {
        self.stand_ins
    }

    /// Reads the files of secrets, before anything is started. `versions` are those of the stack.
    ///
    /// # Errors
    /// A usage error for a file that cannot be a secret, and for a secret that gets no stand-in.
    pub(super) fn check(&self, versions: &[&Requests]) -> Result<()> {
        let mut own = Vec::new();
        let mut external = Vec::new();
        for requests in versions {
            let defined = requests.secrets.iter().filter_map(|body| body["Name"].as_str());
            own.extend(defined.map(str::to_owned));
            external.extend(requests.referenced().0);
        }
        external.retain(|name| !own.contains(name));
        external.sort();
        external.dedup();
        for (index, SecretFile { name, .. }) in self.secrets.iter().enumerate() {
            if self.secrets[..index].iter().any(|other| other.name == *name) {
                return Err(Error::usage(format!("two values for the secret {name}")));
            }
            if own.contains(name) {
                return Err(Error::usage(format!(
                    "--secret {name}: the stack file gives this secret its value"
                ))
                .hint("--secret is for external secrets"));
            }
            if !external.contains(name) {
                let error = Error::usage(format!(
                    "--secret {name}: no service of the stack uses an external secret of this name"
                ));
                return Err(match nearest(name, external.iter().map(String::as_str)) {
                    Some(near) => error.hint(format!("did you mean `{near}`?")),
                    None if external.is_empty() => error.hint("it uses no external secret"),
                    None => error.hint(format!("it uses {}", list(&external))),
                });
            }
        }
        self.secrets.iter().try_for_each(|secret| secret.value().map(drop))
    }

    /// What the stand-ins are made of; absent if none are wanted.
    ///
    /// # Errors
    /// A usage error on an engine that is not private, or for a file that cannot be read.
    pub(super) fn stand_ins(&self, site: &Site) -> Result<Option<StandIns>> {
        if !self.stand_ins {
            return Ok(None);
        }
        if site.kind == EngineKind::Host {
            return Err(Error::usage("--stand-ins is for a private engine")
                .hint("--engine lab uses one; on this engine, create what is missing"));
        }
        let value = |secret: &SecretFile| Ok((secret.name.clone(), secret.value()?.to_vec()));
        let secrets: BTreeMap<String, Vec<u8>> =
            self.secrets.iter().map(value).collect::<Result<_>>()?;
        Ok(Some(StandIns { secrets }))
    }
}

//! What rollproof created on engines and has not removed yet.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{EngineKind, StateFolder};
use crate::error::{Error, Result};
use crate::wording::short_id;

/// What an image's id begins with.
const ID: &str = "sha256:";

/// What rollproof created on engines and has not removed yet. Each entry is written before the
/// thing is created, so that a killed run can be cleaned up.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// Stacks.
    #[serde(default, rename = "deployments")]
    pub stacks: Vec<NotedStack>,
    /// Images on the user's engines.
    #[serde(default)]
    pub images: Vec<LoadedImage>,
    /// Engines that rollproof made managers of a new swarm.
    #[serde(default)]
    pub swarms: Vec<String>,
    #[serde(skip)]
    path: PathBuf,
}

/// A stack that was deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotedStack {
    /// The engine's address.
    pub engine: String,
    /// Which kind of engine.
    pub kind: EngineKind,
    /// The stack's name.
    pub stack: String,
    /// The run that deployed it.
    pub run: String,
    /// The absolute paths of the stack files.
    pub files: Vec<String>,
    /// Whether the stack was adapted to endpoint mode dnsrr.
    pub dnsrr: bool,
    /// Whether it is there for one run, which removes it.
    #[serde(default)]
    pub for_run: bool,
}

/// An image that was loaded into a user's engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadedImage {
    /// The address of the engine.
    pub engine: String,
    /// The image's name and tag; the id of one that a newer image of its name replaced.
    pub reference: String,
    /// Its content, as the label `rollproof.content` has it: an image of this name with another
    /// content is not ours.
    #[serde(default)]
    pub content: String,
    /// Whether it is there for one run, which removes it.
    #[serde(default)]
    pub for_run: bool,
}

impl LoadedImage {
    /// Whether a newer image has taken its name.
    #[must_use]
    pub fn is_replaced(&self) -> bool {
        self.reference.starts_with(ID)
    }

    /// Its name, or the short form of its id.
    #[must_use]
    pub fn name(&self) -> &str {
        self.reference.strip_prefix(ID).map_or(&self.reference, short_id)
    }
}

impl Ledger {
    /// Reads the ledger. A missing one is empty.
    ///
    /// # Errors
    /// When it exists but cannot be read.
    pub fn read(state: &StateFolder) -> Result<Self> {
        let path = state.path().join("ledger.json");
        let failed = || {
            Error::environment(format!("cannot read {}", path.display())).hint(
                "it lists what `rollproof down` removes; delete the file only if nothing is left",
            )
        };
        match fs::read_to_string(&path) {
            Ok(text) => {
                let ledger: Self =
                    serde_json::from_str(&text).map_err(|error| failed().caused_by(error))?;
                Ok(Self { path, ..ledger })
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok(Self { path, ..Self::default() })
            }
            Err(error) => Err(failed().caused_by(error)),
        }
    }

    /// Writes the ledger atomically.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self) -> Result<()> {
        let failed = |error: std::io::Error| {
            Error::environment(format!("cannot write {}", self.path.display())).caused_by(error)
        };
        let text = serde_json::to_vec_pretty(self).map_err(|error| failed(error.into()))?;
        let part = self.path.with_extension("part");
        let mut file = fs::OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&part)
            .map_err(failed)?;
        file.write_all(&text).and_then(|()| file.sync_all()).map_err(failed)?;
        fs::rename(&part, &self.path).map_err(failed)
    }

    /// Adds the entry of a stack, replacing an older one.
    pub fn note(&mut self, deployment: NotedStack) {
        self.forget(&deployment.engine, &deployment.stack);
        self.stacks.push(deployment);
    }

    /// Adds an image. One that was to stay still does.
    pub fn note_image(&mut self, mut image: LoadedImage) {
        let (engine, reference) = (image.engine.clone(), image.reference.clone());
        let same = |known: &LoadedImage| known.engine == engine && known.reference == reference;
        image.for_run &= self.images.iter().filter(|known| same(known)).all(|known| known.for_run);
        self.images.retain(|known| !same(known));
        self.images.push(image);
    }

    /// Keeps the entry of an image whose name a newer one takes, under its id on the engine.
    pub fn note_replaced(&mut self, engine: &str, reference: &str, id: &str) {
        let same = |known: &&LoadedImage| known.engine == engine && known.reference == reference;
        let replaced = self.images.iter().find(same).cloned();
        if let Some(replaced) = replaced {
            self.note_image(LoadedImage { reference: id.to_owned(), ..replaced });
        }
    }

    /// Removes the entry of a stack.
    pub fn forget(&mut self, engine: &str, stack: &str) {
        self.stacks.retain(|known| known.engine != engine || known.stack != stack);
    }

    /// Removes the entries of a private or simulated engine that no longer exists; whether there were
    /// any.
    pub fn forget_all_on(&mut self, kind: EngineKind) -> bool {
        let before = self.stacks.len();
        self.stacks.retain(|known| known.kind != kind);
        self.stacks.len() < before
    }
}

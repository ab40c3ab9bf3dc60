//! What is remembered of a lab that is up.

use std::io::{ErrorKind, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ipv4_net::Ipv4Net;
use super::lab_names::LabNames;
use crate::error::{Error, Result};

/// What is remembered of a lab that is up. It is written last: a lab without it is half made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LabRecord {
    /// The state folder that the lab belongs to.
    pub state: PathBuf,
    /// When the lab was up.
    pub since: Timestamp,
    /// The lab's network.
    pub subnet: Ipv4Net,
    /// Node names and addresses.
    pub nodes: Vec<(String, Ipv4Addr)>,
    /// Whether it is there for one run. If that is killed, the next one takes it over.
    #[serde(default)]
    pub for_one_run: bool,
}

impl LabRecord {
    /// Reads the record; none if there is none, or one that cannot be read (any more).
    pub(super) fn read(names: &LabNames) -> Result<Option<Self>> {
        Self::read_file(&names.record())
    }

    /// The same for a record anywhere.
    pub(super) fn read_file(path: &Path) -> Result<Option<Self>> {
        match std::fs::read(path) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => {
                Err(Error::environment(format!("cannot read {}", path.display())).caused_by(error))
            }
        }
    }

    /// Writes the record, whole or not at all.
    pub(super) fn write(&self, names: &LabNames) -> Result<()> {
        let path = names.record();
        let write = || -> std::io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(names.runtime())?;
            serde_json::to_writer(&mut file, self)?;
            file.flush()?;
            file.persist(&path)?;
            Ok(())
        };
        write().map_err(|error| {
            Error::environment(format!("cannot write {}", path.display())).caused_by(error)
        })
    }
}

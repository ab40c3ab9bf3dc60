//! Labs that this machine shows traces of.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::lab_names::{LabNames, RUNTIME};
use super::lab_record::LabRecord;
use super::leftovers::Leftovers;
use crate::error::Result;

/// A lab that this machine shows traces of, running or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabTrace {
    /// The lab's id.
    pub id: String,
    /// The state folder that it belongs to, if that is known.
    pub state: Option<PathBuf>,
    /// Whether it is the lab of the state folder that was asked about.
    pub mine: bool,
    /// How many processes, mounts, links, cgroups and folders there are.
    pub things: usize,
}

impl LabTrace {
    /// Whether its state folder was removed, so that nobody is going to remove the lab.
    #[must_use]
    pub fn folder_is_gone(&self) -> bool {
        self.state.as_ref().is_some_and(|state| !state.exists())
    }
}

/// The lab of a state folder, if there is any trace of it, and every other lab that has
/// runtime files.
///
/// # Errors
/// When the state folder cannot be found.
pub fn lab_traces(state: &Path) -> Result<Vec<LabTrace>> {
    let mine = LabNames::of(state)?;
    let things = |names: &LabNames| Leftovers::look(names, &BTreeSet::new()).describe().len();
    let own = LabTrace {
        id: mine.id().to_owned(),
        state: Some(mine.state().to_owned()),
        mine: true,
        things: things(&mine),
    };
    let runtimes = fs::read_dir(RUNTIME).into_iter().flatten().flatten();
    let others = runtimes.filter(|entry| entry.path().is_dir()).filter_map(|entry| {
        let id = entry.file_name().into_string().ok().filter(|id| id != mine.id())?;
        let record = LabRecord::read_file(&entry.path().join("lab.json")).ok().flatten();
        let names = record.and_then(|record| LabNames::of(&record.state).ok());
        let names = names.filter(|names| names.id() == id);
        Some(LabTrace {
            id,
            things: names.as_ref().map_or(1, &things),
            state: names.map(|names| names.state().to_owned()),
            mine: false,
        })
    });
    Ok(std::iter::once(own).filter(|own| own.things > 0).chain(others).collect())
}

//! Where a stack comes from.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where a stack comes from: everything reading it depends on.
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
    /// What standard input holds, if it is read.
    pub stdin: Option<Vec<u8>>,
}

//! The mark of a record that is whole.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How many lines a record has: `closed.json`, written last. A run that was killed has none,
/// and a file that lost lines afterwards does not match.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Closed {
    /// Lines of `events.jsonl`.
    pub events: u64,
    /// Lines of each `shots-<stream>.jsonl`.
    pub shots: BTreeMap<String, u64>,
}

//! A whole run, read back.

use super::{Event, Meta, Shot, StreamFacts};

/// A whole run as its record tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// What was known before.
    pub meta: Meta,
    /// What happened, in the order in which it was seen.
    pub events: Vec<Event>,
    /// The requests of each stream, in the order in which they ended.
    pub shots: Vec<(StreamFacts, Vec<Shot>)>,
    /// Why the record is not whole: the run was killed, or the disk was full.
    pub incomplete: Option<String>,
}

//! The end of a run: its record is closed, and nothing asks or watches any more.

use std::path::PathBuf;

use super::begin::Run;
use super::subject::Arrival;
use crate::error::Result;

/// A run that is over and has a record.
#[derive(Debug)]
pub struct Finished {
    /// The record's folder.
    pub folder: PathBuf,
    /// What ended the run early, if anything did. What the record says is judged all the same.
    pub outcome: Result<()>,
}

impl Run<'_> {
    /// Stops asking and watching, closes the record and removes what stands beside a stack that
    /// stays.
    pub async fn finish(mut self, performed: Result<()>) -> Finished {
        let probed = self.probers.stop().await;
        self.observer.stop().await;
        // What broke the record is the cause of what followed.
        let outcome = self.recorder.finish().and(probed).and(performed);
        let stays = !matches!(self.spec.subject.arrival, Arrival::Deploy(_));
        let removed = if stays { self.beside.remove().await } else { Ok(()) };
        Finished { folder: self.folder, outcome: outcome.and(removed) }
    }
}

//! The end of a run: its record is closed, and nothing asks or watches any more.

use std::path::PathBuf;

use super::begin::Run;
use super::subject::Arrival;
use crate::error::{ErrorKind, Result};
use crate::record::EventKind;

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
        let ended_early = [&performed, &probed].into_iter().filter_map(|part| part.as_ref().err());
        for error in ended_early.filter(|error| error.kind() != ErrorKind::Interrupted) {
            let (text, hints) = (error.with_cause(), error.hints().to_vec());
            self.recorder.tell(EventKind::RunFailed { text, hints });
        }
        self.observer.stop().await;
        // What broke the record is the cause of what followed.
        let outcome = self.recorder.finish().and(probed).and(performed);
        let stays = !matches!(self.spec.subject.arrival, Arrival::Deploy(_));
        let removed = if stays { self.beside.remove().await } else { Ok(()) };
        Finished { folder: self.folder, outcome: outcome.and(removed) }
    }
}

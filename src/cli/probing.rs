//! Starting the streams of requests of a run.

use super::console::Console;
use super::load_args::LoadArgs;
use super::session::FIRST_ANSWERS_WITHIN;
use crate::error::Result;
use crate::record::EventKind;
use crate::scenario::{StreamKind, Streams, Target, Trial, admit, warm_up};

/// What is asked of a service that somebody may be using: nothing that changes anything, and no
/// task of this program's own beside it.
pub(super) const HARMLESS: [StreamKind; 2] = [StreamKind::ProxyFresh, StreamKind::ProxyKeepalive];

/// The streams of requests of a run.
pub(super) struct Probing<'a> {
    pub(super) console: &'a Console,
    pub(super) load: &'a LoadArgs,
    pub(super) streams: Streams,
}

impl Probing<'_> {
    /// Waits until the service answers, finds out which streams it can answer, starts them and
    /// lets the time before the first change pass.
    pub(super) async fn begin(&self, trial: &mut Trial, target: &Target) -> Result<()> {
        let interrupt = &self.console.interrupt;
        trial.phase("baseline", format!("asking {} before anything changes", target.url));
        warm_up(&target.url, FIRST_ANSWERS_WITHIN, interrupt).await?;
        let plans = self.streams.through_proxy(target)?;
        let (plans, left_out) = admit(plans, self.load.insists(), interrupt).await?;
        for text in left_out {
            trial.recorder().tell(EventKind::Caveat { text });
        }
        trial.probe(plans)?;
        trial.steady(self.load.baseline).await
    }
}

//! Starting the streams of requests of a run.

use std::time::Duration;

use super::beside::Beside;
use super::console::Console;
use super::load_args::LoadArgs;
use super::session::FIRST_ANSWERS_WITHIN;
use crate::companion::{CompanionKind, Companions};
use crate::error::Result;
use crate::probe::StreamPlan;
use crate::record::{EventKind, NegativeControl};
use crate::scenario::{StreamKind, Streams, Target, Trial, admit, warm_up};

/// What is asked of a service that somebody may be using: nothing that changes anything, and no
/// task of this program's own beside it.
pub(super) const HARMLESS: [StreamKind; 2] = [StreamKind::ProxyFresh, StreamKind::ProxyKeepalive];

/// The negative control has to answer for so long before its update, so that its failures are
/// the update's.
const BEFORE_NEGATIVE: Duration = Duration::from_secs(1);

/// The streams of requests of a run.
pub(super) struct Probing<'a> {
    pub(super) console: &'a Console,
    pub(super) load: &'a LoadArgs,
    pub(super) streams: Streams,
    pub(super) beside: Beside,
    pub(super) negative_control: NegativeControl,
}

impl Probing<'_> {
    /// Waits until the service answers, finds out which streams it can answer, starts them, sees
    /// that a lossy update is caught, and lets the time before the first change pass.
    pub(super) async fn begin(&self, trial: &mut Trial, target: &Target) -> Result<()> {
        let interrupt = &self.console.interrupt;
        trial.phase("warm-up", format!("waiting for {} to answer", target.url));
        warm_up(&target.url, FIRST_ANSWERS_WITHIN, interrupt).await?;
        let plans = self.streams.through_proxy(target)?;
        let (mut plans, left_out) = admit(plans, self.load.insists(), interrupt).await?;
        for text in left_out.into_iter().chain(self.beside.left_out.iter().cloned()) {
            trial.recorder().tell(EventKind::Caveat { text });
        }
        if let Some(companions) = &self.beside.companions {
            plans.extend(self.targets(companions)?);
            trial.probe(plans)?;
            let inside = self.inside(target)?;
            if !inside.is_empty() {
                trial.probe_inside(companions, &inside).await?;
            }
            if self.negative_control == NegativeControl::Planned {
                trial.phase("negative-control", "an update that is known to lose requests");
                trial.steady(BEFORE_NEGATIVE).await?;
                trial.negative_control(companions).await?;
            }
        } else {
            trial.probe(plans)?;
        }
        trial.phase("baseline", format!("asking {} before anything changes", target.url));
        trial.steady(self.load.baseline).await
    }

    /// The streams to the program's own services.
    fn targets(&self, companions: &Companions) -> Result<Vec<StreamPlan>> {
        let control = companions.url(CompanionKind::Control);
        let control = control.map(|url| self.streams.plan(StreamKind::Control, &url));
        let negative = companions.url(CompanionKind::Negative);
        let negative = negative.map(|url| self.streams.negative_control(&url));
        control.into_iter().chain(negative).collect()
    }

    /// The streams from inside the network.
    fn inside(&self, target: &Target) -> Result<Vec<StreamPlan>> {
        let Some((name, port)) = &self.beside.inside else { return Ok(Vec::new()) };
        let kinds = self.streams.kinds.iter().filter(|kind| kind.is_from_inside());
        kinds.map(|kind| self.streams.inside(*kind, target, name, *port)).collect()
    }
}

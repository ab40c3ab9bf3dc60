//! A scenario that somebody else performs.

use std::time::Duration;

use tokio::time::Instant;

use super::{Performed, Trial};
use crate::Offset;
use crate::error::{Error, Result};
use crate::observe::ServiceSnapshot;
use crate::record::{EndReason, Event, EventKind, Expects, SpecMatch};
use crate::scenario::Patience;
use crate::stack::ServiceBody;
use crate::swarm::UpdateState;

/// The name of a scenario that somebody else performs.
const NAME: &str = "watched-update";

impl Trial {
    /// Waits at most `wait` until somebody changes the service, and watches until Swarm is done
    /// with it. `changed` is given the new spec and says how long that may take.
    ///
    /// # Errors
    /// When the service is being updated already, the user stops the run or the record breaks.
    pub async fn watch(
        &mut self,
        expects: Expects,
        wait: Duration,
        changed: impl AsyncFnOnce(&Trial, &ServiceBody) -> Result<Patience>,
    ) -> Result<Performed> {
        let before = self.service().await?;
        let service = self.options.target.service.clone();
        if matches!(before.view.update.state, UpdateState::Updating | UpdateState::RollbackStarted)
        {
            return Err(Error::usage(format!("service {service} is being updated already"))
                .hint("wait until that is over: what it was before is not known any more"));
        }
        self.phase("waiting", format!("waiting for somebody to update {service}"));
        self.recorder.tell(EventKind::ScenarioStarted {
            name: NAME.to_owned(),
            expects,
            service,
            replicas: self.options.target.replicas,
            generation: before.generation,
            change: "by somebody else".to_owned(),
        });
        let outcome = self.change_and_rest(&before, wait, changed).await;
        self.ended(NAME.to_owned(), outcome)
    }

    async fn change_and_rest(
        &mut self,
        before: &ServiceSnapshot,
        wait: Duration,
        changed: impl AsyncFnOnce(&Trial, &ServiceBody) -> Result<Patience>,
    ) -> Result<(SpecMatch, EndReason)> {
        let Some((at, after)) = self.change(before, wait).await? else {
            let text = format!("nobody updated the service within {} s", wait.as_secs());
            return Ok((SpecMatch::Unknown, EndReason::Deadline { text }));
        };
        // A rollback that began at once has put the previous spec back already.
        let rolled_back = after.view.update.state.is_rollback();
        let undone = after.view.previous_spec.as_ref().filter(|_| rolled_back);
        let submitted = undone.unwrap_or(&after.view.spec).clone();
        let service = self.options.target.service.clone();
        let template = &submitted.as_value()["TaskTemplate"];
        let generation = self.observer.generation(&service, template);
        let kind = EventKind::Submitted { service, generation };
        self.recorder.event(Event { at, seen: self.options.clock.now(), kind });
        self.options.patience = changed(self, &submitted).await?;
        let reason = self.wait_for_rest(generation != before.generation, at).await?;
        let spec = self.spec_now(&before.view.spec, &submitted).await;
        Ok((spec, reason))
    }

    /// Waits until the service has another spec; the time is the last one at which it had not.
    async fn change(
        &mut self,
        before: &ServiceSnapshot,
        wait: Duration,
    ) -> Result<Option<(Offset, ServiceSnapshot)>> {
        let deadline = Instant::now() + wait;
        let mut unchanged = self.options.clock.now();
        loop {
            {
                let snapshot = self.snapshots.borrow_and_update();
                let found = snapshot.services.get(&self.options.target.service);
                match found.filter(|_| snapshot.lost.is_none()) {
                    Some(found) if is_changed(before, found) => {
                        return Ok(Some((unchanged, found.clone())));
                    }
                    Some(_) => unchanged = snapshot.asked_at,
                    None => {}
                }
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            self.until(deadline).await?;
        }
    }
}

/// Another spec, or an update that began and was rolled back between two looks.
fn is_changed(before: &ServiceSnapshot, now: &ServiceSnapshot) -> bool {
    let (old, new) = (&before.view, &now.view);
    old.spec != new.spec || (new.update.state.is_rollback() && old.update != new.update)
}

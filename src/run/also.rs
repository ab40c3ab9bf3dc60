//! The same change made to further services: at the same time, or one after the other.

use std::collections::BTreeMap;

use super::act::with_ids;
use super::begin::Run;
use super::next::{Changed, as_accepted};
use crate::Offset;
use crate::engine::ServiceView;
use crate::error::{Error, Result};
use crate::record::{EndReason, Expects};
use crate::scenario::{Act, Declaration, Scenario};
use crate::stack::ServiceBody;
use crate::swarm::UpdateState;
use crate::wording::list;

/// The services that a change is made to beside the one under test.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Also {
    /// Their names, with the stack's prefix, in the order of the change.
    pub services: Vec<String>,
    /// Whether each is changed only when the one before it is at rest.
    pub sequential: bool,
}

/// A further service, and what it will be.
#[derive(Debug)]
pub(super) struct AlsoPlanned {
    before: ServiceView,
    after: ServiceBody,
    change: String,
}

impl Run<'_> {
    /// Finds out what the change makes of each further service. `fresh` says that this run deployed
    /// the stack.
    ///
    /// # Errors
    /// When the engine does not answer, or a service is not there.
    pub(super) async fn plan_also(&mut self, declaration: &Declaration, fresh: bool) -> Result<()> {
        let mut planned = Vec::new();
        for name in &self.spec.also.services {
            let found = self.env.site.manager.service(name).await?;
            let before = found.ok_or_else(|| {
                Error::environment(format!("service {name} is not there any more"))
            })?;
            let scenario = declaration.scenario(fresh, &before.spec);
            if !matches!(scenario.act, Act::Roll(_)) {
                break;
            }
            let (after, change) = (scenario.changed(&before.spec), scenario.describe());
            planned.push(AlsoPlanned { before, after, change });
        }
        self.planned = planned;
        Ok(())
    }

    /// Submits the further services right after the one under test, unless they come one after the
    /// other.
    ///
    /// # Errors
    /// When the engine refuses one.
    pub(super) async fn submit_also(&mut self, expects: Expects) -> Result<()> {
        if self.spec.also.sequential {
            return Ok(());
        }
        for planned in std::mem::take(&mut self.planned) {
            self.submit_planned(planned, expects).await?;
        }
        Ok(())
    }

    /// Submits the further services one after the other, each when the one before it has come to
    /// rest. `last` says how that was for the one under test, and `replaced` whether its tasks were.
    /// An update that ends in another way than it should ends the row, as an operator would end it.
    ///
    /// # Errors
    /// When the engine refuses one, the user stops the run or the record breaks.
    pub(super) async fn submit_in_turn(
        &mut self,
        scenario: &Scenario,
        replaced: bool,
        last: EndReason,
    ) -> Result<EndReason> {
        let mut reason = last;
        let mut before = self.spec.subject.target.service.clone();
        let mut planned = std::mem::take(&mut self.planned).into_iter();
        while let Some(next) = planned.next() {
            let how = match &reason {
                EndReason::Settled => self.went_wrong(&before, scenario.expects),
                EndReason::Deadline { .. } => Some("did not come to rest"),
                EndReason::EngineLost { .. }
                | EndReason::Failed { .. }
                | EndReason::Interrupted => Some("was the last one when the run ended"),
            };
            if let Some(how) = how {
                let left: Vec<String> = std::iter::once(&next)
                    .chain(planned.as_slice())
                    .map(|planned| planned.before.name().to_owned())
                    .collect();
                self.recorder
                    .caveat(format!("not changed: {}, because {before} {how}", list(&left)));
                break;
            }
            next.before.name().clone_into(&mut before);
            self.recorder.line(format!("  changing {before}: {}", next.change));
            let submitted = self.submit_planned(next, scenario.expects).await?;
            reason = self.wait_for_rest(replaced, submitted).await?;
        }
        Ok(reason)
    }

    /// How the update of a service ended, if not as the scenario expects.
    fn went_wrong(&mut self, service: &str, expects: Expects) -> Option<&'static str> {
        let snapshot = self.snapshots.borrow_and_update();
        let state = snapshot.services.get(service)?.view.update.state;
        match (expects, state) {
            (_, UpdateState::Paused) => Some("is paused"),
            (_, UpdateState::RollbackPaused) => Some("is stuck in its rollback"),
            (Expects::Update, state) if state.is_rollback() => Some("was rolled back"),
            _ => None,
        }
    }

    /// Submits one service; when the engine was asked.
    async fn submit_planned(&mut self, planned: AlsoPlanned, expects: Expects) -> Result<Offset> {
        let manager = &self.env.site.manager;
        let AlsoPlanned { before, after, change } = planned;
        let after = with_ids(manager, after).await?;
        let at = self.clock.now();
        for warning in manager.update_service(&after, None).await? {
            self.recorder.caveat(format!("the engine warns: {warning}"));
        }
        let accepted = manager.service(before.name()).await?;
        let (old, expects) = (Some(&before), Some(expects));
        let change = Changed { at, old, change, places: BTreeMap::new(), expects };
        self.also_changed(as_accepted(after, accepted.as_ref()), change).await?;
        Ok(at)
    }
}

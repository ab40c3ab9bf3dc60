//! The same change made to further services at the same time.

use std::collections::BTreeMap;

use super::act::with_ids;
use super::begin::Run;
use super::next::{Changed, as_accepted};
use crate::engine::ServiceView;
use crate::error::{Error, Result};
use crate::scenario::{Act, Declaration, Scenario};
use crate::stack::ServiceBody;

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
        for name in &self.spec.also {
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

    /// Submits the further services, right after the one under test.
    ///
    /// # Errors
    /// When the engine refuses one.
    pub(super) async fn submit_also(&mut self, scenario: &Scenario) -> Result<()> {
        let manager = &self.env.site.manager;
        for planned in std::mem::take(&mut self.planned) {
            let AlsoPlanned { before, after, change } = planned;
            let after = with_ids(manager, after).await?;
            let at = self.clock.now();
            for warning in manager.update_service(&after, None).await? {
                self.recorder.caveat(format!("the engine warns: {warning}"));
            }
            let accepted = manager.service(before.name()).await?;
            let (old, expects) = (Some(&before), Some(scenario.expects));
            let change = Changed { at, old, change, places: BTreeMap::new(), expects };
            self.also_changed(as_accepted(after, accepted.as_ref()), change).await?;
        }
        Ok(())
    }
}

//! The same change made to further services: at the same time, or one after the other.

use std::collections::BTreeMap;

use super::act::with_ids;
use super::begin::Run;
use super::next::{Changed, as_accepted};
use super::target::{TargetWish, find_service};
use crate::Offset;
use crate::deploy::{Change, Kernel, refused};
use crate::engine::{Engine, ServiceView, StackObjectKind};
use crate::error::{Error, Result};
use crate::record::{EndReason, Expects};
use crate::scenario::{Act, Declaration, Scenario};
use crate::stack::{ContentKind, Requests, ServiceBody};
use crate::swarm::{ResolutionMode, UpdateState};
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

impl Also {
    /// The services with these names beside `subject`, the one under test, or all that can be updated if
    /// `all`.
    ///
    /// # Errors
    /// A usage error for a name that matches nothing, and for one that is given twice.
    pub fn find(
        services: &[ServiceBody],
        stack: &str,
        subject: &str,
        (names, all): (&[String], bool),
        sequential: bool,
    ) -> Result<Self> {
        let mut also = Vec::new();
        for name in names {
            let wish = TargetWish { service: Some(name.clone()), ..TargetWish::default() };
            let found = find_service(services, stack, &wish)?;
            let name = found.name().to_owned();
            if found.is_job() {
                return Err(Error::usage(format!(
                    "service {name} is a job: it has no update to test"
                )));
            }
            if name == subject || also.contains(&name) {
                return Err(Error::usage(format!("service {name} is named twice")));
            }
            also.push(name);
        }
        if all {
            let can_be = |body: &&ServiceBody| !body.is_job() && body.replicas() != Some(0);
            let others = services.iter().filter(|body| body.name() != subject).filter(can_be);
            also = others.map(|body| body.name().to_owned()).collect();
        }
        Ok(Self { services: also, sequential })
    }

    /// The bodies of `subject` and of these services.
    #[must_use]
    pub fn bodies<'a>(&self, services: &'a [ServiceBody], subject: &str) -> Vec<&'a ServiceBody> {
        let is_changed = |body: &&ServiceBody| {
            body.name() == subject || self.services.iter().any(|name| name == body.name())
        };
        services.iter().filter(is_changed).collect()
    }
}

/// Refuses changes that cannot be made to these services, that undo one another, or that leave all of
/// them as they are. `kernel` is the engine's, once it is known.
///
/// # Errors
/// A usage error for the first of them.
pub fn check_changes(
    changes: &[Change],
    services: &[&ServiceBody],
    kernel: Option<Kernel>,
) -> Result<()> {
    let mut set = Vec::new();
    for what in changes.iter().filter_map(Change::sets) {
        if set.contains(&what) {
            return Err(Error::usage(format!("`{what}` is set twice")));
        }
        set.push(what);
    }
    let checks = |what: &String| what.starts_with("health-");
    if set.iter().any(|what| what == "no-healthcheck") && set.iter().any(checks) {
        return Err(Error::usage("no-healthcheck and health-… exclude each other"));
    }
    let mut bodies: Vec<ServiceBody> = services.iter().map(|body| (*body).clone()).collect();
    let names: Vec<&str> = services.iter().map(|body| body.name()).collect();
    for change in changes {
        let mut differs = false;
        for body in &mut bodies {
            if let Some(why) = change.misfit(body) {
                return Err(Error::usage(format!("service {} {why}", body.name()))
                    .hint("--service names the services that are changed"));
            }
            let before = body.clone();
            change.apply(body);
            differs |= *body != before;
        }
        if !differs {
            return Err(Error::usage(format!("{change} changes nothing in {}", list(&names)))
                .hint("--force restarts all tasks with the same settings"));
        }
    }
    for (before, after) in services.iter().zip(&bodies) {
        let name = before.name();
        if let Some(why) = refused(after).filter(|_| refused(before).is_none()) {
            return Err(Error::usage(format!(
                "Swarm would refuse the change: service {name} {why}"
            )));
        }
        let needs_vip = |body: &ServiceBody| body.endpoint_mode() == ResolutionMode::Vip;
        if kernel.is_some_and(|kernel| !kernel.ipvs) && needs_vip(after) && !needs_vip(before) {
            return Err(Error::usage(format!(
                "service {name} would be reached through its virtual IP, which needs IPVS, but the \
                 engine's kernel has no IPVS"
            )));
        }
    }
    Ok(())
}

/// Refuses changes that add a config or a secret that there is not. `requests` are those that are sent
/// before.
///
/// # Errors
/// A usage error that names all of them, or when the engine does not answer.
pub async fn check_added(
    engine: &Engine,
    changes: &[Change],
    requests: Option<&Requests>,
) -> Result<()> {
    let mut missing = Vec::new();
    let mut there = Vec::new();
    for kind in [ContentKind::Config, ContentKind::Secret] {
        let added: Vec<&str> = changes
            .iter()
            .filter_map(Change::adds)
            .filter(|(of, _)| *of == kind)
            .map(|(_, name)| name)
            .collect();
        if added.is_empty() {
            continue;
        }
        let (objects, bodies) = match kind {
            ContentKind::Config => (StackObjectKind::Config, requests.map(|all| &all.configs)),
            ContentKind::Secret => (StackObjectKind::Secret, requests.map(|all| &all.secrets)),
        };
        let existing = engine.objects(objects, None).await?.into_iter().map(|object| object.name);
        let own = bodies.into_iter().flatten().filter_map(|body| body["Name"].as_str());
        let known: Vec<String> = existing.chain(own.map(str::to_owned)).collect();
        let lacking = added.iter().filter(|name| known.iter().all(|there| there != *name));
        missing.extend(lacking.map(|name| format!("{} {name}", kind.as_str())));
        there.extend(known);
    }
    if missing.is_empty() {
        return Ok(());
    }
    let error = Error::usage(format!("there is no {}", list(&missing)));
    Err(if there.is_empty() {
        error.hint("`docker config create` and `docker secret create` make one")
    } else {
        error.hint(format!("there are {}", list(&there)))
    })
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

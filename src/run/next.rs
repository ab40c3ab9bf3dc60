//! Deploying the next version of a whole stack: what it changes, submitting it, and undoing it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::begin::Run;
use super::deployment::{Deployment, note};
use super::next_changes::NextChanges;
use super::patience::Patience;
use super::roll::Submitted;
use super::subject::Arrival;
use crate::Offset;
use crate::deploy::{Applied, ApplyOptions, Marking, OwnerMark, apply, remove_objects};
use crate::engine::{Engine, ServiceView, StackObject, StackObjectKind};
use crate::error::{Error, Result};
use crate::record::{Event, EventKind, Expects, OtherChange, SpecMatch};
use crate::stack::{ServiceBody, spec_changes};
use crate::swarm::RestartCondition;

/// How long what a deployment created may still be used after its services are gone.
const UNUSED_WITHIN: Duration = Duration::from_secs(30);

/// What the deployment of the next version did, as far as it came.
#[derive(Debug, Default)]
pub(super) struct Deployed {
    /// The services beside the one under test that it changed or created.
    pub others: Vec<Other>,
    /// What every service other than the one under test was before the run changed it.
    original: BTreeMap<String, ServiceBody>,
    created_services: Vec<String>,
    created_objects: Vec<StackObject>,
}

/// How a service beside the one under test is changed.
pub(super) struct Changed<'a> {
    /// When the engine was asked.
    pub at: Offset,
    /// What it was before; absent if it is created.
    pub old: Option<&'a ServiceView>,
    /// What is changed, in plain words.
    pub change: String,
    pub places: BTreeMap<String, String>,
    /// What Swarm must do with it; absent if either may happen.
    pub expects: Option<Expects>,
}

/// A service beside the one under test that a deployment changed or created.
#[derive(Debug)]
pub(super) struct Other {
    pub name: String,
    /// Absent if it was created.
    before: Option<ServiceBody>,
    after: ServiceBody,
    /// Whether its tasks are replaced.
    pub replaced: bool,
    pub patience: Patience,
}

impl Deployed {
    /// Whether something was created that was not there before.
    pub fn has_created(&self) -> bool {
        !self.created_services.is_empty() || !self.created_objects.is_empty()
    }

    /// Whether another service was changed, or something was created.
    pub fn has_changed(&self) -> bool {
        !self.original.is_empty() || self.has_created()
    }
}

impl Run<'_> {
    /// Finds out what the next version changes, and says so.
    ///
    /// # Errors
    /// A usage error if it changes nothing, or when the engine does not answer.
    pub(super) async fn announce_next(&self, scenario: &str) -> Result<String> {
        let next = self.next()?;
        let (requests, options) = (&next.prepared.requests, &next.options);
        let changes = NextChanges::on(&self.env.site.manager, options, requests).await?;
        let files = next.prepared.files.join(", ");
        changes.check(&files, requests)?;
        self.recorder.phase(scenario, format!("deploying {files}"));
        for line in changes.lines() {
            self.recorder.line(format!("  {line}"));
        }
        for name in &changes.removed {
            self.recorder.caveat(format!("service {name} is removed (--prune)"));
        }
        Ok(changes.of(&self.spec.subject.target.service))
    }

    fn next(&self) -> Result<&Deployment> {
        self.spec.next.as_ref().ok_or_else(|| Error::usage("there is no next version to deploy"))
    }

    /// Deploys the next version as `docker stack deploy` does, and records what each service was
    /// given. `keeps` says that every service must run it in the end.
    ///
    /// # Errors
    /// When the engine refuses a part. Nothing is undone here.
    pub(super) async fn submit_next(&mut self, keeps: bool) -> Result<Submitted> {
        let site = self.env.site;
        let next = self.next()?.clone();
        let mark = OwnerMark { owner: site.owner.clone(), run_id: self.id.clone() };
        let options = ApplyOptions { mark, ..next.options.clone() };
        let before = site.manager.stack_services(&options.stack).await?;
        // Every service is submitted, and its marks can change where nothing else does.
        for old in before.iter().filter(|old| old.name() != self.spec.subject.target.service) {
            let original = self.deployed.original.entry(old.name().to_owned());
            original.or_insert_with(|| old.spec.clone());
        }
        let mut done = Applied::default();
        let tell = |text: &str| self.recorder.line(format!("  {text}"));
        let requests = next.prepared.requests.clone();
        let applied = apply(&site.manager, requests, &options, &mut done, &tell).await;
        let Applied { services, created_services, created_objects } = done;
        self.deployed.created_services = created_services;
        self.deployed.created_objects = created_objects;
        let accepted = site.manager.stack_services(&options.stack).await;
        let accepted = applied.and(accepted)?;
        let network = network_names(&site.manager).await?;
        let service = self.spec.subject.target.service.clone();
        self.spec.subject.places = next.prepared.places(&options.stack, &service);
        let mut own = None;
        for (sent, body) in services {
            let old = before.iter().find(|old| old.name() == body.name());
            let now = accepted.iter().find(|now| now.name() == body.name());
            let at = self.clock.at(sent);
            let body = as_accepted(body, now);
            if body.name() == service {
                own = Some(Submitted { at, body });
                continue;
            }
            let changes = match old {
                Some(old) => spec_changes(&old.spec, &body, &network),
                None => vec!["new".to_owned()],
            };
            if changes.is_empty() {
                continue;
            }
            let places = next.prepared.places(&options.stack, body.name());
            let expects = if keeps { Some(Expects::Update) } else { None };
            let change = Changed { at, old, change: changes.join("; "), places, expects };
            self.also_changed(body, change).await?;
        }
        let own = own.ok_or_else(|| {
            Error::usage(format!("service {service} is not in the next version of the stack"))
        })?;
        self.follow(&own.body).await?;
        Ok(own)
    }

    /// Notes the files of the next version as those of a stack that is this state folder's.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub(super) fn note_next(&self) -> Result<()> {
        let next = self.next()?;
        if next.options.marking != Marking::Everything {
            return Ok(());
        }
        note(self.env.site, self.env.state, next, &self.id)
    }

    /// Records that a service beside the one under test is changed or created.
    pub(super) async fn also_changed(
        &mut self,
        body: ServiceBody,
        change: Changed<'_>,
    ) -> Result<()> {
        let Changed { at, old, change, places, expects } = change;
        let name = body.name().to_owned();
        let generation =
            |body: &ServiceBody| self.observer.generation(&name, &body.as_value()["TaskTemplate"]);
        let (was, is) = (old.map(|old| generation(&old.spec)), generation(&body));
        let subject = &self.spec.subject;
        let tasks = |body: &ServiceBody| body.replicas().unwrap_or(self.env.site.info.nodes);
        let facts = subject.facts_of(self.env.site, &body, tasks(&body), places).await?;
        let patience = Patience::of(&facts, &body, self.env.site.speed());
        let before = old.map_or(0, |old| tasks(&old.spec));
        self.recorder.tell(EventKind::AlsoChanged(Box::new(OtherChange {
            replicas: before,
            expects,
            generation: was.unwrap_or(0),
            ends: body.is_job() || body.restart_policy().condition != RestartCondition::Any,
            facts,
            change,
        })));
        let replicas = Some(tasks(&body));
        let specs = match old {
            Some(old) => Some(self.spec_change(&old.spec, &body).await),
            None => None,
        };
        let kind = EventKind::Submitted { service: name.clone(), generation: is, replicas, specs };
        self.recorder.event(Event { at, seen: self.clock.now(), kind });
        if let Some(old) = old {
            let original = self.deployed.original.entry(name.clone());
            original.or_insert_with(|| old.spec.clone());
        }
        self.deployed.others.push(Other {
            // Of a service without replicas, Swarm updates nothing.
            replaced: before > 0 && was.is_some_and(|was| was != is),
            before: old.map(|old| old.spec.clone()),
            after: body,
            name,
            patience,
        });
        Ok(())
    }

    /// Records which spec each of the other services has in the end; whether one of them has not its
    /// previous one.
    pub(super) async fn others_ended(&self) -> bool {
        let mut differs = false;
        for other in &self.deployed.others {
            let spec = match self.env.site.manager.service(&other.name).await {
                Ok(Some(view)) if view.spec == other.after => SpecMatch::Submitted,
                Ok(Some(view)) if Some(&view.spec) == other.before.as_ref() => SpecMatch::Previous,
                Ok(Some(_)) => SpecMatch::Other,
                Ok(None) | Err(_) => SpecMatch::Unknown,
            };
            differs |= spec != SpecMatch::Previous;
            let service = other.name.clone();
            self.recorder.tell(EventKind::OtherEnded { service, spec });
        }
        differs || self.deployed.has_changed()
    }

    /// Gives the other services their previous specs back and removes the services that were created.
    ///
    /// # Errors
    /// When the engine refuses.
    pub(super) async fn undo_services(&mut self) -> Result<()> {
        let manager = &self.env.site.manager;
        for name in std::mem::take(&mut self.deployed.created_services) {
            self.recorder.line(format!("  removing service {name}, which this run created"));
            manager.remove_service(&name).await?;
        }
        let template = |body: &ServiceBody| {
            self.observer.generation(body.name(), &body.as_value()["TaskTemplate"])
        };
        let mut others = Vec::new();
        for (name, before) in &self.deployed.original {
            let Some(now) = manager.service(name).await? else { continue };
            let replaced = before.replicas() != Some(0) && template(&now.spec) != template(before);
            if now.spec != *before {
                manager.update_service(before, None).await?;
            }
            others.push(Other {
                name: name.clone(),
                replaced,
                before: Some(before.clone()),
                after: before.clone(),
                patience: self.patience,
            });
        }
        self.deployed.others = others;
        Ok(())
    }

    /// Removes the networks, secrets and configs that were created.
    ///
    /// # Errors
    /// When the engine refuses, or something still uses them.
    pub(super) async fn undo_objects(&mut self) -> Result<()> {
        let created = std::mem::take(&mut self.deployed.created_objects);
        let left = remove_objects(&self.env.site.manager, &created, UNUSED_WITHIN).await?;
        if left.is_empty() {
            return Ok(());
        }
        Err(Error::environment(format!("still in use: {}", left.join(", "))))
    }

    /// Whether the run leaves the stack where it is.
    pub(super) fn stays(&self) -> bool {
        !matches!(self.spec.subject.arrival, Arrival::Deploy(_))
    }
}

/// A service as the engine has it after it was sent; a rollback that began at once has already put
/// the previous spec in its place.
pub(super) fn as_accepted(sent: ServiceBody, now: Option<&ServiceView>) -> ServiceBody {
    match now {
        Some(now) if !now.update.state.is_rollback() => now.spec.clone(),
        _ => sent,
    }
}

/// The names of the engine's networks, by id; anything else is its own name.
pub(super) async fn network_names(engine: &Engine) -> Result<impl Fn(&str) -> String + use<>> {
    let networks = engine.objects(StackObjectKind::Network, None).await?;
    let names: BTreeMap<String, String> =
        networks.into_iter().map(|network| (network.id, network.name)).collect();
    Ok(move |id: &str| names.get(id).cloned().unwrap_or_else(|| id.to_owned()))
}

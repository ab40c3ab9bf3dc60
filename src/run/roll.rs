//! One scenario: the change is made, or waited for, and Swarm is watched until it is done.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::begin::{LOST_AFTER, Run};
use super::patience::Patience;
use crate::Offset;
use crate::error::{Error, Result};
use crate::image::OWN_IMAGES;
use crate::observe::ServiceSnapshot;
use crate::record::{EndReason, Event, EventKind, Expects, SpecMatch};
use crate::scenario::{Act, Scenario};
use crate::stack::ServiceBody;
use crate::swarm::{SpecChange, UpdateState};

/// What a service was given, and when.
pub(super) struct Submitted {
    pub at: Offset,
    /// What the engine made of it: later specs are compared with this.
    pub body: ServiceBody,
}

impl Run<'_> {
    /// Performs a scenario and waits until the service is at rest. Whether another one can follow.
    ///
    /// # Errors
    /// When the engine refuses the change, the user stops the run or the record breaks; the
    /// scenario's end is recorded in any case.
    pub(super) async fn scenario(&mut self, scenario: &Scenario) -> Result<bool> {
        let before = self.service().await?;
        let target = &self.spec.subject.target;
        if matches!(scenario.act, Act::Watch(_)) && is_moving(&before) {
            return Err(Error::usage(format!(
                "service {} is being updated already",
                target.service
            ))
            .hint("wait until that update has ended: its previous version is not known any more"));
        }
        // A scenario before this one may have changed their number.
        let tasks = before.current().count() as u64;
        let replicas = before.view.spec.replicas().unwrap_or(tasks);
        let service = target.service.clone();
        let mut change = scenario.describe();
        match scenario.act {
            Act::Deploy => change = self.announce_next(&scenario.name).await?,
            Act::Roll(_) | Act::Renew => {
                self.recorder.phase(&scenario.name, format!("changing {service}: {change}"));
            }
            Act::Ask(_) => {
                self.recorder.phase(&scenario.name, format!("asking {service}: {change}"));
            }
            Act::Watch(_) => {
                self.recorder.phase("watch", format!("waiting for an update of {service}"));
            }
        }
        self.deployed.others.clear();
        self.recorder.tell(EventKind::ScenarioStarted {
            name: scenario.name.clone(),
            expects: scenario.expects,
            service,
            replicas,
            generation: before.generation,
            change,
        });
        if matches!(scenario.act, Act::Deploy) {
            for port in self.spec.withdrawn() {
                self.recorder.tell(EventKind::PortWithdrawn(port));
            }
        }
        if let Some(must) = &scenario.must {
            self.recorder.tell(EventKind::Declared(must.clone()));
        }
        let outcome = self.change_and_rest(scenario, &before).await;
        let (spec, answers) = match &outcome {
            Ok((spec, _)) => (*spec, true),
            // What ended the scenario early may still be known to the engine.
            Err(_) => self.spec_after_all(&before, scenario).await,
        };
        let others_differ = self.others_ended().await;
        let rolled = matches!(scenario.act, Act::Roll(_) | Act::Deploy);
        let keeps = matches!(scenario.expects, Expects::Update | Expects::NoChange);
        self.left_broken = rolled && !keeps && (spec != SpecMatch::Previous || others_differ);
        if rolled && scenario.expects == Expects::Update && outcome.is_err() {
            self.say_what_goes_on(spec);
        }
        self.ended(&scenario.name, spec, answers, outcome)
    }

    /// An update that the user interrupted goes on in Swarm.
    fn say_what_goes_on(&self, spec: SpecMatch) {
        let service = &self.spec.subject.target.service;
        if self.stays() && !self.spec.leave_as_found && spec == SpecMatch::Submitted {
            self.recorder.line(format!(
                "Swarm goes on with the update of {service}: `docker service ps {service}` shows how far it is, `docker service rollback {service}` undoes it"
            ));
        }
    }

    /// Which spec the service has after a scenario that did not end as planned, and whether the
    /// engine still answers.
    async fn spec_after_all(
        &self,
        before: &ServiceSnapshot,
        scenario: &Scenario,
    ) -> (SpecMatch, bool) {
        let found = self.env.site.manager.service(&self.spec.subject.target.service).await;
        let spec = match &found {
            Ok(Some(view)) if view.spec == before.view.spec => SpecMatch::Previous,
            Ok(Some(_)) if matches!(scenario.act, Act::Roll(_) | Act::Deploy) => {
                SpecMatch::Submitted
            }
            Ok(Some(_)) => SpecMatch::Other,
            Ok(None) | Err(_) => SpecMatch::Unknown,
        };
        (spec, found.is_ok())
    }

    async fn change_and_rest(
        &mut self,
        scenario: &Scenario,
        before: &ServiceSnapshot,
    ) -> Result<(SpecMatch, EndReason)> {
        let submitted = match scenario.act {
            Act::Roll(_) | Act::Renew => {
                let submitted = self.submit(scenario).await?;
                self.submit_also(scenario.expects).await?;
                submitted
            }
            Act::Deploy => self.submit_next(scenario.expects == Expects::Update).await?,
            Act::Ask(_) => Submitted { at: self.clock.now(), body: before.view.spec.clone() },
            Act::Watch(wait) => {
                let Some(submitted) = self.watch_for_change(before, wait).await? else {
                    let wait = crate::wording::setting(wait.as_secs_f64());
                    let text = format!("no update was seen within {wait}");
                    return Ok((SpecMatch::Previous, EndReason::Deadline { text }));
                };
                submitted
            }
        };
        let service = self.spec.subject.target.service.clone();
        let template = &submitted.body.as_value()["TaskTemplate"];
        let generation = self.observer.generation(&service, template);
        // One with a task a node has as many as before.
        let tasks = before.current().count() as u64;
        let replicas = Some(submitted.body.replicas().unwrap_or(tasks));
        let specs = Some(self.spec_change(&before.view.spec, &submitted.body).await);
        let kind = EventKind::Submitted { service, generation, replicas, specs };
        self.recorder.event(Event { at: submitted.at, seen: self.clock.now(), kind });
        if matches!(scenario.act, Act::Watch(_)) {
            self.follow(&submitted.body).await?;
        }
        if let Act::Ask(ask) = &scenario.act {
            self.ask(ask).await?;
        }
        if let Some(after) = scenario.again_after {
            self.submit_again(&submitted.body, after).await?;
        }
        let replaced = generation != before.generation;
        let reason = match scenario.watch {
            Some(time) => self.watch_on(submitted.at, time, replaced).await?,
            None => self.wait_for_rest(replaced, submitted.at).await?,
        };
        let reason = self.submit_in_turn(scenario, replaced, reason).await?;
        let spec = self.spec_now(&before.view.spec, &submitted.body).await;
        // The next scenario changes what this one left; a restore returns to what was before it.
        if spec == SpecMatch::Submitted
            && matches!(scenario.expects, Expects::Update | Expects::NoChange)
        {
            self.body = match scenario.act {
                Act::Deploy => {
                    self.note_next()?;
                    submitted.body
                }
                _ => scenario.changed(&self.body),
            };
        }
        Ok((spec, reason))
    }

    async fn submit(&mut self, scenario: &Scenario) -> Result<Submitted> {
        let manager = &self.env.site.manager;
        let body = self.with_contents(scenario.changed(&self.body), scenario).await?;
        if scenario.lose_image {
            self.lose_image().await?;
        }
        let at = self.clock.now();
        for warning in manager.update_service(&body, None).await? {
            self.recorder.caveat(format!("the engine warns: {warning}"));
        }
        let service = &self.spec.subject.target.service;
        let accepted = manager.service(service).await?.ok_or_else(|| {
            Error::environment(format!("service {service} vanished while it was updated"))
        })?;
        // A rollback that began at once has already put the previous spec in its place.
        let rolled_back = accepted.update.state.is_rollback();
        Ok(Submitted { at, body: if rolled_back { body } else { accepted.spec } })
    }

    /// Takes the image that runs away from every node, if it is one of ours: the next run loads it
    /// again.
    async fn lose_image(&self) -> Result<()> {
        let image = self.body.image();
        if !image.starts_with(OWN_IMAGES) {
            return Err(Error::usage(format!("the scenario would remove the image {image}"))
                .hint("`lose_image` is for the images of rollproof itself, as `try` uses them"));
        }
        for engine in &self.env.site.engines {
            engine.lose_image(image).await?;
        }
        Ok(())
    }

    /// Waits at most `wait` until the service is changed elsewhere. The time is the last one at
    /// which it was unchanged.
    async fn watch_for_change(
        &mut self,
        before: &ServiceSnapshot,
        wait: Duration,
    ) -> Result<Option<Submitted>> {
        let deadline = Instant::now() + wait;
        let mut at = self.clock.now();
        loop {
            {
                let snapshot = self.snapshots.borrow_and_update();
                if let Some((since, text)) = &snapshot.lost
                    && (self.clock.now() - *since).to_duration() > LOST_AFTER
                {
                    return Err(Error::environment("the engine does not answer any more")
                        .caused_by(text.clone()));
                }
                let found = snapshot.services.get(&self.spec.subject.target.service);
                match found.filter(|_| snapshot.lost.is_none()) {
                    Some(found) if is_changed(before, found) => {
                        let rolled_back = found.view.update.state.is_rollback();
                        let undone = found.view.previous_spec.as_ref().filter(|_| rolled_back);
                        let body = undone.unwrap_or(&found.view.spec).clone();
                        return Ok(Some(Submitted { at, body }));
                    }
                    Some(_) => at = snapshot.asked_at,
                    None => {}
                }
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            self.until(deadline).await?;
        }
    }

    /// What decides how an update goes, as the engine got it. An image that cannot be looked at now is
    /// taken to have no health check of its own.
    pub(super) async fn spec_change(
        &self,
        before: &ServiceBody,
        after: &ServiceBody,
    ) -> Box<SpecChange> {
        let mut checks = BTreeMap::new();
        for image in [before.image(), after.image()] {
            if let Ok(Some(found)) = self.env.site.manager.image(image).await {
                checks.extend(found.healthcheck.map(|check| (image, check)));
            }
        }
        let change = SpecChange::between(before, after, &|image| checks.get(image).cloned());
        Box::new(change.at_speed(self.env.site.speed()))
    }

    /// An update that was made elsewhere can bring other settings.
    pub(super) async fn follow(&mut self, body: &ServiceBody) -> Result<()> {
        let facts = self.spec.subject.facts(self.env.site, body).await?;
        self.patience = Patience::of(&facts, body, self.env.site.speed());
        self.recorder.set_stack(facts);
        Ok(())
    }

    /// Records a scenario's end. Whether another one can follow.
    fn ended(
        &self,
        name: &str,
        spec: SpecMatch,
        answers: bool,
        outcome: Result<(SpecMatch, EndReason)>,
    ) -> Result<bool> {
        let reason = match &outcome {
            Ok((_, reason)) => reason.clone(),
            Err(error) if error.kind() == crate::ErrorKind::Interrupted => {
                self.recorder.tell(EventKind::Interrupted);
                EndReason::Interrupted
            }
            Err(error) if answers => EndReason::Failed { text: error.with_cause() },
            Err(error) => EndReason::EngineLost { text: error.with_cause() },
        };
        let go_on = reason == EndReason::Settled;
        let name = name.to_owned();
        self.recorder.tell(EventKind::ScenarioEnded { name, spec, reason });
        outcome.map(|_| go_on)
    }

    async fn spec_now(&self, previous: &ServiceBody, submitted: &ServiceBody) -> SpecMatch {
        match self.env.site.manager.service(&self.spec.subject.target.service).await {
            Ok(Some(view)) if view.spec == *submitted => SpecMatch::Submitted,
            Ok(Some(view)) if view.spec == *previous => SpecMatch::Previous,
            Ok(Some(_)) => SpecMatch::Other,
            Ok(None) | Err(_) => SpecMatch::Unknown,
        }
    }
}

fn is_moving(service: &ServiceSnapshot) -> bool {
    matches!(service.view.update.state, UpdateState::Updating | UpdateState::RollbackStarted)
}

/// Another spec, or an update that began and was rolled back between two looks.
fn is_changed(before: &ServiceSnapshot, now: &ServiceSnapshot) -> bool {
    let (old, new) = (&before.view, &now.view);
    old.spec != new.spec || (new.update.state.is_rollback() && old.update != new.update)
}

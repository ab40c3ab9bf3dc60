//! What deploying the next version of a stack changes, and whether it can be deployed at all.

use super::next::network_names;
use crate::deploy::{ApplyOptions, is_companion};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::stack::{Requests, ServiceBody, spec_changes};
use crate::wording::list;

/// What deploying the next version will change.
#[derive(Debug, Clone, Default)]
pub struct NextChanges {
    /// The services that are changed, by name, and how each differs, in the words of a stack file.
    pub changed: Vec<(String, Vec<String>)>,
    /// The services that are created, by name.
    pub created: Vec<String>,
    /// The services that are removed, by name.
    pub removed: Vec<String>,
    /// The services that are not in the next version and stay, by name.
    left: Vec<String>,
    /// The services whose mode differs, which Swarm cannot change, with the old one and the new one.
    modes: Vec<(String, String, String)>,
}

impl NextChanges {
    /// Compares what runs, or is deployed before, with the next version. `network` gives the name of
    /// a network's id.
    #[must_use]
    pub fn between(
        before: &[ServiceBody],
        next: &Requests,
        network: &dyn Fn(&str) -> String,
    ) -> Self {
        let mut found = Self::default();
        for body in &next.services {
            let name = body.name().to_owned();
            let Some(old) = before.iter().find(|old| old.name() == name) else {
                found.created.push(name);
                continue;
            };
            let (was, is) = (old.mode(), body.mode());
            if was != is {
                found.modes.push((name.clone(), was.to_owned(), is.to_owned()));
            }
            let changes = spec_changes(old, body, network);
            if !changes.is_empty() {
                found.changed.push((name, changes));
            }
        }
        let stays = |name: &&str| next.services.iter().all(|body| body.name() != *name);
        let of_stack = before.iter().map(ServiceBody::name).filter(|name| !is_companion(name));
        found.left = of_stack.filter(stays).map(str::to_owned).collect();
        found
    }

    /// The same if services that are not in the next version are removed.
    #[must_use]
    pub fn pruned(mut self) -> Self {
        self.removed.append(&mut self.left);
        self
    }

    /// Refuses a next version, in `files`, that changes nothing or that Swarm cannot deploy.
    ///
    /// # Errors
    /// A usage error, or that of the stack file with the place of the service.
    pub fn check(&self, files: &str, next: &Requests) -> Result<()> {
        if let Some((name, was, is)) = self.modes.first() {
            let error = Error::stack(format!(
                "service {name} is {was}, and {is} in the next version: Swarm cannot change the mode of a service"
            ))
            .hint("give it another name: the old one is then removed with --prune");
            return Err(match next.service_places.get(name) {
                Some(place) => error.at(place.clone()),
                None => error,
            });
        }
        if !(self.changed.is_empty() && self.created.is_empty() && self.removed.is_empty()) {
            return Ok(());
        }
        if next.services.is_empty() {
            return Err(Error::stack(format!("{files} has no services")));
        }
        let error =
            Error::usage(format!("{files} changes nothing: every service already runs as it says"));
        Err(if self.left.is_empty() {
            error.hint("without --to, `update` replaces every task with the same settings")
        } else {
            error.hint(format!("it lacks {}, which --prune removes", list(&self.left)))
        })
    }

    /// Compares the stack that runs on an engine with the next version.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn on(engine: &Engine, options: &ApplyOptions, next: &Requests) -> Result<Self> {
        let existing = engine.stack_services(&options.stack).await?;
        let network = network_names(engine).await?;
        let before: Vec<ServiceBody> =
            existing.iter().map(|service| service.spec.clone()).collect();
        let found = Self::between(&before, next, &network);
        Ok(if options.prune { found.pruned() } else { found })
    }

    /// The names of the services that are changed.
    #[must_use]
    pub fn changed_names(&self) -> Vec<String> {
        self.changed.iter().map(|(name, _)| name.clone()).collect()
    }

    /// What is changed of a service, in one line.
    pub(super) fn of(&self, service: &str) -> String {
        match self.changed.iter().find(|(name, _)| name == service) {
            Some((_, changes)) => changes.join("; "),
            None => "nothing; other services of the stack are changed".to_owned(),
        }
    }

    /// A line for each service.
    pub(super) fn lines(&self) -> Vec<String> {
        let changed = self.changed.iter().map(|(name, how)| format!("{name}: {}", how.join("; ")));
        let created = self.created.iter().map(|name| format!("{name}: new"));
        let removed = self.removed.iter().map(|name| format!("{name}: removed (--prune)"));
        changed.chain(created).chain(removed).collect()
    }
}

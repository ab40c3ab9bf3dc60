//! What deploying the next version of a stack would do, found out without doing it.

use serde_json::Value;

use super::next::network_names;
use super::next_changes::NextChanges;
use super::withdrawn::withdrawn;
use crate::deploy::ApplyOptions;
use crate::engine::{Engine, StackObjectKind};
use crate::error::Result;
use crate::record::WithdrawnPort;
use crate::stack::{Requests, ServiceBody};

/// What deploying the next version of a stack would do.
#[derive(Debug, Clone)]
pub struct NextForeseen {
    /// What becomes of the services.
    pub changes: NextChanges,
    /// The networks, secrets and configs that would be created: `config caddy-2`.
    pub creates: Vec<String>,
    /// The ports that users ask and that would be closed.
    pub withdrawn: Vec<WithdrawnPort>,
    /// The services before and after, by name: those that are there before.
    pub bodies: Vec<(ServiceBody, ServiceBody)>,
}

impl NextForeseen {
    /// After a version that would be deployed before it. `asked` is the port that users ask.
    #[must_use]
    pub fn after(before: &Requests, next: &Requests, prune: bool, asked: Option<u16>) -> Self {
        let known = |kind: StackObjectKind, name: &str| {
            objects(before).any(|(known, of)| (known, of) == (kind, name))
        };
        let changes = NextChanges::between(&before.services, next, &str::to_owned);
        Self::of(&before.services, next, prune, asked, changes, &known)
    }

    /// After what runs on an engine.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn on(
        engine: &Engine,
        options: &ApplyOptions,
        next: &Requests,
        asked: Option<u16>,
    ) -> Result<Self> {
        let existing = engine.stack_services(&options.stack).await?;
        let before: Vec<ServiceBody> = existing.into_iter().map(|service| service.spec).collect();
        let mut there = Vec::new();
        for kind in [StackObjectKind::Network, StackObjectKind::Secret, StackObjectKind::Config] {
            let found = engine.objects(kind, None).await?;
            there.extend(found.into_iter().map(|object| (kind, object.name)));
        }
        let known = |kind: StackObjectKind, name: &str| {
            there.iter().any(|(known, of)| (*known, of.as_str()) == (kind, name))
        };
        let network = network_names(engine).await?;
        let changes = NextChanges::between(&before, next, &network);
        Ok(Self::of(&before, next, options.prune, asked, changes, &known))
    }

    fn of(
        before: &[ServiceBody],
        next: &Requests,
        prune: bool,
        asked: Option<u16>,
        changes: NextChanges,
        known: &dyn Fn(StackObjectKind, &str) -> bool,
    ) -> Self {
        let after = |old: &ServiceBody| next.services.iter().find(|body| body.name() == old.name());
        let changes = if prune { changes.pruned() } else { changes };
        let creates = objects(next).filter(|(kind, name)| !known(*kind, name));
        let bodies = before.iter().filter_map(|old| Some((old.clone(), after(old)?.clone())));
        Self {
            creates: creates.map(|(kind, name)| format!("{} {name}", kind.as_str())).collect(),
            withdrawn: withdrawn(&Vec::from_iter(asked), before, next, prune),
            bodies: bodies.collect(),
            changes,
        }
    }
}

/// The stack's own networks, secrets and configs, in the order in which they are created.
fn objects(requests: &Requests) -> impl Iterator<Item = (StackObjectKind, &str)> {
    let networks =
        requests.networks.iter().map(|network| (StackObjectKind::Network, network.name.as_str()));
    networks
        .chain(named(StackObjectKind::Secret, &requests.secrets))
        .chain(named(StackObjectKind::Config, &requests.configs))
}

fn named(kind: StackObjectKind, bodies: &[Value]) -> impl Iterator<Item = (StackObjectKind, &str)> {
    bodies.iter().filter_map(move |body| Some((kind, body["Name"].as_str()?)))
}

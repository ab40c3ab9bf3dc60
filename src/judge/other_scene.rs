//! A scenario as the other services that it changes or creates see it.

use super::nodes::NodeLoss;
use super::scene::Scene;
use super::tasks::Tasks;
use crate::record::{Event, EventKind, Expects, OtherChange, Run, SpecMatch};

/// A scenario as another service that it changed or created saw it.
#[derive(Debug)]
pub(super) struct OtherScene<'a> {
    pub change: &'a OtherChange,
    pub scene: Scene<'a>,
}

impl OtherScene<'_> {
    /// Whether the deployment created the service.
    pub(super) fn is_created(&self) -> bool {
        self.change.generation == 0
    }
}

impl<'a> Scene<'a> {
    /// The same scenario for each of the other services.
    pub(super) fn of_others(&self, run: &'a Run, until: &'a [Event]) -> Vec<OtherScene<'a>> {
        let changes = self.events.iter().filter_map(|event| match &event.kind {
            EventKind::AlsoChanged(change) => Some(&**change),
            _ => None,
        });
        let other = |change: &'a OtherChange| {
            let service = change.facts.service.as_str();
            let spec = self.events.iter().find_map(|event| match &event.kind {
                EventKind::OtherEnded { service: ended, spec } if ended == service => Some(*spec),
                _ => None,
            });
            let mut scene = Self {
                must: None,
                service,
                replicas: change.replicas,
                submitted_replicas: change.replicas,
                old: change.generation,
                change: &change.change,
                submitted: None,
                spec: spec.unwrap_or(SpecMatch::Unknown),
                states: Vec::new(),
                tasks: Tasks::of(until, service),
                losses: self.losses.clone(),
                nodes: Vec::new(),
                others: Vec::new(),
                ..*self
            };
            scene.read_service();
            scene.nodes = NodeLoss::all(run, &scene);
            // Which of several services of a stack file is the broken one is not declared.
            scene.expects = match change.expects {
                Some(expects) => expects,
                None if scene.rolled_back() => Expects::Rollback,
                None => Expects::Update,
            };
            OtherScene { change, scene }
        };
        changes.map(other).collect()
    }
}

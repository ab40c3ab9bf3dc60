//! What a change asks for: its specs, and how many replicas there should be, also where it alters their
//! number.

use std::collections::BTreeSet;

use super::scene::Scene;
use crate::Offset;
use crate::record::{EventKind, Expects, SpecMatch, StackFacts};
use crate::swarm::{HealthCheck, SpecChange, TaskState};

impl Scene<'_> {
    /// What the engine was sent, and what ran before; absent in records of version 0.1.0.
    pub(super) fn specs(&self) -> Option<&SpecChange> {
        self.events.iter().find_map(|event| match &event.kind {
            EventKind::Submitted { service, specs, .. } if service == self.service => {
                specs.as_deref()
            }
            _ => None,
        })
    }

    /// The health check of the version that was submitted.
    pub(super) fn new_check<'s>(&'s self, stack: &'s StackFacts) -> Option<&'s HealthCheck> {
        match self.specs() {
            Some(specs) => specs.after.health.as_ref(),
            None => stack.healthcheck.as_ref(),
        }
    }

    /// The number of replicas that the change asks for.
    pub(super) fn read_replicas(&self, submitted: Offset) -> u64 {
        let known = self.events.iter().find_map(|event| match &event.kind {
            EventKind::Submitted { service, replicas, .. } if service == self.service => *replicas,
            _ => None,
        });
        if let Some(known) = known {
            return known;
        }
        // Version 0.1.0 did not record it. Where Swarm removes or adds whole slots, it is the
        // number of slots that it wants in the end.
        if self.spec != SpecMatch::Submitted {
            return self.replicas;
        }
        let slots: BTreeSet<u64> =
            self.tasks.wanted().map(|life| life.last.slot).filter(|slot| *slot > 0).collect();
        let removed = self.tasks.lives.iter().any(|life| {
            life.last.desired == TaskState::Remove
                && life.told_to_stop.is_some_and(|told| told >= submitted)
        });
        let added = self.tasks.wanted().any(|life| {
            life.last.slot > self.replicas && life.first_seen >= submitted && self.watched()
        });
        let found = slots.len() as u64;
        let changed = (removed && found < self.replicas) || (added && found > self.replicas);
        if changed { found } else { self.replicas }
    }

    /// The number of replicas that there should be in the end.
    pub(super) fn wanted_replicas(&self) -> u64 {
        let restored = match self.spec {
            SpecMatch::Previous => true,
            SpecMatch::Submitted => false,
            SpecMatch::Other | SpecMatch::Unknown => self.rolled_back(),
        };
        let wanted = self.expects == Expects::Rollback || restored;
        if wanted { self.replicas } else { self.submitted_replicas }
    }

    /// The number of replicas that there should be at any time: while their number changes, the
    /// smaller one.
    pub(super) fn least_replicas(&self) -> u64 {
        self.replicas.min(self.submitted_replicas)
    }

    /// Whether the change asks for another number of replicas.
    pub(super) fn is_scaled(&self) -> bool {
        self.replicas != self.submitted_replicas
    }
}

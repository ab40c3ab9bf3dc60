//! What a plan is made for: a service, its surroundings, and how its versions behave.

use crate::Offset;
use crate::error::{Error, Result};
use crate::swarm::{EngineVersion, Order, Replaces, SpecChange};
use crate::swarm_model::{
    Behaviour, Behaviours, HopTimes, Input, NEWEST, Node, Races, SlotOrder, Spec, Version,
};
use crate::wording::count;

/// The most replicas of a service that are played.
pub const MOST_REPLICAS: u64 = 20_000;

/// What a plan is made for.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// The service, without the stack's prefix.
    pub service: String,
    /// The spec that the update asks for.
    pub spec: Spec,
    /// The spec that runs.
    pub previous: Spec,
    /// Which tasks the update replaces.
    pub replaces: Replaces,
    /// The release of the engine.
    pub engine: EngineVersion,
    /// The nodes of the swarm; empty for just enough to run the service.
    pub nodes: Vec<Node>,
    /// How a sound version behaves.
    pub sound: Behaviour,
    /// How the running and the new version behave, if the user says so.
    pub behaviours: Option<[Behaviours; 2]>,
    /// How long Swarm's own hops take.
    pub hops: HopTimes,
    /// The order in which slots are updated.
    pub order: SlotOrder,
    /// Decides what is left to chance.
    pub seed: u64,
}

impl Setting {
    /// A service whose versions are ready `boot` after their start and gone `stop` after their stop
    /// signal, on the newest engine and just enough nodes.
    #[must_use]
    pub fn new(service: impl Into<String>, spec: Spec, boot: Offset, stop: Offset) -> Self {
        Self {
            service: service.into(),
            previous: spec.clone(),
            spec,
            replaces: Replaces::Everything,
            engine: NEWEST,
            nodes: Vec::new(),
            sound: Behaviour::sound(boot, stop),
            behaviours: None,
            hops: HopTimes::default(),
            order: SlotOrder::Ascending,
            seed: 0,
        }
    }

    /// The same for a change from another spec.
    #[must_use]
    pub fn of_change(mut self, change: SpecChange) -> Self {
        self.spec = change.after;
        self.previous = change.before;
        self.replaces = change.replaces;
        self
    }

    /// Whether it is small enough to be played: an update of more replicas would take seconds.
    ///
    /// # Errors
    /// How many replicas it has, and how many are too many.
    pub fn check_size(&self) -> Result<()> {
        let all = self.slots().max(self.previous.replicas);
        if all <= MOST_REPLICAS {
            return Ok(());
        }
        Err(Error::usage(format!(
            "`{}` has {} replicas, and the model plays at most {}",
            self.service,
            count(all),
            count(MOST_REPLICAS)
        )))
    }

    /// The slots of the new spec.
    #[must_use]
    pub fn slots(&self) -> u64 {
        self.spec.slots_on(&self.nodes())
    }

    /// The nodes; if none are given, just as many as the running version needs.
    #[must_use]
    pub fn nodes(&self) -> Vec<Node> {
        if !self.nodes.is_empty() {
            return self.nodes.clone();
        }
        let spec = &self.previous;
        let least = match (spec.host_ports.is_empty(), spec.max_per_node) {
            (false, _) => spec.replicas,
            (true, 0) => 1,
            (true, most) => spec.replicas.div_ceil(most),
        };
        // A plan for more nodes than that would be one for another service.
        let count = usize::try_from(least.clamp(1, 10_000)).unwrap_or(1);
        vec![Node::default(); count]
    }

    /// The input for an update to a version that behaves like `new`.
    #[must_use]
    pub fn input(&self, old: impl Into<Behaviours>, new: impl Into<Behaviours>) -> Input {
        Input {
            old: Version { spec: self.previous.clone(), behaviours: old.into() },
            new: Version { spec: self.spec.clone(), behaviours: new.into() },
            replaces: self.replaces,
            others: Vec::new(),
            has_previous: true,
            engine: self.engine,
            nodes: self.nodes(),
            hops: self.hops,
            order: self.order.clone(),
            races: Races::default(),
            seed: self.seed,
            patience: Offset::from_millis(2 * 3600 * 1000),
        }
    }

    /// Failures that the update tolerates: the largest number of failed slots that does not exceed
    /// `max_failure_ratio`, compared in single precision as the engine does; all of them if Swarm
    /// does not watch at all.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "as the engine"
    )]
    pub fn tolerated(&self) -> u64 {
        let slots = self.slots();
        if self.spec.update.failure_action == crate::swarm::FailureAction::Continue {
            return slots;
        }
        let ratio = self.spec.update.max_failure_ratio as f32;
        let fits = |failed: &u64| *failed as f32 / slots as f32 <= ratio;
        let near = (f64::from(ratio) * slots as f64) as u64;
        (near.saturating_sub(1)..=near + 1)
            .filter(|failed| *failed <= slots)
            .rfind(fits)
            .unwrap_or(0)
    }

    /// Whether the update starts new tasks before it stops old ones.
    #[must_use]
    pub fn is_start_first(&self) -> bool {
        self.spec.update.order == Order::StartFirst
    }
}

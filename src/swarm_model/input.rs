//! Everything that a simulation depends on.

use std::collections::BTreeMap;

use super::task::VERSIONS;
use super::{Behaviour, Behaviours, HopTimes, Spec, Which};
use crate::Offset;
use crate::swarm::{EngineVersion, Replaces};

/// Everything that a simulation depends on. The same input always has the same outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// The version that runs.
    pub old: Version,
    /// The version that the update asks for.
    pub new: Version,
    /// Versions of which tasks are left from updates before this one; none in a simulation of one
    /// update.
    pub others: Vec<Version>,
    /// Which tasks of the old version Swarm replaces.
    pub replaces: Replaces,
    /// Whether the service has a spec to roll back to. After an automatic rollback it has none
    /// until the next update, which sets it again.
    pub has_previous: bool,
    /// The release of the engine.
    pub engine: EngineVersion,
    /// The nodes of the swarm.
    pub nodes: Vec<Node>,
    /// How long Swarm's own hops take.
    pub hops: HopTimes,
    /// The order in which slots are updated.
    pub order: SlotOrder,
    /// How the races of the engine end.
    pub races: Races,
    /// Decides what is left to chance: a random order, the share of an exception.
    pub seed: u64,
    /// An update that makes no progress for this long is taken to hang.
    pub patience: Offset,
}

/// A version of the service: its spec and how its processes behave.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// Its spec.
    pub spec: Spec,
    /// How its processes behave.
    pub behaviours: Behaviours,
}

impl Input {
    /// A version by its name; the newest for one that is not there.
    #[must_use]
    pub fn version(&self, which: Which) -> &Version {
        match which {
            Which::Old => &self.old,
            Which::New => &self.new,
            Which::Other(other) => self.others.get(usize::from(other)).unwrap_or(&self.new),
        }
    }

    /// Every version, in the order of their indices.
    pub(super) fn versions(&self) -> [&Version; VERSIONS] {
        let mut all = [&self.new; VERSIONS];
        all[0] = &self.old;
        for (place, other) in all[2..].iter_mut().zip(&self.others) {
            *place = other;
        }
        all
    }

    /// An update from a sound version to one that behaves like `new`, on one node of the newest
    /// engine.
    #[must_use]
    pub fn update(spec: Spec, old: impl Into<Behaviours>, new: impl Into<Behaviours>) -> Self {
        Self {
            old: Version { spec: spec.clone(), behaviours: old.into() },
            new: Version { spec, behaviours: new.into() },
            others: Vec::new(),
            replaces: Replaces::Everything,
            has_previous: true,
            engine: NEWEST,
            nodes: vec![Node::default()],
            hops: HopTimes::default(),
            order: SlotOrder::Ascending,
            races: Races::default(),
            seed: 0,
            patience: Offset::from_millis(2 * 3600 * 1000),
        }
    }

    /// An update in which both versions are sound: ready after `boot`, gone after `stop`.
    #[must_use]
    pub fn sound(spec: Spec, boot: Offset, stop: Offset) -> Self {
        let behaviour = Behaviour::sound(boot, stop);
        Self::update(spec, behaviour.clone(), behaviour)
    }
}

/// The engine that is assumed if none is named.
pub const NEWEST: EngineVersion = EngineVersion::new(29, 0, 0);

/// A node of the swarm.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Node {
    /// Its host name.
    pub hostname: String,
    /// Whether it is a manager; absent if not known, which fits every constraint.
    pub manager: Option<bool>,
    /// Its labels; absent if not known, which fits every constraint.
    pub labels: Option<BTreeMap<String, String>>,
    /// Its processors; absent for enough.
    pub cpus: Option<f64>,
    /// Its memory in bytes; absent for enough.
    pub memory: Option<u64>,
}

/// The order in which an updater takes the slots.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum SlotOrder {
    /// By their numbers, which is easiest to read.
    #[default]
    Ascending,
    /// At random by the seed. Swarm's own order is random too (the iteration of a Go map).
    Random,
    /// In these orders, which were seen in a run; slots that they lack come last. A rollback draws its
    /// own.
    Given {
        /// The slots of the update.
        update: Vec<u64>,
        /// The slots of its rollback.
        rollback: Vec<u64>,
    },
}

/// How the races of the engine end, which its source leaves open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Races {
    /// With `delay: 0`, a worker whose task has failed takes its next slot before the updater
    /// looks at the failure (moby #34894).
    pub over_dispatch: bool,
    /// The task that failed is replaced before the rollback changes the spec, so the replacement
    /// is one more task of the bad version, which the rollback then has to replace.
    pub restart_first: bool,
}

impl Races {
    /// Every way in which the races can end.
    pub const ALL: [Self; 4] = [
        Self { over_dispatch: false, restart_first: false },
        Self { over_dispatch: false, restart_first: true },
        Self { over_dispatch: true, restart_first: false },
        Self { over_dispatch: true, restart_first: true },
    ];
}

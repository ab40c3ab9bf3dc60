//! Tasks, slots and what is written down about them.

use crate::Offset;
use crate::swarm::TaskState;

/// The index of a task.
pub(super) type TaskId = u32;

/// No task, no node.
pub(super) const NONE: u32 = u32::MAX;

/// How many versions a swarm can tell apart.
pub(super) const VERSIONS: usize = 8;

/// A version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Which {
    /// The one that ran before the update.
    Old,
    /// The one that the update asks for.
    New,
    /// One of which tasks are left from an update before that, by its index in
    /// [`Input::others`](super::Input::others): only in a service that is followed
    /// ([`Live`](super::Live)).
    Other(u8),
}

impl Which {
    pub(super) fn index(self) -> usize {
        match self {
            Self::Old => 0,
            Self::New => 1,
            Self::Other(other) => (2 + usize::from(other)).min(VERSIONS - 1),
        }
    }
}

/// A task: what the manager and its node know of it.
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
#[derive(Debug, Clone)]
pub(super) struct Task {
    pub(super) slot: u32,
    pub(super) version: Which,
    /// The task before it in its slot.
    pub(super) before: TaskId,
    pub(super) node: u32,
    /// Its state on the node; `Assigned` until the container exists.
    pub(super) state: TaskState,
    pub(super) desired: TaskState,
    /// Which of its version's tasks in the slot it is, from 1.
    pub(super) nth: u32,
    /// The updater that made it; 0 for none.
    pub(super) updater: u32,
    /// The updater has counted its failure, or decided not to.
    pub(super) counted: bool,
    /// When the updater saw it running or ended.
    pub(super) start_seen: Option<Offset>,
    /// When the manager saw its end.
    pub(super) end_seen: Option<Offset>,
    /// It waits for the task that it replaces to stop, before Swarm lets it start.
    pub(super) waits: bool,
    /// Its end has been reported.
    pub(super) ended: bool,
    /// Its end has begun: what happens on the node is settled.
    pub(super) ending: bool,
    /// Its node stops it by itself, because it is unhealthy.
    pub(super) unhealthy: bool,
    /// When its process ends, once that is settled.
    pub(super) dies: Offset,
    /// The task that may start when this one has ended.
    pub(super) waiter: TaskId,
    /// Its replacement has to wait until then if it fails earlier.
    pub(super) promote_at: Offset,
    /// Since when it is in its state.
    pub(super) since: Offset,
    /// When its container started.
    pub(super) started: Option<Offset>,
    /// When it gets, or got, its stop signal.
    pub(super) signal: Option<Offset>,
    /// When its process ended.
    pub(super) died: Option<Offset>,
    pub(super) killed: bool,
    pub(super) exit_code: Option<i32>,
    /// Counts what was planned for it; an event of an older plan is void.
    pub(super) plan: u32,
}

impl Task {
    /// The manager wants it to run.
    pub(super) fn is_wanted(&self) -> bool {
        self.desired <= TaskState::Running
    }
}

/// A replica number, or a node of a global service.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub(super) newest: TaskId,
    /// Tasks that the manager wants to run.
    pub(super) wanted: u32,
    /// The task that a worker of the updater waits for.
    pub(super) awaited: TaskId,
    /// Tasks made of each version.
    pub(super) made: [u32; VERSIONS],
}

/// Something that happened to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: Offset,
    /// The task, by its index.
    pub task: u32,
    /// What.
    pub what: What,
}

/// What happened to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It was created.
    Created,
    /// Swarm wants it to prepare, but not to start yet.
    HeldBack,
    /// Swarm wants it to run.
    Wanted,
    /// Swarm wants it to stop.
    ToldToStop,
    /// No node has room for it.
    Pending(NoRoom),
    /// It has a node.
    Assigned,
    /// Its container exists.
    Ready,
    /// Its container is about to start.
    Starting,
    /// Its container has started.
    Started,
    /// Its container is healthy.
    Healthy,
    /// It is running, as Swarm counts.
    Running,
    /// Its container is unhealthy.
    Unhealthy,
    /// Its process has ended.
    Died,
    /// It has ended: `Complete`, `Shutdown`, `Failed` or `Rejected`.
    Ended(TaskState),
}

/// Why no node takes a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoRoom {
    /// A port that it publishes on its node is in use there.
    HostPort,
    /// `max_replicas_per_node` is reached.
    MaxReplicas,
    /// Its reservations do not fit.
    Resources,
    /// No node has what its constraints ask for.
    Constraints,
}

impl NoRoom {
    /// The engine's words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HostPort => "host-mode port already in use",
            Self::MaxReplicas => "max replicas per node limit exceed",
            Self::Resources => "insufficient resources",
            Self::Constraints => "scheduling constraints not satisfied",
        }
    }
}

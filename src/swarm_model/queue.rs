//! What is planned, and in which order it happens.

use std::cmp::Ordering;

use crate::Offset;

/// What happens next. The order within one instant is that of planning.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planned {
    pub(super) at: Offset,
    /// No two have the same.
    pub(super) order: u32,
    /// A task, or an updater.
    pub(super) id: u32,
    /// The task's plan that it belongs to.
    pub(super) plan: u32,
    pub(super) due: Due,
}

impl Planned {
    fn key(&self) -> (Offset, u32) {
        (self.at, self.order)
    }
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Planned {}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Planned {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// Kinds of planned events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// The manager takes the request.
    Submit,
    /// The orchestrator sees a change of the service.
    Changed,
    /// The scheduler looks for a node.
    Schedule,
    /// The scheduler tries again what found no node.
    Retry,
    /// The node has made the container.
    Prepared,
    /// The node learns that the task may start.
    MayStart,
    /// The node is about to start the container, and knows which others start with it.
    Launch,
    /// The container has started.
    Started,
    /// The container is healthy for the first time.
    Healthy,
    /// The container becomes unhealthy.
    Unhealthy,
    /// The process ends.
    Died,
    /// The task has its last state.
    Ended,
    /// The manager sees that the task runs.
    SeenRunning,
    /// The manager sees that the task has ended.
    SeenEnd,
    /// A replacement has waited its delay.
    Promote,
    /// A new task has waited long enough for the old one to stop.
    Timeout,
    /// The restart supervisor may replace the task now.
    Replace,
    /// A worker of an updater has waited its delay.
    WorkerFree,
    /// An updater has watched long enough.
    WatchEnds,
}

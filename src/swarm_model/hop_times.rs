//! How long each hop between Swarm's parts takes.

use serde::{Deserialize, Serialize};

use crate::Offset;

/// How long each hop between Swarm's parts takes: the part of a duration that no setting decides.
///
/// The defaults are medians of updates that were recorded on one node of engine 20.10.24 with two
/// processors (`tests/records/new-version-404` is one of them). [`HopTimes::measure`] takes them
/// from any other record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HopTimes {
    /// A request to the first tasks of its update.
    pub submit: Offset,
    /// A new task to its node: the scheduler waits 50 ms for more (swarmkit
    /// `manager/scheduler/scheduler.go`).
    pub schedule: Offset,
    /// A wish of the manager to its effect on the node: the dispatcher collects for 100 ms
    /// (swarmkit `manager/dispatcher/dispatcher.go`).
    pub deliver: Offset,
    /// Creating a container, without pulling its image.
    pub create: Offset,
    /// Starting a container.
    pub start: Offset,
    /// What each other container that starts on the node at the same time adds to that.
    pub crowd: Offset,
    /// Running a health check that answers at once.
    pub check: Offset,
    /// A state on the node to its effect in the manager, which collects for up to 100 ms. States
    /// that come meanwhile have their effect at the same moment.
    pub report: Offset,
    /// A task that is told to stop while it runs, starts or prepares, to the beginning of its end:
    /// the agent cancels what it does and tries again after 1 s (swarmkit `agent/task.go`).
    pub cancel: Offset,
    /// The wait between leaving the load balancer and the stop signal, for tasks with a network
    /// (moby `daemon/cluster/executor/container/controller.go`: 2 s, not configurable).
    pub drain: Offset,
    /// The end of a process to the task's last state.
    pub teardown: Offset,
}

impl HopTimes {
    /// The same where time passes so much faster.
    #[must_use]
    pub fn faster(self, speed: f64) -> Self {
        let faster = |hop: Offset| hop.at_speed(speed);
        Self {
            submit: faster(self.submit),
            schedule: faster(self.schedule),
            deliver: faster(self.deliver),
            create: faster(self.create),
            start: faster(self.start),
            crowd: faster(self.crowd),
            check: faster(self.check),
            report: faster(self.report),
            cancel: faster(self.cancel),
            drain: faster(self.drain),
            teardown: faster(self.teardown),
        }
    }
}

impl Default for HopTimes {
    fn default() -> Self {
        Self {
            submit: Offset::from_millis(3),
            schedule: Offset::from_millis(52),
            deliver: Offset::from_millis(100),
            create: Offset::from_millis(30),
            start: Offset::from_millis(330),
            crowd: Offset::from_millis(165),
            check: Offset::from_millis(60),
            report: Offset::from_millis(60),
            cancel: Offset::from_millis(1_000),
            drain: Offset::from_millis(2_000),
            teardown: Offset::from_millis(100),
        }
    }
}

//! What helps against a fault of a stack file: the number of its rule, the settings to paste, and why
//! they help.
//!
//! `lint` finds such faults in a file, and the judge finds them in what a run did. Both say what is
//! here, so that a report and the linter never give two answers. `rollproof lint --explain NUMBER` shows
//! the rule's page.

mod capacity;
mod entry;
mod health_check;
mod noticing;

pub use capacity::{
    a_task_at_a_time, fewer_at_once, longer_grace, one_replica, start_first_back, stop_first,
};
pub use entry::{PORT_OF_THE_RUN, keep_port_open};
pub use health_check::{asking, health_check};
pub use noticing::{
    longer_delay, longer_monitor, no_tolerance, pause_a_rollback, roll_back, whole_seconds_above,
};

use crate::stack::Paste;

/// What helps against one fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedy {
    /// The number of the rule that is about the fault, such as `SRU013`.
    pub rule: &'static str,
    /// The settings; the first one decides, the others have to go with it. Empty if a sentence has to
    /// do.
    pub settings: Vec<Paste>,
    /// Why they help, to follow a colon; or what to do, where no settings can be given.
    pub because: &'static str,
}

impl Remedy {
    fn new(rule: &'static str, settings: Vec<Paste>, because: &'static str) -> Self {
        Self { rule, settings, because }
    }

    /// The same with more settings.
    #[must_use]
    pub fn and(mut self, more: impl IntoIterator<Item = Paste>) -> Self {
        self.settings.extend(more);
        self
    }
}

/// The numbers of the rules that the judge speaks about.
pub mod rules {
    /// No health check.
    pub const HEALTH_CHECK_MISSING: &str = "SRU001";
    /// The health check kills a version that is slow to start.
    pub const SLOW_START_KILLED: &str = "SRU006";
    /// A failed update is paused.
    pub const FAILURE_PAUSES: &str = "SRU011";
    /// Failures are not looked at.
    pub const FAILURE_CONTINUES: &str = "SRU012";
    /// All replicas stop at once.
    pub const ALL_AT_ONCE: &str = "SRU013";
    /// A failure while others start is lost.
    pub const FAILURE_LOST: &str = "SRU014";
    /// Too few replicas are left.
    pub const CAPACITY_LOW: &str = "SRU015";
    /// Start-first and a host port.
    pub const HOST_PORT_START_FIRST: &str = "SRU016";
    /// Start-first and `max_replicas_per_node`.
    pub const NODE_LIMIT_START_FIRST: &str = "SRU017";
    /// Start-first and reservations.
    pub const SPARE_RESOURCES: &str = "SRU018";
    /// The rollback stops first.
    pub const ROLLBACK_STOPS_FIRST: &str = "SRU020";
    /// A rollback that rolls back.
    pub const ROLLBACK_ROLLS_BACK: &str = "SRU021";
    /// `monitor` is too short.
    pub const MONITOR_SHORT: &str = "SRU022";
    /// The delay is too short.
    pub const DELAY_SHORT: &str = "SRU024";
    /// Failures are tolerated.
    pub const FAILURES_TOLERATED: &str = "SRU026";
    /// The grace period is too short.
    pub const GRACE_SHORT: &str = "SRU030";
    /// A proxy that learns of tasks late.
    pub const PROXY_POLLS: &str = "SRU041";
}

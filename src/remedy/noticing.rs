//! So that a failure is noticed and undone.

use super::{Remedy, rules};
use crate::stack::Paste;
use crate::swarm::{FailureAction, Order, UpdatePolicy};

const FAILURE_ACTION: &str = "update_config.failure_action";

/// Roll back where Swarm pauses or does not look at failures at all. A rollback of a start-first update
/// has to start first too.
#[must_use]
pub fn roll_back(update: &UpdatePolicy, rollback: &UpdatePolicy) -> Remedy {
    let action = Paste::new(FAILURE_ACTION, "rollback");
    let back = update.order == Order::StartFirst && rollback.order != Order::StartFirst;
    let back = back.then(|| Paste::new("rollback_config.order", "start-first"));
    let (rule, because) = match update.failure_action {
        FailureAction::Continue => (
            rules::FAILURE_CONTINUES,
            "with `continue` Swarm does not look at failures, and replaces sound tasks by failing ones",
        ),
        _ => (rules::FAILURE_PAUSES, "Swarm then returns to the version that worked"),
    };
    Remedy::new(rule, vec![action], because).and(back)
}

/// Count the first failed task.
#[must_use]
pub fn no_tolerance() -> Remedy {
    let ratio = Paste::new("update_config.max_failure_ratio", "0");
    Remedy::new(rules::FAILURES_TOLERATED, vec![ratio], "the first failed task then counts")
}

/// Watch for so many seconds. `late` says that a task was sound before it failed: else the failure came
/// while Swarm waited for others to start.
#[must_use]
pub fn longer_monitor(seconds: f64, late: bool) -> Remedy {
    let monitor = Paste::new("update_config.monitor", format!("{seconds}s"));
    let rule = if late { rules::MONITOR_SHORT } else { rules::FAILURE_LOST };
    let because =
        "a failure that Swarm looks at later than `monitor` after the task's start does not count";
    Remedy::new(rule, vec![monitor], because)
}

/// Wait after each slot, longer than now.
#[must_use]
pub fn longer_delay(update: &UpdatePolicy) -> Remedy {
    let delay = whole_seconds_above(update.delay.max(1.0));
    let delay = Paste::new("update_config.delay", format!("{delay}s"));
    let because = "without it Swarm hands out the next slots before it looks at a failure";
    Remedy::new(rules::DELAY_SHORT, vec![delay], because)
}

/// Let a rollback that fails be seen.
#[must_use]
pub fn pause_a_rollback() -> Remedy {
    let pause = Paste::new("rollback_config.failure_action", "pause");
    let because = "with `rollback` Swarm calls a rollback that failed `completed`";
    Remedy::new(rules::ROLLBACK_ROLLS_BACK, vec![pause], because)
}

/// The first whole number of seconds above this.
#[must_use]
pub fn whole_seconds_above(seconds: f64) -> f64 {
    seconds.floor() + 1.0
}

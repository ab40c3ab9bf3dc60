//! So that enough replicas answer meanwhile.

use super::{Remedy, noticing::whole_seconds_above, rules};
use crate::stack::Paste;
use crate::swarm::{FailureAction, Order, UpdatePolicy};

/// Which of the two policies.
fn name(rollback: bool, [update, back]: [&'static str; 2]) -> &'static str {
    if rollback { back } else { update }
}

/// A third of the replicas at a time, where a policy stops more; absent where it does not, or where
/// there is one replica only.
#[must_use]
pub fn fewer_at_once(rollback: bool, policy: &UpdatePolicy, replicas: u64) -> Option<Remedy> {
    let third = (replicas / 3).max(1);
    let at_once = policy.at_once(replicas);
    let too_many = policy.order == Order::StopFirst && at_once > third;
    let key = name(rollback, ["update_config.parallelism", "rollback_config.parallelism"]);
    let rule = if at_once >= replicas { rules::ALL_AT_ONCE } else { rules::CAPACITY_LOW };
    let because = "the other replicas then answer meanwhile";
    (replicas > 1 && too_many)
        .then(|| Remedy::new(rule, vec![Paste::new(key, third.to_string())], because))
}

/// One node after the other, for a service with a task on each.
#[must_use]
pub fn a_task_at_a_time(rollback: bool) -> Remedy {
    let key = name(rollback, ["update_config.parallelism", "rollback_config.parallelism"]);
    let because = "the other replicas then answer meanwhile";
    Remedy::new(rules::ALL_AT_ONCE, vec![Paste::new(key, "1")], because)
}

/// For one replica: its successor answers before it stops, in a rollback too.
#[must_use]
pub fn one_replica(update: &UpdatePolicy, rollback: &UpdatePolicy) -> Remedy {
    let action = (update.failure_action != FailureAction::Rollback)
        .then(|| Paste::new("update_config.failure_action", "rollback"));
    let back = (rollback.order == Order::StopFirst)
        .then(|| Paste::new("rollback_config.order", "start-first"));
    let order = Paste::new("update_config.order", "start-first");
    let because = "the new task answers before the old one stops";
    Remedy::new(rules::CAPACITY_LOW, vec![order], because).and(action).and(back)
}

/// A rollback that starts first, as its update does.
#[must_use]
pub fn start_first_back() -> Remedy {
    let order = Paste::new("rollback_config.order", "start-first");
    let because = "replicas are then not missing just when a version has failed";
    Remedy::new(rules::ROLLBACK_STOPS_FIRST, vec![order], because)
}

/// Stop the old task first, in both directions, where a new one needs what the old one holds; absent
/// where that is so already. The rule says what it holds.
#[must_use]
pub fn stop_first(
    rule: &'static str,
    update: &UpdatePolicy,
    rollback: &UpdatePolicy,
    replicas: u64,
) -> Option<Remedy> {
    let mut settings = Vec::new();
    for (back, policy) in [(false, update), (true, rollback)] {
        if policy.order == Order::StartFirst {
            let stopping = UpdatePolicy { order: Order::StopFirst, ..policy.clone() };
            let order = name(back, ["update_config.order", "rollback_config.order"]);
            settings.push(Paste::new(order, "stop-first"));
            let fewer = fewer_at_once(back, &stopping, replicas);
            settings.extend(fewer.into_iter().flat_map(|fewer| fewer.settings));
        }
    }
    let because = match rule {
        rules::HOST_PORT_START_FIRST => {
            "the new task needs the host port that the old one still has"
        }
        rules::NODE_LIMIT_START_FIRST => "the new task needs the place that the old one still has",
        _ => "the new task needs the processors and memory that the old one still has",
    };
    (!settings.is_empty()).then(|| Remedy::new(rule, settings, because))
}

/// A grace period of more than so many seconds.
#[must_use]
pub fn longer_grace(seconds: f64) -> Remedy {
    let grace = Paste::new("stop_grace_period", format!("{}s", whole_seconds_above(seconds)));
    let because = "a task is then not killed while it finishes a request";
    Remedy::new(rules::GRACE_SHORT, vec![grace], because)
}

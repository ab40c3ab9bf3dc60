//! `deploy` and its parts.

use super::fields::{filled, given, list, number, text, texts};
use crate::stack::model::{Deploy, RestartPolicy, Share, UpdateConfig};

/// Merges `deploy` field by field.
pub(super) fn merge(base: &mut Deploy, later: Deploy) {
    text(&mut base.mode, later.mode);
    given(&mut base.replicas, later.replicas);
    texts(&mut base.labels, later.labels);
    both(&mut base.update_config, later.update_config, update_config);
    both(&mut base.rollback_config, later.rollback_config, update_config);
    both(&mut base.resources.limits, later.resources.limits, share);
    both(&mut base.resources.reservations, later.resources.reservations, share);
    both(&mut base.restart_policy, later.restart_policy, restart_policy);
    list(&mut base.placement.constraints, later.placement.constraints);
    list(&mut base.placement.preferences, later.placement.preferences);
    number(&mut base.placement.max_replicas, later.placement.max_replicas);
    text(&mut base.endpoint_mode, later.endpoint_mode);
}

/// Merges what both have, takes what only the later one has.
pub(super) fn both<T>(base: &mut Option<T>, later: Option<T>, merge: impl FnOnce(&mut T, T)) {
    match (base.as_mut(), later) {
        (Some(base), Some(later)) => merge(base, later),
        (None, later) => *base = later,
        (Some(_), None) => {}
    }
}

fn update_config(base: &mut UpdateConfig, later: UpdateConfig) {
    given(&mut base.parallelism, later.parallelism);
    number(&mut base.delay, later.delay);
    text(&mut base.failure_action, later.failure_action);
    number(&mut base.monitor, later.monitor);
    number(&mut base.max_failure_ratio, later.max_failure_ratio);
    text(&mut base.order, later.order);
}

fn share(base: &mut Share, later: Share) {
    if !later.cpus.is_empty() {
        base.cpus_mark = later.cpus_mark;
    }
    text(&mut base.cpus, later.cpus);
    number(&mut base.memory, later.memory);
    number(&mut base.pids, later.pids);
    list(&mut base.generic_resources, later.generic_resources);
}

fn restart_policy(base: &mut RestartPolicy, later: RestartPolicy) {
    text(&mut base.condition, later.condition);
    filled(&mut base.delay, later.delay);
    given(&mut base.max_attempts, later.max_attempts);
    filled(&mut base.window, later.window);
}

//! What to change, worded once for checks, causes and advice; values come from the stack's own
//! numbers.

use super::cause::Cause;
use super::remedies::{HEALTHCHECK, NODE, TASK_ERRORS};
use super::scene::Scene;
use super::task_failure::TaskFailure;
use super::waiting_fixes::{cannot_start, stuck};
use crate::record::{Expects, StackFacts};
use crate::swarm::{FailureAction, HealthCheck, Order, UpdateState};

/// One change that helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fix {
    /// Set this in the stack file.
    Set {
        /// `update_config` or `rollback_config`.
        block: &'static str,
        key: &'static str,
        value: String,
        /// Why that helps, to follow a colon.
        why: &'static str,
    },
    /// Something that no single setting does.
    Text {
        /// The setting that it is about, if it is about one.
        about: Option<&'static str>,
        text: String,
    },
}

impl Fix {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text { about: None, text: text.into() }
    }

    pub(super) fn about(setting: &'static str, text: impl Into<String>) -> Self {
        Self::Text { about: Some(setting), text: text.into() }
    }

    pub(super) fn update(key: &'static str, value: impl Into<String>, why: &'static str) -> Self {
        Self::Set { block: "update_config", key, value: value.into(), why }
    }

    fn rollback(key: &'static str, value: impl Into<String>, why: &'static str) -> Self {
        Self::Set { block: "rollback_config", key, value: value.into(), why }
    }

    /// As one sentence, for a check's remedy.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Set { block, key, value, why } => format!("set `{block}.{key}: {value}`: {why}"),
            Self::Text { text, .. } => text.clone(),
        }
    }

    /// The lines to paste.
    pub(super) fn lines(&self) -> Vec<String> {
        match self {
            Self::Set { block, key, value, .. } => {
                vec![format!("{block}:"), format!("  {key}: {value}")]
            }
            Self::Text { .. } => Vec::new(),
        }
    }

    /// What to do, where there are no lines to paste.
    pub(super) fn words(&self) -> Option<String> {
        match self {
            Self::Set { .. } => None,
            Self::Text { text, .. } => Some(text.clone()),
        }
    }

    /// Where the stack file has the setting, else its block, else the service.
    pub(super) fn place(&self, stack: &StackFacts) -> Option<String> {
        let (setting, block) = match self {
            Self::Set { block, key, .. } => (format!("{block}.{key}"), *block),
            Self::Text { about, .. } => ((*about)?.to_owned(), (*about)?),
        };
        let places = &stack.places;
        places
            .get(&setting)
            .or_else(|| places.get(block))
            .or_else(|| places.get("service"))
            .cloned()
    }
}

/// What to change for a service that is in a state which was not expected.
pub(super) fn state_fix(scene: &Scene, stack: &StackFacts) -> Fix {
    match scene.final_state() {
        // A version that should have worked needs a repair, not a rollback.
        UpdateState::Paused if scene.expects == Expects::Update => failing_version(scene),
        UpdateState::Paused => roll_back("Swarm then returns to the version that worked"),
        UpdateState::RollbackPaused => Fix::about(
            "rollback_config",
            "find out why the previous version fails too; `rollback_config.failure_action: \
             continue` finishes a rollback whatever fails",
        ),
        UpdateState::Updating | UpdateState::RollbackStarted => stuck(scene, stack),
        UpdateState::Completed if scene.rolled_back() => Fix::rollback(
            "failure_action",
            "pause",
            "with another value Swarm can overwrite the state of a failed rollback with `completed`",
        ),
        UpdateState::Completed if scene.expects == Expects::Rollback => not_noticed(scene, stack),
        UpdateState::None => Fix::text("check that the change replaces tasks at all"),
        _ => failing_version(scene),
    }
}

/// A version that should have worked failed.
fn failing_version(scene: &Scene) -> Fix {
    if let Some(loss) = scene.nodes.first().filter(|_| scene.is_stopped_by_a_node()) {
        return Fix::text(loss.remedy());
    }
    let Some(life) = scene.failed_task() else { return Fix::text(TASK_ERRORS) };
    match life.failure() {
        Some(TaskFailure::Unhealthy(_)) => Fix::about(
            "healthcheck",
            "make the new version pass its health check, or give it more time to start: \
             `healthcheck.start_period`",
        ),
        Some(TaskFailure::OutOfMemory) => {
            Fix::text("give the service more memory: `deploy.resources.limits.memory`")
        }
        Some(TaskFailure::Lost) | None => Fix::text(NODE),
        Some(
            TaskFailure::Rejected { error }
            | TaskFailure::NotStarted { error }
            | TaskFailure::StartFailed { error },
        ) => cannot_start(&error),
        Some(_) => Fix::text("fix what makes the new version end: `docker service logs` shows it"),
    }
}

fn roll_back(why: &'static str) -> Fix {
    Fix::update("failure_action", "rollback", why)
}

/// The broken version was not noticed.
fn not_noticed(scene: &Scene, stack: &StackFacts) -> Fix {
    let policy = &stack.update_config;
    if policy.failure_action == FailureAction::Continue {
        return roll_back("with `continue` Swarm does not look at failures");
    }
    let new = scene.new_generation();
    let mut failed = scene
        .tasks
        .lives
        .iter()
        .filter(|life| life.last.generation == new && scene.is_of_this(life))
        .filter_map(|life| Some((life.failed.or(life.unhealthy)?, life.running.or(life.started))))
        .peekable();
    if failed.peek().is_none() {
        return match stack.healthcheck {
            None => Fix::about(
                "healthcheck",
                "give the service a `healthcheck` that notices the failure",
            ),
            Some(_) => Fix::about(
                "healthcheck",
                "make the `healthcheck` notice the failure: the broken version passed it",
            ),
        };
    }
    if policy.max_failure_ratio > 0.0 {
        return Fix::update("max_failure_ratio", "0", "the first failed task then counts");
    }
    let seen = failed.filter_map(|(at, from)| Some((at - from?).as_secs_f64())).fold(0.0, f64::max);
    let takes = stack.healthcheck.as_ref().map_or(0.0, detection).max(seen);
    let monitor = above(takes);
    if monitor > policy.monitor {
        return Fix::update(
            "monitor",
            format!("{monitor}s"),
            "a failure that shows later than `monitor` after the task's start does not count",
        );
    }
    Fix::about(
        "update_config.monitor",
        "set `update_config.monitor` above the time between the first and the last task of the \
         update: Swarm looks at a failure only once all tasks have started",
    )
}

/// How long a failing health check takes to make a task unhealthy, in seconds.
fn detection(check: &HealthCheck) -> f64 {
    let retries = f64::from(u32::try_from(check.retries).unwrap_or(u32::MAX));
    retries * (check.interval + check.timeout) + check.start_period
}

/// The first whole number of seconds above this.
fn above(seconds: f64) -> f64 {
    seconds.floor() + 1.0
}

/// What to change for requests that failed of this cause; absent if nothing can be said.
pub(super) fn lost_requests(
    cause: Cause,
    expects: Expects,
    stack: &StackFacts,
    replicas: u64,
) -> Option<Fix> {
    match cause {
        Cause::NoHealthyReplica | Cause::HeldByProxy => Some(outage(expects, stack, replicas)),
        Cause::WrongAnswer if stack.healthcheck.is_none() => Some(Fix::about(
            "healthcheck",
            "give the service a `healthcheck` that asks for what users get: without one Swarm takes \
             every version that runs",
        )),
        Cause::WrongAnswer | Cause::NewTaskNotReady => {
            Some(Fix::about("healthcheck", cause.remedy()?))
        }
        _ => Some(Fix::text(cause.remedy()?)),
    }
}

/// No replica was serving.
fn outage(expects: Expects, stack: &StackFacts, replicas: u64) -> Fix {
    let (update, rollback) = (&stack.update_config, &stack.rollback_config);
    let third = (replicas / 3).max(1);
    let too_many = |policy: &crate::swarm::UpdatePolicy| {
        policy.order == Order::StopFirst && policy.at_once(replicas) > third
    };
    let fewer = "the other replicas then answer meanwhile";
    let own_entry = stack.entry.as_ref().filter(|entry| entry.service == stack.service);
    if replicas <= 1 && update.order == Order::StopFirst {
        if own_entry.is_some_and(|entry| entry.host_port) {
            return Fix::text(
                "run more than one replica, on several nodes that users reach all: one replica with \
                 a host-mode port always leaves a gap, because the next one needs that port",
            );
        }
        if stack.entry.is_some() && stack.healthcheck.is_some() {
            return Fix::update(
                "order",
                "start-first",
                "the new task answers before the old one stops",
            );
        }
        return Fix::about(
            "update_config.order",
            "set `update_config.order: start-first`, unless the service publishes ports in host \
             mode: with one replica, stop-first always leaves a gap",
        );
    }
    if replicas > 1 && too_many(update) {
        return Fix::update("parallelism", third.to_string(), fewer);
    }
    if replicas > 1 && expects == Expects::Rollback && too_many(rollback) {
        return Fix::rollback("parallelism", third.to_string(), fewer);
    }
    if stack.healthcheck.is_none() {
        return Fix::about("healthcheck", HEALTHCHECK);
    }
    if update.failure_action == FailureAction::Continue {
        return roll_back("with `continue` Swarm replaces sound tasks by failing ones");
    }
    Fix::text(TASK_ERRORS)
}

/// What to change for replicas that were missing.
pub(super) fn capacity_fix(scene: &Scene, stack: &StackFacts) -> Fix {
    if let Some(loss) = scene.nodes.first() {
        return Fix::text(loss.remedy());
    }
    let policy = &stack.update_config;
    let touched = scene.touched_before_rollback();
    if scene.rolled_back() && policy.parallelism > 0 && touched > policy.parallelism {
        return Fix::update(
            "delay",
            above(policy.delay.max(1.0)).to_string() + "s",
            "without it Swarm hands out the next slots before it looks at a failure",
        );
    }
    if policy.order == Order::StartFirst && stack.healthcheck.is_none() {
        return Fix::about("healthcheck", HEALTHCHECK);
    }
    Fix::text(TASK_ERRORS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::samples::meta;

    fn check() -> HealthCheck {
        HealthCheck {
            test: vec![],
            interval: 5.0,
            timeout: 3.0,
            retries: 3,
            start_period: 2.5,
            start_interval: None,
        }
    }

    fn stack(order: Order, parallelism: u64, health: bool) -> StackFacts {
        let mut stack = meta(&[]).stack;
        stack.update_config.order = order;
        stack.update_config.parallelism = parallelism;
        stack.healthcheck = health.then(check);
        stack
    }

    fn fix(stack: &StackFacts, replicas: u64) -> Fix {
        lost_requests(Cause::NoHealthyReplica, Expects::Update, stack, replicas).unwrap()
    }

    #[test]
    fn values_come_from_the_stacks_own_numbers() {
        for (replicas, third) in [(2, "1"), (3, "1"), (6, "2"), (10, "3")] {
            let lines = fix(&stack(Order::StopFirst, 0, true), replicas).lines();
            assert_eq!(lines[1], format!("  parallelism: {third}"), "{replicas}");
        }
        assert!((above(detection(&check())) - 27.0).abs() < 1e-9, "24 s and 2.5 s before");
    }

    #[test]
    fn one_replica_is_never_told_to_lower_its_parallelism() {
        for parallelism in [0, 1, 4] {
            let fix = fix(&stack(Order::StopFirst, parallelism, true), 1);
            assert!(fix.lines().is_empty());
            let text = fix.words().unwrap();
            assert!(text.contains("order: start-first") && text.contains("host"), "{text}");
        }
    }

    #[test]
    fn without_a_health_check_start_first_protects_nothing() {
        let fix = fix(&stack(Order::StartFirst, 2, false), 6);
        assert!(fix.sentence().contains("`healthcheck`"), "{}", fix.sentence());
    }

    #[test]
    fn a_place_is_the_settings_own_else_its_blocks_else_the_services() {
        let fix = roll_back("why");
        let mut stack = stack(Order::StopFirst, 1, true);
        assert_eq!(fix.place(&stack), None);
        for (key, place) in [
            ("service", "stack.yml:2"),
            ("update_config", "stack.yml:20"),
            ("update_config.failure_action", "stack.yml:23"),
        ] {
            stack.places.insert(key.to_owned(), place.to_owned());
            assert_eq!(fix.place(&stack).as_deref(), Some(place));
        }
    }
}

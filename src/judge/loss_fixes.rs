//! What to change for requests that were lost.

use super::cause::Cause;
use super::fix::Fix;
use super::fixes::roll_back;
use super::remedies::TASK_ERRORS;
use super::scene::Scene;
use crate::record::{Expects, StackFacts};
use crate::remedy::{self, rules};
use crate::swarm::{FailureAction, Order};

/// Lost requests of one cause.
pub(super) struct Lost {
    pub cause: Cause,
    /// If their task was killed: the longest that a good response usually takes, in seconds.
    pub killed_after_grace: Option<f64>,
    /// Whether the engine's kernel can publish ports in ingress mode.
    pub ipvs: bool,
}

/// What to change for them; absent if nothing can be said.
pub(super) fn lost_requests(lost: &Lost, scene: &Scene, stack: &StackFacts) -> Option<Fix> {
    let remedy = lost.cause.remedy();
    Some(match lost.cause {
        Cause::NoHealthyReplica | Cause::HeldByProxy => {
            let failing = scene.failed_task().is_some();
            outage(scene.expects, stack, scene.replicas, failing, lost.ipvs)
        }
        Cause::KilledBeforeFinished => match lost.killed_after_grace {
            Some(longest) => Fix::Set(remedy::longer_grace(longest)),
            None => Fix::text(remedy?).by(rules::GRACE_SHORT),
        },
        Cause::SentToStoppingTask => match stack.polling.as_ref() {
            Some(polling) if polling.is_late() && is_behind_proxy(stack) => {
                Fix::text(polling.remedy()).by(rules::PROXY_POLLS)
            }
            _ => Fix::text(remedy?),
        },
        Cause::WrongAnswer | Cause::NewTaskNotReady if stack.healthcheck.is_none() => {
            healthcheck(stack)
        }
        Cause::WrongAnswer | Cause::NewTaskNotReady => Fix::about("healthcheck", remedy?),
        _ => Fix::text(remedy?),
    })
}

/// Whether another service publishes the port that users ask.
fn is_behind_proxy(stack: &StackFacts) -> bool {
    stack.entry.as_ref().is_some_and(|entry| entry.service != stack.service)
}

/// No replica was serving; `failing` if tasks of the new version failed.
fn outage(expects: Expects, stack: &StackFacts, replicas: u64, failing: bool, ipvs: bool) -> Fix {
    let (update, rollback) = (&stack.update_config, &stack.rollback_config);
    let own_entry = stack.entry.as_ref().filter(|entry| entry.service == stack.service);
    if failing && update.failure_action == FailureAction::Continue {
        return roll_back(stack);
    }
    if replicas <= 1 && update.order == Order::StopFirst {
        if own_entry.is_some_and(|entry| entry.host_port) {
            return Fix::text(if stack.ports_moved {
                remedy::PORT_OF_THE_RUN.to_owned()
            } else {
                remedy::keep_port_open(&stack.service, Some(ipvs))
            });
        }
        if stack.entry.is_none() {
            return Fix::about(
                "update_config.order",
                "set `update_config.order: start-first`, unless the service publishes ports in host \
                 mode: with one replica, stop-first always leaves a gap",
            )
            .by(rules::CAPACITY_LOW);
        }
        let order = remedy::one_replica(update, rollback);
        let test = stack.own_url.as_deref().map(remedy::asking);
        let check = stack
            .healthcheck
            .is_none()
            .then(|| remedy::health_check(test, stack.healthcheck_off).settings);
        return Fix::Set(order.and(check.into_iter().flatten()));
    }
    if let Some(fewer) = remedy::fewer_at_once(false, update, replicas) {
        return Fix::Set(fewer);
    }
    let of_rollback = remedy::fewer_at_once(true, rollback, replicas);
    if let Some(fewer) = of_rollback.filter(|_| expects == Expects::Rollback) {
        return Fix::Set(fewer);
    }
    if stack.healthcheck.is_none() {
        return healthcheck(stack);
    }
    Fix::text(TASK_ERRORS)
}

/// A health check that asks for what users get.
pub(super) fn healthcheck(stack: &StackFacts) -> Fix {
    let test = stack.own_url.as_deref().map(remedy::asking);
    Fix::of("healthcheck", remedy::health_check(test, stack.healthcheck_off))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::EntryFacts;
    use crate::record::samples::meta;
    use crate::swarm::HealthCheck;

    fn stack(order: Order, parallelism: u64, health: bool) -> StackFacts {
        let mut stack = meta(&[]).stack;
        stack.update_config.order = order;
        stack.update_config.parallelism = parallelism;
        stack.healthcheck = health.then(|| HealthCheck {
            test: vec![],
            interval: 5.0,
            timeout: 3.0,
            retries: 3,
            start_period: 2.5,
            start_interval: None,
        });
        stack
    }

    fn fix(stack: &StackFacts, replicas: u64) -> Fix {
        outage(Expects::Update, stack, replicas, false, false)
    }

    fn behind(stack: &mut StackFacts, service: &str, host_port: bool) {
        stack.entry = Some(EntryFacts {
            service: service.to_owned(),
            replicas: Some(1),
            host_port,
            moved: false,
            order: Order::StopFirst,
        });
    }

    #[test]
    fn a_third_of_the_replicas_at_once() {
        for (replicas, third) in [(2, "1"), (3, "1"), (6, "2"), (10, "3")] {
            let lines = fix(&stack(Order::StopFirst, 0, true), replicas).lines();
            assert_eq!(lines[1], format!("  parallelism: {third}"), "{replicas}");
        }
    }

    #[test]
    fn one_replica_is_never_told_to_lower_its_parallelism() {
        for parallelism in [0, 1, 4] {
            let mut stack = stack(Order::StopFirst, parallelism, true);
            let text = fix(&stack, 1).words().unwrap();
            assert!(text.contains("order: start-first") && text.contains("host"), "{text}");
            behind(&mut stack, "demo_proxy", true);
            let lines = fix(&stack, 1).lines();
            assert_eq!(lines[..2], ["update_config:", "  order: start-first"]);
            let own = stack.service.clone();
            behind(&mut stack, &own, true);
            let text = fix(&stack, 1).words().unwrap();
            assert!(text.contains("another proxy") && !text.contains("ingress"), "{text}");
            let text = outage(Expects::Update, &stack, 1, false, true).words().unwrap();
            assert!(text.contains("mode: ingress"), "{text}");
        }
    }

    #[test]
    fn without_a_health_check_start_first_protects_nothing() {
        let mut stack = stack(Order::StartFirst, 2, false);
        let text = fix(&stack, 6).words().unwrap();
        assert!(text.contains("`healthcheck`"), "{text}");
        stack.own_url = Some("http://localhost:8000/shop".to_owned());
        let lines = fix(&stack, 6).lines();
        let line =
            "  test: [\"CMD-SHELL\", \"wget -q --spider http://localhost:8000/shop || exit 1\"]";
        assert_eq!((lines[0].as_str(), lines[2].as_str()), ("healthcheck:", line));
    }

    #[test]
    fn a_version_that_fails_is_no_matter_of_parallelism() {
        let mut stack = stack(Order::StopFirst, 0, true);
        stack.update_config.failure_action = FailureAction::Continue;
        let fix = outage(Expects::Update, &stack, 6, true, false);
        assert_eq!(fix.lines(), ["update_config:", "  failure_action: rollback"]);
    }
}

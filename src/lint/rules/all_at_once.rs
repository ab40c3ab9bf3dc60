//! SRU013: all replicas stop at once.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: rules::ALL_AT_ONCE,
    name: "all-at-once",
    severity: Severity::Error,
    title: "stop-first with all replicas at once is an outage",
    why: "Swarm stops the replicas that it updates before it starts new ones. If those are all, nobody \
          answers until the first new one is ready.",
    page: "\
Error if the update is stop-first and `parallelism` is 0, which means all, or not less than the number of
replicas. Warning if that holds for `rollback_config` only: `docker service rollback` is then an outage,
and so is a rollback late in an update. Services with one replica are the subject of SRU015.

The figure is the time in which no replica can answer, from the model.

Sources: swarmkit manager/orchestrator/update/updater.go; seen in real runs of stacks/naive.yml.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    if s.replicas < 2 {
        return Vec::new();
    }
    let all = |policy: &UpdatePolicy| {
        let all = policy.at_once(s.replicas) == s.replicas;
        let certain = !s.spec().global || policy.parallelism == 0;
        policy.order == Order::StopFirst && all && certain
    };
    let fewer = |back: bool| {
        let policy = if back { s.rollback() } else { s.update() };
        remedy::fewer_at_once(back, policy, s.replicas)
            .unwrap_or_else(|| remedy::a_task_at_a_time(back))
    };
    if all(s.update()) {
        let outage = s.good().map(outage);
        let takes =
            outage.map_or_else(String::new, |time| format!(" for {}", wording::length(time)));
        let message = format!("{} at once: no replica answers{takes}", stops(s.update(), s));
        return vec![
            Draft::new("update_config.parallelism", message)
                .time("outage_s", outage)
                .remedy(fewer(false)),
        ];
    }
    if s.sets("rollback_config") && all(s.rollback()) {
        let message =
            format!("a rollback: {} at once, and no replica answers", stops(s.rollback(), s));
        let draft = Draft::new("rollback_config.parallelism", message).severity(Severity::Warning);
        return vec![draft.remedy(fewer(true))];
    }
    Vec::new()
}

fn stops(policy: &UpdatePolicy, s: &Subject) -> String {
    let all =
        if s.spec().global { "every node".to_owned() } else { counted(s.replicas, "replica") };
    match policy.parallelism {
        0 => format!("`parallelism` is 0, so Swarm stops all {all}"),
        number => format!("`parallelism` is {number}, so Swarm stops all {all}"),
    }
}

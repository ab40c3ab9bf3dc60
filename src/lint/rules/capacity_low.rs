//! SRU015: too few replicas are left.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: rules::CAPACITY_LOW,
    name: "capacity-low",
    severity: Severity::Warning,
    title: "stop-first leaves too few replicas",
    why: "With stop-first the replicas that are being updated are missing. With one replica, nobody \
          answers.",
    page: "\
Warning if a service that users reach has one replica and is updated stop-first: every update is an
outage, whose length the model predicts. Hint if start-first cannot help, because the service has a port
in host mode, a writable volume or the image of a database. Warning too if less than half of several replicas can answer
in a good update. All replicas at once are the subject of SRU013.

Sources: moby#29148, #40589.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    if s.update().order != Order::StopFirst || s.spec().global || s.replicas == 0 {
        return Vec::new();
    }
    let Some(outcome) = s.good() else { return Vec::new() };
    if s.replicas == 1 {
        return if s.serves_users() { vec![one_replica(s, outage(outcome))] } else { Vec::new() };
    }
    let lowest = outcome.lowest_serving();
    if s.update().at_once(s.replicas) == s.replicas || lowest * 2 >= s.replicas {
        return Vec::new();
    }
    let message = format!("in an update only {}", answering(lowest, s.replicas));
    let draft = Draft::new("update_config.parallelism", message).count("lowest_serving", lowest);
    let fewer = remedy::fewer_at_once(false, s.update(), s.replicas);
    vec![fewer.into_iter().fold(draft, Draft::remedy)]
}

fn one_replica(s: &Subject, outage: Offset) -> Draft {
    let length = wording::length(outage);
    let message = format!("one replica, stop-first: each update is an outage of {length} or more");
    let draft = Draft::new("update_config.order", message)
        .or_about("update_config")
        .or_about("replicas")
        .time("outage_s", outage);
    if s.has_host_port() {
        return draft.severity(Severity::Hint).help(remedy::keep_port_open("it", None));
    }
    if s.keeps_data() {
        return draft.severity(Severity::Hint).help(
            "start-first would have two tasks write to its data: replicate it by \
             its own means, or plan the outage",
        );
    }
    let draft = draft.remedy(remedy::one_replica(s.update(), s.rollback()));
    if s.spec().health.is_some() {
        draft
    } else {
        draft.help("give it a health check too: start-first needs one")
    }
}

//! SRU001: nothing tells Swarm whether a replica can answer.

use super::prelude::*;

pub(super) static RULE: Rule = Rule {
    number: rules::HEALTH_CHECK_MISSING,
    name: "health-check-missing",
    severity: Severity::Error,
    title: "no health check tells Swarm whether a replica can answer",
    why: "Without a health check a task counts as running as soon as its process starts. Swarm \
          sends it requests at once, and start-first stops the old task before the new one answers.",
    page: "\
Error if the health check is turned off (`disable: true` or `NONE`) in a service that users reach or
that has several replicas. Warning if the file sets none in a service that users reach or that is
updated start-first: its image may have a HEALTHCHECK. Images that are known to have one are no finding;
with `--image-facts` the engine is asked. Hint for other services with several replicas.

A health check is Swarm's only gate: a task enters the load balancer and its DNS name when the first
check passes. A version that starts and does not answer otherwise replaces every replica, and the update
is called completed.

Sources: moby daemon/cluster/executor/container/controller.go; moby#30321, #32079, #43081.",
    check,
};

fn check(s: &Subject) -> Vec<Draft> {
    let off = s.body.turns_health_check_off();
    if s.spec().health.is_some()
        || s.spec().replicas == 0
        || (!off && s.image().is_none() && s.image_is_known_to_check())
    {
        return Vec::new();
    }
    let reached = s.serves_users();
    let severity = match (off, reached || (off && s.is_replicated()), s.is_start_first()) {
        (true, true, _) => Severity::Error,
        (false, true, _) | (_, _, true) => Severity::Warning,
        _ if s.is_replicated() => Severity::Hint,
        _ => return Vec::new(),
    };
    let lowest = s.good().filter(|_| s.knows_replicas()).map(Outcome::lowest_answering);
    let (about, what) = if off {
        ("healthcheck.disable", "the health check is turned off".to_owned())
    } else {
        let unless = if s.image().is_some() { "" } else { ", unless the image has one" };
        ("healthcheck", ["no health check", unless].concat())
    };
    let cost = match lowest {
        Some(lowest) if s.is_start_first() && lowest < s.replicas => format!(
            "{} in an update to a version that needs {} to be ready",
            answering(lowest, s.replicas),
            wording::setting(s.setting.sound.boot.as_secs_f64())
        ),
        _ => "a task gets requests as soon as its process starts".to_owned(),
    };
    let draft = Draft::new(about, format!("{what}: {cost}"))
        .severity(severity)
        .count("lowest_answering", lowest);
    vec![draft.remedy(remedy::health_check(test(s), off))]
}

/// A test that asks what the service offers; absent if that is not known.
fn test(s: &Subject) -> Option<String> {
    let known = match s.image_name() {
        "postgres" | "postgis" | "timescaledb" | "pgvector" => r#"["CMD", "pg_isready"]"#,
        "redis" => r#"["CMD", "redis-cli", "ping"]"#,
        "valkey" => r#"["CMD", "valkey-cli", "ping"]"#,
        "mysql" => r#"["CMD", "mysqladmin", "ping", "-h", "127.0.0.1"]"#,
        "mariadb" => r#"["CMD", "healthcheck.sh", "--connect", "--innodb_initialized"]"#,
        "mongo" => r#"["CMD", "mongosh", "--quiet", "--eval", "db.runCommand('ping').ok"]"#,
        "rabbitmq" => r#"["CMD", "rabbitmq-diagnostics", "-q", "ping"]"#,
        _ if s.is_database() => return None,
        _ => {
            let ports = s.body.published_ports();
            let port = ports.iter().find(|port| port.protocol == PortProtocol::Tcp)?.target;
            let url = format!("http://127.0.0.1:{port}/");
            return Some(remedy::asking(&url));
        }
    };
    Some(known.to_owned())
}

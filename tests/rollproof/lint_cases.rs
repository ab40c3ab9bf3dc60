//! What each rule of `lint` finds, and what it does not.

use rollproof::Offset;
use rollproof::lint::{Conditions, ImageFacts, Severity};
use rollproof::swarm::EngineVersion;

use crate::lint_health_cases::health_cases;

use Severity::{Error, Hint, Warning};

/// A case: a rule, how serious it is here, a service that breaks it, and one that does not.
pub(crate) struct Case {
    pub(crate) rule: &'static str,
    pub(crate) severity: Severity,
    pub(crate) breaks: &'static str,
    pub(crate) keeps: &'static str,
    pub(crate) conditions: fn() -> Conditions,
    /// It has no lines to paste, or lines that merging cannot apply.
    pub(crate) no_paste: bool,
}

pub(crate) fn case(
    rule: &'static str,
    severity: Severity,
    breaks: &'static str,
    keeps: &'static str,
) -> Case {
    Case { rule, severity, breaks, keeps, conditions: Conditions::default, no_paste: false }
}

/// An engine that has the image of the cases.
pub(crate) fn with_image(healthcheck: Option<serde_json::Value>, lacks: &[&str]) -> Conditions {
    let lacks = lacks.iter().map(|tool| (*tool).to_owned()).collect();
    let facts = ImageFacts { healthcheck, lacks };
    let images = std::iter::once(("example/app:1".to_owned(), facts)).collect();
    Conditions { images, ..Conditions::default() }
}

#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = health_cases();
    cases.extend([
        case(
            "SRU010",
            Warning,
            "deploy: {replicas: 2}",
            "deploy: {replicas: 2, update_config: {delay: 1s}}",
        ),
        case("SRU010", Hint, "deploy: {mode: global}", "deploy: {replicas: 1}"),
        case(
            "SRU011",
            Warning,
            "deploy: {update_config: {delay: 1s}}",
            "deploy: {update_config: {failure_action: rollback}}",
        ),
        case(
            "SRU012",
            Error,
            "deploy: {update_config: {failure_action: continue}}",
            "deploy: {update_config: {failure_action: pause}}",
        ),
        case(
            "SRU013",
            Error,
            "deploy: {replicas: 6, update_config: {parallelism: 0}}",
            "deploy: {replicas: 6, update_config: {parallelism: 0, order: start-first}}",
        ),
        case(
            "SRU013",
            Error,
            "deploy: {replicas: 2, update_config: {parallelism: 2}}",
            "deploy: {replicas: 3, update_config: {parallelism: 2}}",
        ),
        case(
            "SRU013",
            Error,
            "deploy: {mode: global, update_config: {parallelism: 0}}",
            "deploy: {mode: global, update_config: {parallelism: 5}}",
        ),
        case(
            "SRU013",
            Warning,
            "deploy: {replicas: 4, update_config: {order: start-first}, rollback_config: {parallelism: 0}}",
            "deploy: {replicas: 4, update_config: {order: start-first}, rollback_config: {order: start-first, parallelism: 0}}",
        ),
        case(
            "SRU014",
            Error,
            "healthcheck: {test: [CMD, a], interval: 20s}\ndeploy: {replicas: 3, update_config: {parallelism: 0, order: start-first}}",
            "healthcheck: {test: [CMD, a], interval: 2s}\ndeploy: {replicas: 3, update_config: {parallelism: 0, order: start-first}}",
        ),
        case(
            "SRU014",
            Warning,
            "healthcheck: {test: [CMD, a], interval: 20s}\ndeploy: {replicas: 4, update_config: {parallelism: 2}}",
            "healthcheck: {test: [CMD, a], interval: 20s}\ndeploy: {replicas: 4, update_config: {parallelism: 1}}",
        ),
        case("SRU015", Warning, "ports: ['80:80']", "ports: ['80:80']\ndeploy: {replicas: 2}"),
        case(
            "SRU015",
            Warning,
            "deploy: {labels: {traefik.enable: 'true'}}",
            "deploy: {labels: {traefik.enable: 'true'}, update_config: {order: start-first}}",
        ),
        Case {
            no_paste: true,
            ..case(
                "SRU015",
                Hint,
                "ports: [{target: 80, published: 80, mode: host}]",
                "deploy: {labels: {traefik.enable: 'false'}}",
            )
        },
        case(
            "SRU015",
            Warning,
            "deploy: {replicas: 5, update_config: {parallelism: 3}}",
            "deploy: {replicas: 4, update_config: {parallelism: 2}}",
        ),
        case(
            "SRU027",
            Warning,
            "deploy: {restart_policy: {condition: none}, update_config: {order: start-first, failure_action: continue}}",
            "deploy: {restart_policy: {condition: none}, update_config: {order: start-first}}",
        ),
        case(
            "SRU027",
            Warning,
            "deploy: {replicas: 6, restart_policy: {condition: none}, update_config: {order: start-first, max_failure_ratio: 1}}",
            "deploy: {replicas: 6, restart_policy: {condition: none}, update_config: {order: start-first, max_failure_ratio: 0.9}}",
        ),
        case(
            "SRU027",
            Warning,
            "healthcheck: {test: [CMD, a]}\ndeploy: {restart_policy: {condition: on-failure}, update_config: {order: start-first, failure_action: continue}}",
            "deploy: {restart_policy: {condition: on-failure}, update_config: {order: start-first, failure_action: continue}}",
        ),
        Case {
            no_paste: true,
            ..case(
                "SRU027",
                Warning,
                "deploy: {restart_policy: {max_attempts: 2, delay: 1s}, update_config: {order: start-first, failure_action: continue}}",
                "deploy: {restart_policy: {max_attempts: 2, delay: 1s}, update_config: {failure_action: continue}}",
            )
        },
        case(
            "SRU016",
            Warning,
            "ports: [{target: 80, published: 80, mode: host}]\ndeploy: {replicas: 2, update_config: {order: start-first}}",
            "ports: [{target: 80, published: 80}]\ndeploy: {replicas: 2, update_config: {order: start-first}}",
        ),
        case(
            "SRU016",
            Error,
            "ports: [{target: 80, published: 80, mode: host}]\ndeploy: {mode: global, update_config: {order: start-first}}",
            "ports: [{target: 80, published: 80, mode: host}]\ndeploy: {mode: global}",
        ),
        Case {
            conditions: || Conditions { nodes: Some(2), ..Conditions::default() },
            ..case(
                "SRU016",
                Error,
                "ports: [{target: 80, published: 80, mode: host}]\ndeploy: {replicas: 2, update_config: {order: start-first}}",
                "ports: [{target: 80, published: 80, mode: host}]\ndeploy: {replicas: 1, update_config: {order: start-first}}",
            )
        },
        Case {
            conditions: || Conditions { nodes: Some(3), ..Conditions::default() },
            ..case(
                "SRU017",
                Error,
                "deploy: {replicas: 3, update_config: {order: start-first}, placement: {max_replicas_per_node: 1}}",
                "deploy: {replicas: 3, update_config: {order: start-first}, placement: {max_replicas_per_node: 2}}",
            )
        },
        case(
            "SRU017",
            Warning,
            "deploy: {replicas: 3, update_config: {order: start-first}, placement: {max_replicas_per_node: 1}}",
            "deploy: {replicas: 3, update_config: {order: start-first}}",
        ),
        Case {
            no_paste: true,
            ..case(
                "SRU018",
                Hint,
                "deploy: {update_config: {order: start-first}, resources: {reservations: {cpus: '1', memory: 1G}}}",
                "deploy: {update_config: {order: start-first}, resources: {limits: {cpus: '1', memory: 1G}}}",
            )
        },
        case(
            "SRU019",
            Error,
            "image: postgres:17\nvolumes: ['data:/var/lib/postgresql/data']\ndeploy: {update_config: {order: start-first}}",
            "image: postgres:17\nvolumes: ['data:/var/lib/postgresql/data']\ndeploy: {update_config: {order: stop-first}}",
        ),
        Case {
            no_paste: true,
            ..case(
                "SRU019",
                Hint,
                "volumes: ['data:/uploads']\ndeploy: {update_config: {order: start-first}}",
                "volumes: ['data:/uploads:ro']\ndeploy: {update_config: {order: start-first}}",
            )
        },
        case(
            "SRU020",
            Warning,
            "deploy: {update_config: {order: start-first, failure_action: rollback}}",
            "deploy: {update_config: {order: start-first, failure_action: rollback}, rollback_config: {order: start-first}}",
        ),
        case(
            "SRU020",
            Warning,
            "deploy: {update_config: {order: start-first, failure_action: rollback}, rollback_config: {parallelism: 1}}",
            "deploy: {update_config: {order: stop-first, failure_action: rollback}}",
        ),
        case(
            "SRU021",
            Error,
            "deploy: {rollback_config: {failure_action: rollback}}",
            "deploy: {rollback_config: {failure_action: pause}}",
        ),
        // 3 checks of 10 s, 2 s in the load balancer, and the stop: 33 s.
        case(
            "SRU022",
            Warning,
            "healthcheck: {test: [CMD, a], interval: 10s}\ndeploy: {update_config: {monitor: 31s}}",
            "healthcheck: {test: [CMD, a], interval: 10s}\ndeploy: {update_config: {monitor: 34s}}",
        ),
        case(
            "SRU022",
            Warning,
            "healthcheck: {test: [CMD, a], interval: 2s}\ndeploy: {update_config: {delay: 1s}}",
            "healthcheck: {test: [CMD, a], interval: 2s}",
        ),
        case(
            "SRU023",
            Warning,
            "deploy: {update_config: {monitor: 0s}}",
            "deploy: {update_config: {monitor: 1s}}",
        ),
        case(
            "SRU023",
            Warning,
            "deploy: {rollback_config: {monitor: 0s}}",
            "deploy: {rollback_config: {delay: 0s}}",
        ),
        case(
            "SRU024",
            Hint,
            "deploy: {replicas: 6, update_config: {parallelism: 2, failure_action: rollback}}",
            "deploy: {replicas: 6, update_config: {parallelism: 2, failure_action: rollback, delay: 2s}}",
        ),
        Case {
            conditions: || Conditions {
                engine: Some(EngineVersion::new(20, 10, 9)),
                ..Conditions::default()
            },
            ..case(
                "SRU025",
                Error,
                "deploy: {update_config: {delay: 5s}}",
                "deploy: {update_config: {delay: 4s}}",
            )
        },
        Case {
            no_paste: true,
            ..case(
                "SRU026",
                Warning,
                "deploy: {replicas: 6, update_config: {max_failure_ratio: 0.17}}",
                "deploy: {replicas: 6, update_config: {max_failure_ratio: 0.16}}",
            )
        },
        Case {
            no_paste: true,
            ..case(
                "SRU026",
                Error,
                "deploy: {replicas: 6, update_config: {max_failure_ratio: 0.5}}",
                "deploy: {replicas: 6, update_config: {max_failure_ratio: 0.1}}",
            )
        },
        Case {
            conditions: || Conditions {
                stop: Some(Offset::from_millis(12_000)),
                ..Conditions::default()
            },
            ..case("SRU030", Error, "init: true", "stop_grace_period: 15s")
        },
        case("SRU030", Hint, "ports: ['80:80']", "ports: ['80:80']\nstop_grace_period: 10s"),
        case(
            "SRU031",
            Warning,
            "stop_grace_period: 90s\nvolumes: ['data:/data']",
            "stop_grace_period: 60s\nvolumes: ['data:/data']",
        ),
        case(
            "SRU031",
            Hint,
            "stop_grace_period: 90s",
            "stop_grace_period: 90s\ndeploy: {update_config: {order: start-first}}",
        ),
        case("SRU032", Warning, "stop_signal: SIGKILL", "stop_signal: SIGUSR1"),
        case(
            "SRU032",
            Warning,
            "image: nginx:1.27\nstop_signal: SIGTERM",
            "image: nginx:1.27\nstop_signal: SIGQUIT",
        ),
        case(
            "SRU034",
            Error,
            "ports: ['80:80']\ndeploy: {restart_policy: {condition: none}}",
            "ports: ['80:80']\ndeploy: {restart_policy: {condition: any}}",
        ),
        case(
            "SRU034",
            Warning,
            "healthcheck: {test: [CMD, a]}\nrestart: on-failure",
            "healthcheck: {test: [CMD, a]}\nrestart: always",
        ),
        Case {
            no_paste: true,
            ..case(
                "SRU035",
                Warning,
                "deploy: {replicas: 2, restart_policy: {max_attempts: 3}}",
                "deploy: {replicas: 2, restart_policy: {max_attempts: 0}}",
            )
        },
        Case {
            no_paste: true,
            ..case(
                "SRU041",
                Warning,
                "deploy: {replicas: 2, labels: {traefik.enable: 'true'}}",
                "deploy: {replicas: 2, labels: {traefik.enable: 'true', traefik.swarm.lbswarm: 'true'}}",
            )
        },
        Case { no_paste: true, ..case("SRU050", Warning, "image: nginx", "image: nginx:1.27") },
        Case {
            no_paste: true,
            ..case("SRU050", Warning, "image: example.org:5000/a:latest", "image: a:latest-1")
        },
        Case {
            no_paste: true,
            ..case(
                "SRU054",
                Hint,
                "deploy: {restart_policy: {condition: none}}",
                "deploy: {mode: replicated-job, restart_policy: {condition: none}}",
            )
        },
    ]);
    cases
}

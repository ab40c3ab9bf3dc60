//! Every fix that is a change of the stack file, on a real swarm: a stack has one fault, the report
//! gives lines to change, and with exactly those lines in the stack file the same run passes. `make test`
//! runs one of each kind, `make test-fixes` all.

use super::workplace::{Workplace, docker, sound};
use serde_json::Value;

use super::faulty::*;

#[test]
fn all_at_once_becomes_a_third_of_the_replicas() {
    let report = Faulty {
        name: "f-once",
        service: CHECKED,
        deploy: "
      replicas: 3
      update_config: {parallelism: 0, monitor: 1s}",
        proxy: ONE_TRY,
        run: &["update"],
    }
    .is_fixed_by("update_config.parallelism is 0", &["parallelism: 1"]);
    let causes = report["scenarios"][0]["causes"].as_array().unwrap();
    assert!(causes.iter().any(|one| one["cause"] == "no-healthy-replica"), "{causes:#?}");
}

#[test]
#[ignore = "one more of its kind: `make test-fixes` runs all"]
fn a_rollback_of_all_at_once_becomes_a_third_of_the_replicas() {
    Faulty {
        name: "f-back",
        service: CHECKED_WITH_SLOT,
        deploy: "
      replicas: 3
      update_config: {order: start-first, monitor: 15s, failure_action: rollback}
      rollback_config: {parallelism: 0, monitor: 1s}",
        proxy: CAREFUL,
        run: &["broken-update", "--health-cmd", FAILS_LATE, "--deadline", "500ms"],
    }
    .is_fixed_by("rollback_config.parallelism is 0", &["parallelism: 1"]);
}

#[test]
#[ignore = "one more of its kind: `make test-fixes` runs all"]
fn one_missing_failure_action_is_one_cause() {
    Faulty {
        name: "f-pause",
        service: CHECKED,
        deploy: "
      replicas: 2
      update_config: {order: start-first, monitor: 4s}
      rollback_config: {order: start-first, monitor: 1s}",
        proxy: CAREFUL,
        run: &["broken-update", "--deadline", "10s"],
    }
    .is_fixed_by(
        "update_config.failure_action is \"pause\" (the default)",
        &["failure_action: rollback"],
    );
}

#[test]
#[ignore = "one more of its kind: `make test-fixes` runs all"]
fn a_swarm_that_continues_has_to_roll_back() {
    Faulty {
        name: "f-continue",
        service: FAILS_ONCE_STACK,
        deploy: "
      replicas: 3
      update_config: {order: start-first, monitor: 4s, failure_action: continue}
      rollback_config: {order: start-first, monitor: 1s}",
        proxy: CAREFUL,
        run: &["broken-update", "--health-cmd", FAILS_ONCE, "--deadline", "10s"],
    }
    .is_fixed_by(
        "update_config.failure_action is \"continue\"",
        &["[\"update_config:\",\"  failure_action: rollback\"]"],
    );
}

#[test]
#[ignore = "one more of its kind: `make test-fixes` runs all"]
fn a_ratio_that_allows_failures_becomes_zero() {
    Faulty {
        name: "f-ratio",
        service: FAILS_ONCE_STACK,
        deploy: "
      replicas: 3
      update_config:
        order: start-first
        monitor: 4s
        max_failure_ratio: 0.5
      rollback_config: {order: start-first, monitor: 1s}",
        proxy: CAREFUL,
        run: &["broken-update", "--health-cmd", FAILS_ONCE, "--deadline", "10s"],
    }
    .is_fixed_by(
        "max_failure_ratio is 0.5",
        &["[\"update_config:\",\"  max_failure_ratio: 0\",\"  failure_action: rollback\"]"],
    );
}

#[test]
#[ignore = "one more of its kind: `make test-fixes` runs all"]
fn a_monitor_that_is_too_short_becomes_longer() {
    Faulty {
        name: "f-monitor",
        service: CHECKED_WITH_SLOT,
        deploy: "
      replicas: 3
      update_config: {order: start-first, monitor: 4s, failure_action: rollback}
      rollback_config: {order: start-first, monitor: 1s}",
        proxy: CAREFUL,
        run: &["broken-update", "--health-cmd", FAILS_LATE, "--settle", "8s", "--deadline", "10s"],
    }
    .is_fixed_by("update_config.monitor is 4 s", &["monitor: "]);
}

#[test]
#[ignore = "one more of its kind: `make test-fixes` runs all"]
fn one_replica_starts_its_successor_first() {
    Faulty {
        name: "f-one",
        service: CHECKED,
        deploy: "
      replicas: 1
      update_config: {monitor: 1s}",
        proxy: ONE_TRY,
        run: &["update"],
    }
    .is_fixed_by("update_config.order is stop-first (the default)", &["order: start-first"]);
}

#[test]
#[ignore = "one more of its kind: `make test-fixes` runs all"]
fn one_replica_without_a_health_check_needs_both() {
    Faulty {
        name: "f-both",
        service: "
    environment: {ROLLPROOF_START_DELAY: 2s}
    healthcheck:
      disable: true",
        deploy: "
      replicas: 1
      update_config: {monitor: 1s}",
        proxy: ONE_TRY,
        run: &["update"],
    }
    .is_fixed_by(
        "update_config.order is stop-first (the default)",
        &["order: start-first", "wget -q --spider http://localhost:8000/"],
    );
}

#[test]
#[ignore = "one more of its kind: `make test-fixes` runs all"]
fn a_new_task_that_is_not_ready_needs_a_health_check() {
    Faulty {
        name: "f-ready",
        service: "
    environment: {ROLLPROOF_START_DELAY: 3s}
    healthcheck:
      disable: true",
        deploy: "
      replicas: 2
      update_config: {order: start-first, delay: 500ms, monitor: 1s}",
        proxy: ONE_TRY,
        run: &["update"],
    }
    .is_fixed_by("lost: sent to a new task that was not ready yet", &["wget -q --spider"]);
}

#[test]
#[ignore = "one more of its kind: `make test-fixes` runs all"]
fn a_grace_period_has_to_be_longer_than_a_request() {
    Faulty {
        name: "f-grace",
        service: "
    stop_grace_period: 1s
    healthcheck: {test: [CMD, /rollproof-app, health], interval: 500ms, timeout: 2s}",
        deploy: "
      replicas: 3
      update_config: {order: start-first, delay: 500ms, monitor: 1s}",
        proxy: CAREFUL,
        run: &["update", "--streams", "proxy-slow,proxy-fresh"],
    }
    .is_fixed_by("its container was stopped before it had finished", &["stop_grace_period: 5s"]);
}

#[test]
#[ignore = "one more of its kind: `make test-fixes` runs all"]
fn a_full_node_stops_the_old_task_first() {
    Faulty {
        name: "f-full",
        service: CHECKED,
        deploy: "
      replicas: 3
      placement: {max_replicas_per_node: 3}
      update_config: {parallelism: 3, order: start-first, monitor: 1s}",
        proxy: CAREFUL,
        run: &["update"],
    }
    .is_fixed_by("update_config.order is start-first", &["order: stop-first", "parallelism: 1"]);
}

#[test]
fn a_host_port_stops_the_old_task_first() {
    host_port_stops_the_old_task_first(&Workplace::simulated());
}

#[test]
#[ignore = "one more of its kind: `make test-fixes` runs all"]
fn a_host_port_of_a_real_engine_stops_the_old_task_first() {
    host_port_stops_the_old_task_first(&Workplace::shared());
}

/// On one node, a port in host mode belongs to one task: `start-first` waits for ever. With
/// `stop-first` the update goes through, and only something else that has the port closes the gap.
fn host_port_stops_the_old_task_first(place: &Workplace) {
    let file = place.file(
        "stack.yml",
        &format!(
            r#"version: "3.8"
services:
  app:
    image: rollproof/app:v1{CHECKED}
    ports: [{{target: 8000, published: {}, mode: host}}]
    deploy:
      endpoint_mode: dnsrr
      update_config: {{order: start-first, monitor: 1s}}
"#,
            place.port()
        ),
    );
    let fault =
        Faulty { name: "f-port", service: "", deploy: "", proxy: CAREFUL, run: &["update"] };
    let advice = only_advice(&fault.report(place, &file, "f-port"));
    assert!(advice["because"].as_str().unwrap().contains("update_config.order is start-first"));
    assert_eq!(advice["lines"], serde_json::json!(["update_config:", "  order: stop-first"]));
    place.run(&["down", "f-port"]).expect(0);
    let fixed = with_fix(place, &file, &advice);
    let report = fault.report(place, &fixed, "f-port-fixed");
    let advice = only_advice(&report);
    assert_eq!(report["scenarios"][0]["update"]["final_state"], "completed");
    assert_eq!(report["scenarios"][0]["causes"][0]["cause"], "no-healthy-replica");
    let said = [&report["scenarios"][0]["causes"], &advice].map(Value::to_string).concat();
    assert!(!said.contains("proxy held") && !said.contains("parallelism"), "{said}");
    assert!(advice["text"].as_str().unwrap().contains("another proxy"), "{advice:#}");
}

/// Behind a proxy on two nodes, the same fix loses nothing.
#[test]
#[ignore = "one more of its kind: `make test-fixes` runs all"]
fn a_host_port_behind_a_proxy_loses_nothing_when_the_old_task_stops_first() {
    let place = Workplace::alone();
    place.run(&["lab", "up", "--nodes", "2"]).expect(0);
    place.run(&["build"]).expect(0);
    let url = format!("http://{}:{}/", place.published_host(), place.port());
    Faulty {
        name: "f-metrics",
        service: "
    ports: [{target: 8000, published: 9100, mode: host}]
    healthcheck: {test: [CMD, /rollproof-app, health], interval: 500ms, timeout: 2s}",
        deploy: "
      replicas: 2
      update_config: {parallelism: 2, order: start-first, monitor: 1s}
      rollback_config: {parallelism: 2, order: start-first}",
        proxy: CAREFUL,
        run: &["update", "--url", &url],
    }
    .is_fixed_on(&place, "update_config.order is start-first", &["order: stop-first"]);
}

/// A broken version that nothing notices, because the service has no health check.
#[test]
#[ignore = "one more of its kind: `make test-fixes` runs all"]
fn a_version_that_runs_and_does_not_answer_needs_a_health_check() {
    let place = Workplace::shared();
    let deploy = "
      replicas: 2
      update_config: {order: start-first, monitor: 2s, failure_action: rollback}
      rollback_config: {order: start-first, monitor: 1s}";
    let off = "
    healthcheck:
      disable: true";
    let file = stack_file(&place, off, deploy, CAREFUL);
    let watched = |file: &str, name: &str| {
        place.run(&["deploy", "-c", file, name]).expect(0);
        let service = format!("{name}_app");
        let watch = ["watch", &service, "--json", "--expect", "rollback"];
        let mut watch = place.start(&[&watch[..], &SHORT[..]].concat());
        place.wait_for("err", "waiting for an update of");
        let update = ["service", "update", "--detach", "--args", "--port 9000", &service];
        docker(&place.docker_host(), &update).expect(0);
        watch.wait().unwrap();
        let out = std::fs::read_to_string(place.path().join("out")).unwrap();
        place.run(&["down", name]).expect(0);
        serde_json::from_str::<Value>(&out).unwrap()
    };
    let advice = only_advice(&watched(&file, "f-blind"));
    assert!(advice["because"].as_str().unwrap().contains("no task failed"), "{advice:#}");
    let fixed = with_fix(&place, &file, &advice);
    sound(&watched(&fixed, "f-blind-fixed"));
}

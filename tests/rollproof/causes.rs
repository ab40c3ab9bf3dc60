//! Stacks that lose requests for exactly one reason each: the report has to name that reason. They run on
//! a real swarm, or on a simulated one if what it does is the same there. `make test` runs what nothing
//! else shows on a real swarm, `make test-fixes` all.

use serde_json::Value;

use super::workplace::{Workplace, sound};

/// A stack that is right but for one thing.
#[derive(Clone, Copy)]
struct Stack {
    /// Lines of the application's environment.
    environment: &'static str,
    healthcheck: &'static str,
    stop_grace_period: &'static str,
    update_config: &'static str,
    /// The proxy's way to its replicas.
    proxy: &'static str,
}

const CHECKED: &str =
    "{test: [CMD, /rollproof-app, health], interval: 500ms, timeout: 2s, retries: 3}";
const ONE_AT_A_TIME: &str = "{parallelism: 1, order: start-first, delay: 500ms, monitor: 1s}";
/// The least that is probed before and after each update.
const SHORT: [&str; 4] = ["--baseline", "1s", "--settle", "1s"];
/// A request each ten milliseconds shows every fault here that lasts.
const RATE: [&str; 2] = ["--rate", "100"];
/// Looks the replicas up every second and tries another one.
const CAREFUL: &str = "
        dynamic a {
            name tasks.app
            port 8000
            refresh 1s
        }
        lb_try_duration 2s
        lb_try_interval 50ms";
/// Holds addresses for longer than a task takes to stop, and tries only one.
const STALE: &str = "
        dynamic a {
            name tasks.app
            port 8000
            refresh 20s
        }
        transport http {
            dial_timeout 300ms
        }";
/// The same for shorter, and tries another one.
const STALE_WITH_RETRIES: &str = "
        dynamic a {
            name tasks.app
            port 8000
            refresh 6s
        }
        transport http {
            dial_timeout 400ms
        }
        lb_try_duration 5s
        lb_try_interval 20ms";
/// Looks the replicas up every second and tries only one.
const ONE_TRY: &str = "
        dynamic a {
            name tasks.app
            port 8000
            refresh 1s
        }";

const GOOD: Stack = Stack {
    environment: "",
    healthcheck: CHECKED,
    stop_grace_period: "10s",
    update_config: ONE_AT_A_TIME,
    proxy: CAREFUL,
};

impl Stack {
    fn deploy(&self, place: &Workplace, name: &str) {
        let caddyfile = format!(
            "{{\n    admin off\n}}\n:80 {{\n    reverse_proxy {{{}\n    }}\n}}\n",
            self.proxy
        );
        place.file("Caddyfile", &caddyfile);
        let text = format!(
            r#"
version: "3.8"
services:
  app:
    image: rollproof/app:v1
    environment:
      ROLLPROOF_SLOT: "{{{{.Task.Slot}}}}"
{environment}
    networks: [web]
    healthcheck: {healthcheck}
    stop_grace_period: {grace}
    deploy:
      replicas: 3
      endpoint_mode: dnsrr
      restart_policy: {{condition: any, delay: 500ms}}
      update_config: {update}
  proxy:
    image: rollproof/caddy:2
    configs: [{{source: caddyfile, target: /etc/caddy/Caddyfile}}]
    networks: [web]
    ports: [{{target: 80, published: {port}, mode: host}}]
configs:
  caddyfile: {{file: ./Caddyfile}}
networks:
  web: {{}}
"#,
            environment = self.environment,
            healthcheck = self.healthcheck,
            grace = self.stop_grace_period,
            update = self.update_config,
            port = place.port(),
        );
        place.run(&["deploy", "-c", &place.file("stack.yml", &text), name]).expect(0);
    }

    /// The report after an update with these arguments. The stack's name is the test's own.
    fn update(&self, name: &str, args: &[&str]) -> Value {
        self.update_on(&Workplace::large_shared(), name, args)
    }

    fn update_on(&self, place: &Workplace, name: &str, args: &[&str]) -> Value {
        self.deploy(place, name);
        let rate = if args.contains(&"--rate") { &[][..] } else { &RATE[..] };
        let ended = place.run(&[&["update", "--json"], &SHORT[..], rate, args].concat());
        let report = ended.json();
        // A copy for whoever asks why a test failed.
        eprintln!("{}", place.run(&["report"]).out);
        report
    }

    /// The same, of a stack that loses requests: its scenario.
    fn lossy_update(&self, name: &str, args: &[&str]) -> Value {
        self.lossy_update_on(&Workplace::large_shared(), name, args)
    }

    fn lossy_update_on(&self, place: &Workplace, name: &str, args: &[&str]) -> Value {
        let report = self.update_on(place, name, args);
        assert_eq!(report["verdict"], "fail", "{:#}", report["because"]);
        report["scenarios"][0].clone()
    }
}

/// The causes found, the most frequent first.
fn causes(scenario: &Value) -> Vec<&str> {
    let causes = scenario["causes"].as_array().unwrap();
    causes.iter().map(|group| group["cause"].as_str().unwrap()).collect()
}

#[track_caller]
fn only(scenario: &Value, cause: &str) {
    assert_eq!(causes(scenario), [cause], "{:#}", scenario["causes"]);
    assert!(scenario["causes"][0]["remedy"].is_string());
    let failure = &scenario["failures"][0];
    assert!(failure["nearest"]["slot"].as_u64().is_some() || cause == "no-healthy-replica");
}

#[test]
fn the_good_stack_loses_nothing_and_held_connections_move() {
    let streams = "proxy-fresh,proxy-keepalive,proxy-post,proxy-slow,proxy-websocket,proxy-events";
    let report = GOOD.update("good", &["--streams", streams]);
    sound(&report);
    let scenario = &report["scenarios"][0];
    assert_eq!(causes(scenario), [""; 0]);
    for name in ["proxy-websocket", "proxy-events"] {
        let (_, held) = held(scenario, name);
        assert_eq!((held["cut"].as_u64(), held["closed"].as_u64()), (Some(0), Some(0)), "{held:#}");
        // Each is on one of three tasks, all of which are replaced.
        assert!(held["moved"].as_u64() >= held["connections"].as_u64(), "{held:#}");
        assert_eq!(held["not_back"], 0);
    }
}

/// The failed requests of a stream, and what became of its held connections.
fn held(scenario: &Value, name: &str) -> (Value, Value) {
    let streams = scenario["streams"].as_array().unwrap();
    let stream = streams.iter().find(|stream| stream["name"] == name).unwrap();
    (stream["failed"].clone(), stream["held"].clone())
}

#[test]
fn a_proxy_that_holds_addresses_sends_to_stopping_tasks() {
    let scenario =
        Stack { proxy: STALE, ..GOOD }.lossy_update("stale", &["--streams", "proxy-fresh"]);
    only(&scenario, "sent-to-stopping-task");
}

#[test]
fn a_proxy_that_tries_another_replica_hides_failures() {
    // The deadline leaves time for several attempts.
    let report = Stack { proxy: STALE_WITH_RETRIES, ..GOOD }.update(
        "retries",
        // The proxy looks the last new replica up some seconds after it has started.
        &["--streams", "proxy-fresh,control", "--deadline", "4s", "--settle", "8s"],
    );
    sound(&report);
    let scenario = &report["scenarios"][0];
    assert_eq!(causes(scenario), [""; 0]);
    let masked = scenario["masked"].as_array().unwrap();
    let hidden: u64 = masked.iter().map(|group| group["count"].as_u64().unwrap()).sum();
    // A machine that is too busy to tell is no failure, but has to be told.
    let lag =
        scenario["checks"].as_array().unwrap().iter().find(|check| check["name"] == "probe-lag");
    assert!(hidden > 0 || lag.unwrap()["verdict"] == "inconclusive", "{masked:#?}");
}

#[test]
fn a_server_that_closes_kept_connections_under_requests() {
    let scenario = Stack { environment: "      ROLLPROOF_DROP_ON_STOP: 'true'", ..GOOD }
        .lossy_update("drops", &["--streams", "overlay-keepalive", "--rate", "200"]);
    // Each of the three replicas may also drop the one request that it is just answering.
    let causes = causes(&scenario);
    let in_hand = &scenario["causes"][1];
    match &causes[..] {
        ["kept-connection-closed"] => {}
        ["kept-connection-closed", "killed-before-finished"]
            if in_hand["failed"].as_u64() <= Some(3) => {}
        _ => panic!("{:#}", scenario["causes"]),
    }
    assert!(scenario["causes"][0]["remedy"].is_string());
    assert!(scenario["failures"][0]["nearest"]["slot"].is_u64());
}

#[test]
#[ignore = "`make test-fixes` runs it"]
fn a_short_grace_period_kills_what_is_in_hand() {
    let scenario = Stack { stop_grace_period: "1s", ..GOOD }
        .lossy_update("killed", &["--streams", "proxy-slow,proxy-fresh"]);
    only(&scenario, "killed-before-finished");
}

#[test]
fn held_connections_are_cut_without_a_goodbye() {
    let scenario = Stack { environment: "      ROLLPROOF_ON_STOP: exit", ..GOOD }
        .lossy_update("held-cut", &["--streams", "proxy-fresh,proxy-websocket"]);
    let (failed, held) = held(&scenario, "proxy-websocket");
    assert_eq!((held["moved"].as_u64(), held["closed"].as_u64()), (Some(0), Some(0)), "{held:#}");
    assert_eq!(held["cut"], failed);
    let groups = scenario["causes"].as_array().unwrap();
    let cut = groups.iter().find(|group| group["cause"] == "held-connection-cut").unwrap();
    assert_eq!(held["cut"], cut["failed"], "{groups:#?}");
    assert!(cut["remedy"].as_str().unwrap().contains("1001"));
    let failures = scenario["failures"].as_array().unwrap();
    let first = failures.iter().find(|one| one["cause"] == "held-connection-cut").unwrap();
    assert!(first["nearest"]["slot"].is_u64(), "{first:#}");
}

#[test]
#[ignore = "`make test-fixes` runs it"]
fn everything_at_once_leaves_no_healthy_replica() {
    let scenario =
        Stack { update_config: "{parallelism: 0, order: stop-first, monitor: 1s}", ..GOOD }
            .lossy_update("at-once", &["--streams", "proxy-fresh"]);
    let causes = causes(&scenario);
    assert!(!causes.is_empty());
    let known = ["no-healthy-replica", "held-by-proxy"];
    assert!(causes.iter().all(|cause| known.contains(cause)), "{:#}", scenario["causes"]);
}

#[test]
#[ignore = "`make test-fixes` runs it"]
fn without_a_health_check_a_new_task_gets_requests_too_early() {
    let scenario = Stack {
        healthcheck: "{disable: true}",
        environment: "      ROLLPROOF_START_DELAY: 2s",
        update_config: "{parallelism: 1, order: start-first, delay: 4s, monitor: 1s}",
        proxy: ONE_TRY,
        ..GOOD
    }
    .lossy_update("unchecked", &["--streams", "proxy-fresh"]);
    only(&scenario, "new-task-not-ready");
}

#[test]
fn a_replica_that_crashes_is_no_ones_update() {
    crashes(&Workplace::simulated());
}

#[test]
#[ignore = "`make test-fixes` runs it"]
fn a_replica_that_crashes_on_a_real_engine_is_no_ones_update() {
    crashes(&Workplace::large_shared());
}

fn crashes(place: &Workplace) {
    let args = ["--streams", "proxy-fresh", "--env", "ROLLPROOF_CRASH_AFTER=3s"];
    let scenario = Stack { proxy: ONE_TRY, ..GOOD }.lossy_update_on(place, "crashes", &args);
    let causes = causes(&scenario);
    assert!(causes.contains(&"replica-failed"), "{:#}", scenario["causes"]);
}

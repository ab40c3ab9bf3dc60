//! The next version of a whole stack: every changed service is judged, and so is the stack.

use serde_json::Value;

use super::workplace::{UNHURRIED, Workplace, docker};

/// Two services that change. `WORKER` is what the worker's health check asks.
const STACK: &str = r#"version: "3.8"
services:
  app:
    image: rollproof/app:VERSION
    networks: [web]
    healthcheck: &check { test: ["CMD", "/rollproof-app", "health"], interval: 500ms, retries: 2 }
    deploy: &deploy
      replicas: 2
      endpoint_mode: dnsrr
      update_config: &quick { order: start-first, delay: 500ms, monitor: 2s, failure_action: rollback }
      rollback_config: *quick
  worker:
    image: rollproof/app:VERSION
    networks: [web]
    configs: [{ source: settings, target: /settings }]
    healthcheck: { test: ["CMD-SHELL", "WORKER"], interval: 500ms, retries: 2 }
    deploy: { <<: *deploy, replicas: 1 }
  proxy:
    image: rollproof/caddy:2
    configs: [{ source: caddyfile, target: /etc/caddy/Caddyfile }]
    networks: [web]
    ports: [{ target: 80, published: PORT, mode: host }]
configs:
  caddyfile: { file: ./Caddyfile.dnsrr }
  settings: { file: ./settings-VERSION, name: "STACK-settings-VERSION" }
networks: { web: {} }
"#;

fn versions(place: &Workplace, stack: &str) -> (String, String) {
    let caddyfile = std::fs::read_to_string(super::workplace::example("Caddyfile.dnsrr")).unwrap();
    place.file("Caddyfile.dnsrr", &caddyfile);
    let version = |version: &str, worker: &str| {
        place.file(&format!("settings-{version}"), version);
        let port = place.port().to_string();
        let text = STACK.replace("VERSION", version).replace("WORKER", worker);
        let text = text.replace("STACK", stack).replace("PORT", &port);
        place.file(&format!("{version}.yml"), &text)
    };
    (version("v1", "true"), version("v2", "false"))
}

fn scenario(report: &Value) -> &Value {
    &report["scenarios"][0]
}

#[track_caller]
fn check<'a>(checks: &'a Value, name: &str) -> &'a Value {
    let found = checks.as_array().unwrap().iter().find(|check| check["name"] == name);
    found.unwrap_or_else(|| panic!("no check {name} in {checks:#}"))
}

fn spec(host: &str, service: &str) -> Value {
    docker(host, &["service", "inspect", service]).expect(0).json()[0]["Spec"].clone()
}

/// One service is fine, the other one is broken: Swarm leaves a mixed stack.
#[test]
fn a_stack_of_which_one_service_is_rolled_back_is_mixed() {
    let place = Workplace::simulated();
    place.run(&["lab", "up"]).expect(0);
    let (old, next) = versions(&place, "mixed");
    let args = ["verify", "mixed", "-c", &old, "--to", &next, "--scenario", "update", "--json"];
    let args = [&args[..], &["--streams", "proxy-fresh", "--no-self-test"], &UNHURRIED].concat();
    let ended = place.run(&args).expect(1);
    let report = ended.json();
    let one = scenario(&report);
    assert_eq!(one["update"]["final_state"], "completed", "{one:#}");
    assert!(one["change"].as_str().unwrap().starts_with("image rollproof/app:v1 → "), "{one:#}");
    let worker = &one["services"][0];
    assert_eq!((&worker["service"], &worker["verdict"]), (&"mixed_worker".into(), &"fail".into()));
    assert_eq!(worker["update"]["rolled_back"], true);
    assert_eq!(check(&worker["checks"], "not-rolled-back")["verdict"], "fail");
    let mixed = check(&one["checks"], "one-version");
    assert_eq!(
        mixed["because"],
        "the stack is mixed: mixed_app is on the new version, mixed_worker is rolled back"
    );
    assert_eq!(one["services"].as_array().unwrap().len(), 1, "the proxy is as it was");
    let because = report["because"].as_array().unwrap()[0].as_str().unwrap();
    assert!(because.contains("mixed_worker: Swarm rolled the update back"), "{because}");
    assert_eq!(docker(&place.docker_host(), &["stack", "services", "-q", "mixed"]).out.trim(), "");
}

/// What a broken version left is undone, and what it created is gone.
#[test]
fn a_broken_next_version_is_undone() {
    let place = Workplace::simulated();
    place.run(&["lab", "up"]).expect(0);
    let host = place.docker_host();
    let (old, next) = versions(&place, "undone");
    place.run(&["deploy", "undone", "-c", &old]).expect(0);
    let before = ["undone_app", "undone_worker", "undone_proxy"].map(|name| spec(&host, name));

    let same = place.run(&["update", "undone", "--to", &old]).expect(2);
    assert!(same.err.contains("changes nothing"), "{}", same.err);
    let settings = place.file("settings-v1", "another text");
    let differs = place.run(&["update", "undone", "--to", &old]).expect(2);
    assert!(differs.err.contains("config undone-settings-v1 exists with another content"));
    std::fs::write(settings, "v1").unwrap();

    let args = ["broken-update", "undone", "--to", &next, "--service", "worker", "--json"];
    let ended = place.run(&[&args[..], &UNHURRIED].concat()).expect(1);
    let report = ended.json();
    let one = scenario(&report);
    assert_eq!(check(&one["checks"], "rollback-happened")["verdict"], "pass", "{one:#}");
    let mixed = check(&one["checks"], "one-version")["because"].as_str().unwrap().to_owned();
    assert!(mixed.contains("undone_app is on the new version"), "{mixed}");

    let after = ["undone_app", "undone_worker", "undone_proxy"].map(|name| spec(&host, name));
    assert_eq!(after, before);
    let configs = docker(&host, &["config", "ls", "--format", "{{.Name}}"]).expect(0).out;
    assert!(configs.contains("undone-settings-v1"), "{configs}");
    assert!(!configs.contains("undone-settings-v2"), "{configs}");
    place.run(&["down"]).expect(0);
}

/// Each service is changed when the one before it is at rest, and one that is rolled back ends the row.
#[test]
fn several_services_are_updated_one_after_the_other() {
    let place = Workplace::simulated();
    let (first, _) = versions(&place, "turns");
    place.run(&["deploy", "-c", &first, "turns"]).expect(0);
    let args = ["update", "--json", "--service", "app", "--service", "worker", "--sequential"];
    let run = |change: &[&str]| {
        let rest = [&["--baseline", "2s", "turns"][..], &UNHURRIED].concat();
        place.run(&[&args[..], change, &rest].concat())
    };
    let report = run(&["--image", "rollproof/app:v2"]).sound();
    let scenario = scenario(&report);
    let worker = &scenario["services"][0];
    assert_eq!(worker["service"], "turns_worker");
    assert_eq!(worker["verdict"], "pass", "{worker:#}");
    let at = |story: &Value, state: &str| {
        let states = story["states"].as_array().unwrap();
        let found = states.iter().find(|one| one["state"] == state).unwrap();
        found["at"].as_f64().unwrap()
    };
    let (app, worker) = (at(&scenario["update"], "completed"), at(&worker["update"], "updating"));
    assert!(app < worker, "the worker's update began at {worker}, that of the app ended at {app}");
    check(&scenario["checks"], "one-version");

    // The app cannot become healthy: the worker is not touched.
    let before = spec(&place.docker_host(), "turns_worker");
    let broken = run(&["--set", "health-cmd=false"]);
    // On a busy machine it is not certain that the health check is to blame.
    assert!(matches!(broken.code, 1 | 3), "{}\n{}", broken.out, broken.err);
    let broken = broken.json();
    let caveats = broken["caveats"].to_string();
    let left = "not changed: turns_worker, because turns_app was rolled back";
    assert!(caveats.contains(left), "{caveats}");
    assert_eq!(spec(&place.docker_host(), "turns_worker"), before);
    place.run(&["down", "turns"]).expect(0);
}

/// A stack that needs much of what a private engine lacks.
const EXTERNAL: &str = "version: '3.8'
services:
  app:
    image: rollproof/app:v1
    networks: [outer]
    secrets: [word]
    configs: [{source: text, target: /text}]
    healthcheck: {interval: 1s}
    deploy: {endpoint_mode: dnsrr}
  web:
    image: shop/web:2
    entrypoint: [./start.sh, --verbose]
    command: [serve]
    user: shop
    read_only: true
    networks: [outer]
    volumes: ['./not/there:/data:ro']
    healthcheck: {test: curl -f http://localhost:3000/ready || exit 1, interval: 1s}
    deploy:
      endpoint_mode: dnsrr
      placement: {constraints: [node.labels.ssd == true]}
      labels: {traefik.http.services.web.loadbalancer.server.port: 9000}
networks: {outer: {external: true, name: outer}}
secrets: {word: {external: true}}
configs: {text: {external: true}}
";

/// What a private engine lacks is named at once, or has stand-ins that go with the stack.
#[test]
fn a_private_engine_gets_stand_ins_for_what_is_missing() {
    let place = Workplace::small();
    let file = place.file("external.yml", EXTERNAL);
    let lacks = place.run(&["deploy", "--engine", "lab", "-c", &file, "ext"]).expect(2);
    for part in [
        "what the stack needs does not exist: network outer, secret word, config text, path ",
        "/not/there, a node for ext_web (node.labels.ssd == true)",
        "image shop/web:2",
    ] {
        assert!(lacks.err.contains(part), "{part}: {}", lacks.err);
    }
    assert!(lacks.err.contains("docker network create -d overlay outer"), "{}", lacks.err);
    std::fs::create_dir_all(place.path().join("not/there")).unwrap();

    place.file("value", "hunter2");
    let args =
        ["deploy", "--engine", "lab", "-c", &file, "ext", "--stand-ins", "--stand-in-images"];
    let with = place.run(&[&args[..], &["--secret", "word=value"]].concat()).expect(0);
    assert!(
        with.err.contains("Creating a stand-in for the external secret word\n"),
        "{}",
        with.err
    );
    let stand_in = "image shop/web:2 is a stand-in, which answers on ports 9000 and 3000\n";
    assert!(with.err.contains(stand_in), "{}", with.err);
    assert!(!with.err.contains("hunter2"));
    let host = place.docker_host();
    let of = |service: &str| {
        let filter = format!("label=com.docker.swarm.service.name=ext_{service}");
        docker(&host, &["ps", "-q", "--filter", &filter]).expect(0).out.trim().to_owned()
    };
    // The check of the stack file is good, and another one is what a shell makes of it.
    let web = of("web");
    let inside = |text: &str| docker(&host, &["exec", &web, "sh", "-c", text]);
    inside("curl -f http://localhost:3000/ready || exit 1").expect(0);
    assert_eq!(inside("exit 3").code, 3);
    let page = inside("wget -qSO- http://localhost:9000/any/page");
    assert!(
        page.err.contains("X-Rollproof-Version: 2") || page.err.contains("x-rollproof-version: 2"),
        "{}",
        page.err
    );
    let task = of("app");
    let read = docker(&host, &["exec", task.trim(), "cat", "/run/secrets/word"]);
    assert_eq!(read.out, "hunter2", "{}", read.err);
    place.run(&["down", "ext"]).expect(0);
    for kind in ["secret", "config"] {
        assert_eq!(docker(&host, &[kind, "ls", "-q"]).expect(0).out.trim(), "", "{kind}");
    }
    assert!(!docker(&host, &["network", "ls"]).expect(0).out.contains("outer"));
}

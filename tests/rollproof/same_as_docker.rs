//! The same file, deployed with the docker client and with rollproof, is the same service.

use std::time::Duration;

use serde_json::Value;

use super::wire::{Asked, Wire};
use super::workplace::{UNHURRIED, Workplace, docker, until};

const FILE: &str = r#"version: "3.8"
x-env: &env { A: "1", B: two }
services:
  app:
    image: rollproof/app:v1
    environment: { <<: *env, SLOT: "{{.Task.Slot}}" }
    command: ["--stop-timeout", "3s"]
    labels: { tier: back }
    networks: { web: { aliases: [backend] } }
    configs: [{ source: text, target: /text, mode: 0400 }]
    secrets: [word]
    healthcheck: { test: ["CMD", "/rollproof-app", "health"], interval: 1s, retries: 4, start_period: 5s }
    stop_grace_period: 1m5s
    logging: { driver: json-file, options: { max-size: 1m } }
    ulimits: { nofile: { soft: 1000, hard: 2000 } }
    deploy:
      replicas: 2
      endpoint_mode: dnsrr
      labels: { shown: "yes" }
      update_config: { parallelism: 1, order: start-first, failure_action: rollback, max_failure_ratio: 0.34, delay: 1s }
      rollback_config: { parallelism: 0, order: stop-first }
      restart_policy: { condition: any, delay: 1500ms, max_attempts: 3, window: 1m }
      resources: { limits: { cpus: "0.5", memory: 64M }, reservations: { memory: 8M } }
      placement: { constraints: [node.role == manager], preferences: [{ spread: node.labels.zone }] }
configs: { text: { file: ./text } }
secrets: { word: { file: ./word } }
networks: { web: { driver_opts: { com.docker.network.driver.mtu: "1400" } } }
"#;

fn service(host: &str) -> Value {
    let mut inspect = docker(host, &["service", "inspect", "same_app"]).expect(0).json();
    inspect[0].take()
}

/// The spec without rollproof's own labels and without the ids of this deployment.
fn comparable(service: &Value) -> Value {
    let mut spec = service["Spec"].clone();
    spec["Labels"].as_object_mut().unwrap().remove("rollproof.run");
    spec["Labels"].as_object_mut().unwrap().remove("rollproof.owner");
    let template = &mut spec["TaskTemplate"];
    template["Networks"][0]["Target"].take();
    template["ContainerSpec"]["Configs"][0]["ConfigID"].take();
    template["ContainerSpec"]["Secrets"][0]["SecretID"].take();
    spec
}

fn running(host: &str) {
    let list = ["service", "ls", "--filter", "name=same_app", "--format", "{{.Replicas}}"];
    until("two replicas", Duration::from_secs(60), || {
        (docker(host, &list).expect(0).out.trim() == "2/2").then_some(())
    });
}

#[test]
fn either_tool_deploys_the_same_and_the_other_changes_nothing() {
    let place = Workplace::small_shared();
    let host = place.docker_host();
    place.file("text", "some text\n");
    place.file("word", "secret\n");
    let file = place.file("same.yml", FILE);

    place.deploy_by_docker(&file, "same");
    running(&host);
    let first = service(&host);
    place.run(&["deploy", "--adopt", "-c", &file, "same"]).expect(0);
    let second = service(&host);
    assert_eq!(comparable(&second), comparable(&first));
    assert_eq!(second["UpdateStatus"]["State"].as_str().unwrap_or_default(), "");
    place.run(&["down", "same"]).expect(0);

    place.run(&["deploy", "-c", &file, "same"]).expect(0);
    let third = service(&host);
    assert_eq!(comparable(&third), comparable(&first));
    place.deploy_by_docker(&file, "same");
    let fourth = service(&host);
    assert_eq!(comparable(&fourth), comparable(&third));
    assert_eq!(fourth["UpdateStatus"]["State"].as_str().unwrap_or_default(), "");
    let networks = docker(&host, &["network", "inspect", "same_web"]).expect(0).json();
    assert_eq!(networks[0]["Options"]["com.docker.network.driver.mtu"], "1400");
}

/// The first version of a stack, and the next one: a service is changed, one only in its settings, one is
/// new, one is gone, with a new config, secret and network.
const OLD: &str = r#"version: "3.8"
services:
  app:
    image: rollproof/app:v1
    ports: [{ target: 8000, published: PORT, mode: host }]
    networks: [web]
    configs: [{ source: text, target: /text }]
    deploy: { endpoint_mode: dnsrr, replicas: 1 }
  still:
    image: rollproof/app:v1
    environment: { A: "1" }
    networks: [web]
    deploy: { endpoint_mode: dnsrr, update_config: { delay: 1s } }
  same: { image: "PINNED", networks: [web], deploy: { endpoint_mode: dnsrr } }
  gone: { image: "rollproof/app:v1", networks: [web], deploy: { endpoint_mode: dnsrr } }
configs: { text: { file: ./text } }
networks: { web: {} }
"#;
const NEXT: &str = r#"version: "3.8"
services:
  app:
    image: rollproof/app:v2
    ports: [{ target: 8000, published: PORT, mode: host }]
    networks: [web, inner]
    configs: [{ source: text2, target: /text }]
    secrets: [word]
    labels: { tier: front }
    deploy: { endpoint_mode: dnsrr, replicas: 1, labels: { shown: "yes" } }
  still:
    image: rollproof/app:v1
    environment: { A: "1" }
    networks: [web]
    deploy: { endpoint_mode: dnsrr, update_config: { delay: 2s } }
  same: { image: "PINNED", networks: [web], deploy: { endpoint_mode: dnsrr } }
  new: { image: "rollproof/app:v1", networks: [inner], deploy: { endpoint_mode: dnsrr } }
configs: { text2: { file: ./text2 } }
secrets: { word: { file: ./word } }
networks: { web: {}, inner: { driver_opts: { com.docker.network.driver.mtu: "1400" } } }
"#;

/// An image that is pinned in the file: the client asks its registry for the platforms alone.
const PINNED: &str =
    "example.org/shop:1@sha256:4e14f65adac6af818edaad104c8e4dcf3cbc837bfd4fb5060d7a5c00189915bd";

/// A version of the stack on this port.
fn version(text: &str, port: &str) -> String {
    text.replace("PORT", port).replace("PINNED", PINNED)
}

/// What a tool asked the engine to change: comparable between two deployments of the same.
fn changes(wire: &Wire) -> Vec<(String, Value)> {
    in_order(wire.changes().iter().map(Asked::comparable).collect())
}

fn in_order(mut changes: Vec<(String, Value)>) -> Vec<(String, Value)> {
    // The client goes through each kind in Go's random order of maps.
    let kind = |change: &(String, Value)| change.0.split('/').nth(1).unwrap_or_default().to_owned();
    let kinds: Vec<String> = changes.iter().map(kind).collect();
    for chunk in changes.chunk_by_mut(|one, other| kind(one) == kind(other)) {
        chunk.sort_by_key(|change| (change.0.clone(), change.1.to_string()));
    }
    assert_eq!(changes.iter().map(kind).collect::<Vec<_>>(), kinds);
    changes
}

fn services(host: &str, stack: &str) -> Vec<String> {
    let format = ["--format", "{{.Name}} {{.Replicas}}"];
    let out = docker(host, &[&["stack", "services", stack][..], &format].concat()).expect(0).out;
    let mut lines: Vec<String> = out.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// Both versions of a stack as files, with what they read, and the port that they publish.
struct Versions {
    old: String,
    next: String,
    port: String,
}

impl Versions {
    fn at(place: &Workplace) -> Self {
        for (name, text) in [("text", "one\n"), ("text2", "two\n"), ("word", "secret\n")] {
            place.file(name, text);
        }
        let port = place.port().to_string();
        Self {
            old: place.file("old.yml", &version(OLD, &port)),
            next: place.file("next.yml", &version(NEXT, &port)),
            port,
        }
    }
}

/// Removes a stack, and waits until nothing of it is left.
fn remove(host: &str, stack: &str) {
    docker(host, &["stack", "rm", stack]).expect(0);
    until("the stack to be gone", Duration::from_secs(60), || {
        let label = format!("label=com.docker.stack.namespace={stack}");
        let filter = ["--filter", &label, "-q"];
        let left = |kind: &str| docker(host, &[&[kind, "ls"][..], &filter].concat()).out;
        (left("network") + &left("container")).trim().is_empty().then_some(())
    });
}

/// The same requests have the same effect on any engine.
#[test]
fn the_next_version_is_deployed_with_the_requests_that_the_client_sends() {
    let engine = Workplace::simulated();
    engine.run(&["lab", "up"]).expect(0);
    let host = engine.docker_host();
    let place = Workplace::without_engine();
    let Versions { old, next, port } = Versions::at(&place);
    let deploy_old = || {
        docker(&host, &["stack", "deploy", "--detach", "-c", &old, "following"]).expect(0);
        let all = ["app", "gone", "same", "still"].map(|name| format!("following_{name} 1/1"));
        until("the old version", Duration::from_secs(60), || {
            (services(&host, "following") == all).then_some(())
        });
    };

    deploy_old();
    let by_docker = Wire::to(&host, &place.path().join("docker.sock"));
    let args = ["stack", "deploy", "--detach", "--prune", "-c", &next, "following"];
    docker(&by_docker.host(), &args).expect(0);
    remove(&host, "following");

    deploy_old();
    let by_us = Wire::to(&host, &place.path().join("rollproof.sock"));
    let url = format!("http://{}:{port}/", engine.published_host());
    let args =
        ["--host", &by_us.host(), "update", "--to", &next, "--prune", "--adopt", "--url", &url];
    let ended = place.run(&[&args[..], &["following"], &UNHURRIED].concat());
    assert!(matches!(ended.code, 0 | 1 | 3), "{}\n{}", ended.out, ended.err);

    let (wanted, sent) = (changes(&by_docker), changes(&by_us));
    assert_eq!(wanted.len(), 8, "a service removed, a network, a secret, a config, 4 services");
    for (wanted, sent) in wanted.iter().zip(&sent) {
        assert_eq!(sent, wanted);
    }
    assert_eq!(sent.len(), wanted.len(), "{sent:#?}");

    // What it says it changes is what differs.
    let said = |text: &str| assert!(ended.err.contains(text), "no `{text}` in\n{}", ended.err);
    said("following_app: image rollproof/app:v1 → rollproof/app:v2; configs following_text → ");
    said("following_still: update_config.delay 1 s → 2 s\n");
    said("following_new: new\n");
    said("following_gone: removed (--prune)\n");
    assert!(!ended.err.contains("following_same:"), "{}", ended.err);

    // The stack is its owner's, with everything that is new in it.
    place.run(&["down"]).expect(0);
    let names = services(&host, "following");
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(names.iter().any(|name| name.starts_with("following_new")), "{names:?}");
}

/// The first changes of a stack's own parts, without rollproof's marks and without what it runs beside it.
fn of_the_stack(wire: &Wire, count: usize) -> Vec<(String, Value)> {
    let mut changes: Vec<(String, Value)> = wire.changes().iter().map(Asked::comparable).collect();
    changes.retain(|(path, body)| {
        let name = body["Name"].as_str().unwrap_or_default();
        !name.contains("_rollproof-") && !path.contains("/containers/")
    });
    // What follows removes the stack.
    changes.truncate(count);
    for (_, body) in &mut changes {
        for label in ["rollproof.run", "rollproof.owner"] {
            if let Some(labels) = body["Labels"].as_object_mut() {
                labels.remove(label);
            }
        }
    }
    in_order(changes)
}

/// Both versions, one after the other, as `verify` deploys them. Its own services are under the stack's
/// label and in no file: `--prune` is not about them.
#[test]
fn verify_sends_both_versions_as_the_client_and_prunes_nothing_of_its_own() {
    let engine = Workplace::simulated();
    engine.run(&["lab", "up"]).expect(0);
    let host = engine.docker_host();
    let place = Workplace::without_engine();
    let Versions { old, next, port } = Versions::at(&place);
    let by_docker = Wire::to(&host, &place.path().join("docker.sock"));
    for file in [&["-c", &old][..], &["--prune", "-c", &next]] {
        let args = [&["stack", "deploy", "--detach"], file, &["both"]].concat();
        docker(&by_docker.host(), &args).expect(0);
    }
    remove(&host, "both");

    let by_us = Wire::to(&host, &place.path().join("rollproof.sock"));
    let url = format!("http://{}:{port}/", engine.published_host());
    let args = ["--host", &by_us.host(), "verify", "-c", &old, "--to", &next, "--prune", "--json"];
    let more = ["--url", &url, "--scenario", "update", "--no-self-test", "both"];
    let ended = place.run(&[&args[..], &more, &UNHURRIED].concat());
    let report = ended.json();
    assert!(!report["because"].to_string().contains("ended early"), "{report:#}");
    assert!(!ended.err.contains("rollproof-prober: removed"), "{}", ended.err);
    assert!(ended.err.contains("both_gone: removed (--prune)"), "{}", ended.err);

    let platforms = |changes: &[(String, Value)]| {
        let body = changes.iter().find(|(_, body)| body["Name"] == "both_same");
        body.unwrap().1["TaskTemplate"]["Placement"]["Platforms"].clone()
    };
    // 6 of the old version, 8 of the new one.
    let (wanted, sent) = (of_the_stack(&by_docker, 14), of_the_stack(&by_us, 14));
    assert_eq!((wanted.len(), sent.len()), (14, 14));
    assert!(platforms(&wanted).is_array(), "{wanted:#?}");
    for (wanted, sent) in wanted.iter().zip(&sent) {
        assert_eq!(sent, wanted);
    }
}

//! The same file, deployed with the docker client and with rollproof, is the same service.

use std::time::Duration;

use serde_json::Value;

use super::workplace::{Workplace, docker, until};

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
    let place = Workplace::shared();
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

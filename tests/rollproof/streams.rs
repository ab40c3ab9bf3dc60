//! The streams of requests that a run has, and what is left out.

use serde_json::Value;

use super::workplace::{Workplace, docker};

/// A web server that knows GET only, behind nothing, with three replicas of a proxy as services.
const PLAIN: &str = r#"
version: "3.8"
services:
  web:
    image: rollproof/caddy:2
    configs: [{source: caddyfile, target: /etc/caddy/Caddyfile}]
    networks: [net]
    ports: [{target: 80, published: PORT, mode: host}]
    deploy:
      replicas: 1
      update_config: {order: stop-first, monitor: 1s}
configs:
  caddyfile: {file: ./Caddyfile}
networks:
  net: {}
"#;
const CADDYFILE: &str =
    "{\n admin off\n}\n:80 {\n @post method POST\n respond @post 405\n respond ok\n}\n";

fn names(report: &Value) -> Vec<&str> {
    let streams = report["scenarios"][0]["streams"].as_array().unwrap();
    streams.iter().map(|stream| stream["name"].as_str().unwrap()).collect()
}

#[test]
fn what_a_service_cannot_answer_is_left_out_and_what_was_asked_for_is_insisted_on() {
    let place = Workplace::shared();
    place.file("Caddyfile", CADDYFILE);
    let plain = PLAIN.replace("PORT", &place.port().to_string());
    place.run(&["deploy", "-c", &place.file("stack.yml", &plain), "plain"]).expect(0);

    let ended = place.run(&["update", "--streams", "proxy-post"]).expect(2);
    assert!(ended.err.contains("answers with status 405"), "{}", ended.err);
    assert!(ended.err.contains("--post-path"), "{}", ended.err);
    let ended = place.run(&["update", "--streams", "proxy-slow"]).expect(2);
    assert!(ended.err.contains("--slow-path"), "{}", ended.err);
    let ended = place.run(&["update", "--streams", "proxy"]).expect(2);
    assert!(ended.err.contains("proxy-fresh"), "{}", ended.err);

    // One replica, stopped first: an outage in every stream to it, and in no other.
    let ended = place.run(&["update", "--streams", "all", "--json", "--baseline", "2s"]);
    let report = ended.json();
    assert_eq!(ended.code, 1, "{report:#}\n{}", ended.err);
    let streams = names(&report);
    assert!(!streams.contains(&"proxy-post") && !streams.contains(&"proxy-slow"), "{streams:?}");
    let caveats = report["caveats"].to_string();
    assert!(caveats.contains("proxy-post is left out"), "{caveats}");
    assert!(caveats.contains("proxy-slow is left out"), "{caveats}");
    for stream in report["scenarios"][0]["streams"].as_array().unwrap() {
        let failed = stream["failed"].as_u64().unwrap();
        match stream["name"].as_str().unwrap() {
            "control" => assert_eq!(failed, 0, "{stream:#}"),
            _ => assert!(failed > 0, "{stream:#}"),
        }
    }
    let of_stack = "label=com.docker.stack.namespace=plain";
    let list = ["service", "ls", "--filter", of_stack, "--format", "{{.Name}}"];
    let services = docker(&place.docker_host(), &list).expect(0);
    assert_eq!(services.out.trim(), "plain_web", "the services beside the stack are gone again");
}

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

/// One replica at one port, and at another one a service that nothing updates.
const TWO_PORTS: &str = r#"
version: "3.8"
services:
  web:
    image: rollproof/app:v1
    ports: [{target: 8000, published: FIRST, mode: host}]
    deploy:
      replicas: 1
      update_config: {order: stop-first, monitor: 1s}
  admin:
    image: rollproof/app:v1
    ports: [{target: 8000, published: SECOND, mode: host}]
"#;

#[test]
fn several_addresses_need_names() {
    let place = Workplace::without_engine();
    for (words, part) in [
        (&["--url", "http://a/", "--url", "http://b/"][..], "a name each"),
        (&["--url", "a=http://a/", "--url", "http://b/"], "a name each"),
        (&["--url", "a=http://a/", "--url", "a=http://b/"], "called `a`"),
        (&["--url", "overlay=http://a/"], "taken"),
        (&["--url", "a=ftp://a/"], "only http"),
        (&["--url", "a=:0"], "port"),
    ] {
        let ended = place.run(&[&["verify"], words].concat()).expect(2);
        assert!(ended.err.contains(part), "{words:?}: {}", ended.err);
    }
}

#[test]
fn each_address_has_streams_of_its_own() {
    let place = Workplace::simulated();
    let (first, second) = (place.port(), place.port() + 1_000);
    let stack =
        TWO_PORTS.replace("FIRST", &first.to_string()).replace("SECOND", &second.to_string());
    place.run(&["deploy", "-c", &place.file("stack.yml", &stack), "twoports"]).expect(0);
    let site = format!("site=:{first}/");
    let admin = format!("admin=http://:{second}/health");
    let args = ["update", "--service", "web", "--url", &site, "--url", &admin, "--json"];
    let patient = ["--baseline", "2s", "--deadline", "10s", "--rate", "100"];
    let ended = place.run(&[&args[..], &patient].concat());
    let report = ended.json();
    assert_eq!(ended.code, 1, "{report:#}\n{}", ended.err);
    let wanted = ["site-fresh", "site-keepalive", "admin-fresh", "admin-keepalive"];
    assert_eq!(names(&report), wanted);
    for stream in report["scenarios"][0]["streams"].as_array().unwrap() {
        let failed = stream["failed"].as_u64().unwrap();
        match stream["address"].as_str().unwrap() {
            "site" => assert!(failed > 0, "its only replica is stopped first: {stream:#}"),
            _ => assert_eq!(failed, 0, "{stream:#}"),
        }
    }
    for (format, name) in [
        // Twenty lines do not hold the streams without failures.
        ("summary", "site, kept alive"),
        ("summary", "and 2 other streams: 0 of "),
        ("markdown", "admin, kept alive"),
        ("html", "admin, kept alive"),
        ("openmetrics", "admin-keepalive"),
        ("csv", "admin-keepalive"),
    ] {
        let shown = place.run(&["report", "--format", format]);
        assert!(shown.out.contains(name), "{format}: {}{}", shown.out, shown.err);
    }
}

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
    let args = ["update", "--streams", "all", "--json", "--baseline", "1s", "--settle", "1s"];
    let ended = place.run(&args);
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

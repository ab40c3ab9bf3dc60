//! What wrong input gets: a message that names it, a hint, the documented exit code.

use super::workplace::{Ended, Workplace, docker, example};

#[track_caller]
fn refused(ended: &Ended, code: i32, parts: &[&str]) {
    assert_eq!(ended.code, code, "{}\n{}", ended.out, ended.err);
    for part in parts {
        assert!(ended.err.contains(part), "`{part}` is missing in:\n{}", ended.err);
    }
}

const APP: &str =
    "services:\n  app:\n    image: rollproof/app:v1\n    deploy:\n      endpoint_mode: dnsrr\n";

#[test]
fn stack_files_that_cannot_be_used() {
    let place = Workplace::without_engine();
    let dry = |file: &str| place.run(&["deploy", "--dry-run", "--json", "-c", file, "s"]);
    refused(&dry("missing.yml"), 2, &["missing.yml", "no such file"]);
    refused(&dry(&place.file("empty.yml", "")), 2, &["empty.yml", "must be a mapping"]);
    refused(&dry(&place.file("bad.yml", "services:\n\t- a: [\n")), 2, &["bad.yml:2", "hint"]);
    let unknown = place.file("key.yml", "services:\n  app:\n    imagee: a\n");
    refused(&dry(&unknown), 2, &["key.yml:3:5", "imagee"]);
    let fine = dry(&place.file("fine.yml", APP)).expect(0);
    assert_eq!(fine.json()["services"][0]["Name"], "s_app");
}

#[test]
fn an_order_needs_something_to_order() {
    let place = Workplace::without_engine();
    let file = place.file("fine.yml", APP);
    refused(&place.run(&["update", "--sequential"]), 2, &["several services", "--all"]);
    let args = ["verify", "-c", &file, "--to", &file, "--sequential", "--service", "app"];
    refused(&place.run(&args), 2, &["--sequential"]);
}

#[test]
fn a_resolved_host_that_nobody_asks_is_a_mistake() {
    let place = Workplace::without_engine();
    let file = place.file("fine.yml", APP);
    let run = |url: &str, resolve: &str| {
        let args = ["verify", "-c", &file, "--engine", "lab", "--dry-run", "--url", url];
        place.run(&[&args[..], &["--resolve", resolve, "--endpoint-mode", "dnsrr"]].concat())
    };
    for (url, resolve) in [
        ("https://shop.example.org/", "shop.example.com"),
        ("https://shop.example.org/", "shop.example.org:80"),
        (":8080", "shop.example.org"),
    ] {
        refused(&run(url, resolve), 2, &["no URL asks that", resolve, "hint"]);
    }
    for resolve in ["shop.example.org", "SHOP.example.org:443", "shop.example.org:127.0.0.1"] {
        run("https://shop.example.org/", resolve).expect(0);
    }
}

#[test]
fn engines_that_cannot_be_used() {
    let place = Workplace::without_engine();
    let nowhere = "unix:///nonexistent/docker.sock";
    refused(&place.run(&["--host", nowhere, "verify"]), 4, &[nowhere, "hint"]);
    refused(&place.run(&["--host", "fd://3", "verify"]), 2, &["fd://3", "hint"]);
    refused(
        &place.run(&["--engine", "host", "verify"]),
        4,
        &["no Docker engine answers", "--engine lab"],
    );
    refused(&place.run(&["update"]), 4, &["no lab is running", "hint"]);
    let ended = place.run(&["lab", "up", "--dockerd", "/nonexistent/dockerd"]);
    refused(&ended, 2, &["/nonexistent/dockerd", "hint"]);
}

#[test]
fn what_a_real_engine_refuses() {
    let place = Workplace::small_shared();
    let host = place.docker_host();

    let missing = APP.replace("rollproof/app:v1", "nobody/nothing:9");
    let missing = place.file("image.yml", &missing);
    let ended = place.run(&["deploy", "-c", &missing, "s"]);
    refused(&ended, 4, &["neither has nor can pull", "nobody/nothing:9", "image.yml:2", "hint"]);
    refused(&place.run(&["down", "s"]), 2, &["stack `s` does not exist"]);

    let named = place.run(&["verify", "-c", &example("naive.yml"), "--service", "web"]);
    refused(&named, 2, &["no service `web`", "app"]);

    let file = place.file("foreign.yml", APP);
    place.deploy_by_docker(&file, "foreign");
    let ended = place.run(&["deploy", "-c", &file, "foreign"]);
    refused(&ended, 2, &["not deployed by rollproof", "--adopt"]);
    let url = "http://127.0.0.1:8000/";
    let ended = place.run(&["verify", "-c", &file, "foreign", "--url", url]);
    refused(&ended, 2, &["not deployed by rollproof"]);
    let list = ["service", "ls", "--filter", "name=foreign_", "--format", "{{.Name}}"];
    assert_eq!(docker(&host, &list).expect(0).out.trim(), "foreign_app");

    let ingress = place.file(
        "vip.yml",
        &format!("{APP}    ports: [\"8080:8000\"]\n")
            .replace("endpoint_mode: dnsrr", "replicas: 1"),
    );
    if !std::path::Path::new("/proc/net/ip_vs").exists() {
        let ended = place.run(&["deploy", "-c", &ingress, "s"]);
        refused(&ended, 4, &["IPVS", "vip.yml:2", "--endpoint-mode dnsrr"]);
    }

    let port = place.port().to_string();
    let publishing = |name: &str| {
        let ports = format!("[{{target: 8000, published: {port}, mode: host}}]");
        let text = format!("{APP}    healthcheck: {{disable: true}}\n    ports: {ports}\n");
        place.file(name, &text)
    };
    place.run(&["deploy", "-c", &publishing("one.yml"), "one"]).expect(0);
    let ended = place.run(&["deploy", "-c", &publishing("two.yml"), "two"]);
    refused(&ended, 4, &[&port, "one_app", "two.yml:2", "hint"]);
}

#[test]
fn an_engine_that_is_no_manager_is_left_alone() {
    let place = Workplace::small();
    place.run(&["lab", "up"]).expect(0);
    let host = place.docker_host();
    docker(&host, &["swarm", "leave", "--force"]).expect(0);
    let ended = place.run(&["--host", &host, "deploy"]);
    refused(&ended, 4, &["is not part of a swarm", "--init-swarm"]);
    let swarm = docker(&host, &["info", "--format", "{{.Swarm.LocalNodeState}}"]).expect(0);
    assert_eq!(swarm.out.trim(), "inactive");
}

/// A stack with a service that publishes a port, a global one and a secret from outside.
const SHOP: &str = "\
services:
  app:
    image: rollproof/app:v1
    environment: {LEVEL: info}
    secrets: [token]
    ports: [{target: 8000, published: 8080, mode: host}]
    deploy: {replicas: 2, endpoint_mode: dnsrr}
  agent:
    image: rollproof/app:v1
    deploy: {mode: global, endpoint_mode: dnsrr}
secrets:
  token: {external: true}
";

#[test]
fn options_that_do_not_fit_the_stack_are_refused_before_anything_starts() {
    let place = Workplace::without_engine();
    let file = place.file("shop.yml", SHOP);
    let word = place.file("word.txt", "hunter2\n");
    let (unknown, known) = (format!("tokn={word}"), format!("token={word}"));
    let folder = format!("token={}", place.path().display());
    for (words, parts) in [
        (
            &["--service", "app", "--service", "agnt"][..],
            &["no service `agnt`", "did you mean `agent`"][..],
        ),
        (&["--service", "app", "--service", "app"], &["s_app is named twice"]),
        (&["--all", "--service", "app", "--service", "agent"], &["--all and several services"]),
        (&["--set", "replicas=3", "--service", "agent"], &["s_agent runs one task on each node"]),
        (&["--set", "replica=3"], &["did you mean `replicas`?"]),
        (&["--set", "update-ordr=start-first"], &["did you mean `update-order`?"]),
        (&["--set", "mount-add=x"], &["`mount-add` cannot be set", "--to"]),
        (&["--set", "replicas=two"], &["replicas: `two` is not a whole number"]),
        (&["--set", "replicas=2"], &["--replicas 2 changes nothing in s_app", "--force"]),
        (&["--set", "env-rm=NONE"], &["--env-rm NONE changes nothing"]),
        (&["--env", "LEVEL=info"], &["--env LEVEL=… changes nothing"]),
        (&["--set", "no-healthcheck=false"], &["only no-healthcheck=true"]),
        (&["--set", "no-healthcheck=true", "--set", "health-retries=3"], &["exclude each other"]),
        (&["--image", "a:1", "--set", "image=a:2"], &["`image` is set twice"]),
        (&["--image", "Shop/API"], &["must be lowercase"]),
        (&["--set", "limit-memory=1M"], &["less than 4 MiB"]),
        (&["--set", "constraint-add=node.role"], &["KEY==VALUE"]),
        (&["--stand-ins", "--secret", &unknown], &["external secret", "did you mean `token`?"]),
        (&["--stand-ins", "--secret", &known, "--secret", &known], &["two values"]),
        (&["--stand-ins", "--secret", "token=/dev/zero"], &["/dev/zero", "larger than"]),
        (&["--stand-ins", "--secret", "token=/dev/null"], &["less than 500 KiB"]),
        (&["--stand-ins", "--secret", &folder], &["Is a directory"]),
        (&["--insecure"], &["--insecure needs an https:// URL", "http://localhost:8080/"]),
        (&["--event-every", "3s"], &["--sse-path"]),
        (&["--cookies", "--streams", "proxy-fresh"], &["--cookies needs a stream"]),
        (&["--url", "tcp://127.0.0.1:1", "-H", "X: y"], &["--header has no effect on a tcp://"]),
    ] {
        let args = [&["verify", "--engine", "lab", "-c", &file, "s"][..], words].concat();
        refused(&place.run(&args), 2, parts);
    }
    assert!(!place.state().join("lab").exists(), "an engine was started");
}

#[test]
fn the_next_version_is_one_that_swarm_can_deploy() {
    let place = Workplace::without_engine();
    let file = place.file("shop.yml", SHOP);
    let verify = |text: &str, words: &[&str]| {
        let next = place.file("next.yml", text);
        place
            .run(&[&["verify", "--engine", "lab", "-c", &file, "--to", &next, "s"], words].concat())
    };
    let replaced = |old: &str, new: &str| SHOP.replace(old, new);
    let at = |key: &str| SHOP.find(key).unwrap();
    let without_app = [&SHOP[..at("  app:")], &SHOP[at("  agent:")..]].concat();
    for (text, words, parts) in [
        (
            replaced("replicas: 2", "mode: global"),
            &[][..],
            &["s_app is replicated, and global", "next.yml:2"][..],
        ),
        (replaced("published: 8080", "published: 99999"), &[], &["port 99999", "next.yml:2"]),
        (
            replaced("replicas: 2", "replicas: 2, placement: {constraints: [node.role]}"),
            &[],
            &["KEY==VALUE"],
        ),
        (
            replaced("replicas: 2", "replicas: 2, resources: {limits: {memory: 1M}}"),
            &[],
            &["4 MiB"],
        ),
        (without_app.clone(), &[], &["changes nothing", "it lacks s_app, which --prune removes"]),
        (without_app, &["--prune", "--service", "app"], &["removes s_app, the service under test"]),
        ("version: \"3.8\"\n".to_owned(), &[], &["has no services"]),
        (
            replaced("LEVEL: info", "LEVEL: debug"),
            &["--service", "agent"],
            &["does not change s_agent, the service under test", "it changes app"],
        ),
    ] {
        refused(&verify(&text, words), 2, parts);
    }
    let both = place.run(&["verify", "-c", "-", "--to", "-", "s"]);
    refused(&both, 2, &["both read standard input"]);
    refused(
        &place.run(&["update", "--stand-ins", "s"]),
        2,
        &["--stand-ins needs the next version"],
    );
}

#[test]
fn what_may_be_a_secret_is_not_repeated() {
    let place = Workplace::without_engine();
    let file = place.file("shop.yml", SHOP);
    for words in [
        ["--url", "http://me:hunter2@shop.example/"],
        ["--url", "site=http://me:hunter2@a b/"],
        ["--user", "hunter2"],
        ["--env", "hunter2"],
        ["-H", "Authorization hunter2: x"],
        ["--set", "env-add=hunter2"],
        ["--set", "args=\"hunter2"],
        ["--set", "label-add==hunter2"],
    ] {
        let args = [&["verify", "--engine", "lab", "-c", &file, "s"][..], &words].concat();
        let ended = place.run(&args);
        refused(&ended, 2, &["error: "]);
        assert!(!ended.err.contains("hunter2"), "{words:?}: {}", ended.err);
    }
}

#[test]
fn an_escape_sequence_that_was_typed_is_not_printed() {
    let place = Workplace::without_engine();
    for words in [
        &["verify", "--streams", "\u{1b}[31mred"][..],
        &["update", "--set", "\u{1b}[31mred=1"],
        &["watch", "\u{7}app", "--nope\u{1b}[2J"],
        &["probe", "http://127.0.0.1/\u{1b}[31m"],
    ] {
        let ended = place.run(words);
        refused(&ended, 2, &["error: "]);
        assert!(!ended.err.contains(['\u{1b}', '\u{7}']), "{:?}", ended.err);
    }
}

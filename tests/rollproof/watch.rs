//! Judging an update that is made elsewhere.

use serde_json::Value;

use super::workplace::{Workplace, docker, sound};

/// The report of watching `watched_app` while the docker CLI does this to it.
fn watched(place: &Workplace, args: &[&str], update: &[&str]) -> (i32, Value) {
    let host = place.docker_host();
    let short = ["watch", "watched_app", "--json", "--baseline", "1s", "--settle", "1s"];
    let mut watch = place.start(&[&short[..], args].concat());
    place.wait_for("err", "waiting for an update of watched_app");
    docker(&host, &[&["service", "update", "--detach"], update, &["watched_app"]].concat())
        .expect(0);
    let code = watch.wait().unwrap().code().unwrap();
    let out = std::fs::read_to_string(place.path().join("out")).unwrap();
    let report: Value = serde_json::from_str(&out)
        .unwrap_or_else(|error| panic!("{error}: {out}\n{}", read(place, "err")));
    (code, report)
}

fn read(place: &Workplace, name: &str) -> String {
    std::fs::read_to_string(place.path().join(name)).unwrap()
}

fn states(scenario: &Value) -> Vec<&str> {
    let states = scenario["update"]["states"].as_array().unwrap();
    states.iter().map(|state| state["state"].as_str().unwrap()).collect()
}

#[test]
fn a_rollback_made_elsewhere_is_judged() {
    let place = Workplace::shared();
    let file = place.quick_example("replicated-dnsrr.yml");
    place.run(&["deploy", "-c", &file, "watched"]).expect(0);
    let (code, report) =
        watched(&place, &["--expect", "rollback", "--deadline", "10s"], &["--health-cmd", "false"]);
    sound(&report);
    assert_eq!(code == 0, report["verdict"] == "pass");
    let scenario = &report["scenarios"][0];
    assert_eq!(states(scenario), ["updating", "rollback_started", "rollback_completed"]);
    assert_eq!(scenario["update"]["spec_restored"], true);

    let of_stack = "label=com.docker.stack.namespace=watched";
    let list = ["service", "ls", "--filter", of_stack, "--format", "{{.Name}}"];
    let services = docker(&place.docker_host(), &list).expect(0);
    assert_eq!(services.out.lines().collect::<Vec<_>>(), ["watched_app", "watched_proxy"]);
}

#[test]
fn updates_made_elsewhere_are_judged() {
    let place = Workplace::simulated();
    let file = place.quick_example("replicated-dnsrr.yml");
    place.run(&["deploy", "-c", &file, "watched"]).expect(0);
    let (code, report) = watched(&place, &["--deadline", "10s"], &["--force"]);
    sound(&report);
    assert_eq!(code == 0, report["verdict"] == "pass");
    let scenario = &report["scenarios"][0];
    assert_eq!(scenario["name"], "watched-update");
    assert_eq!(states(scenario), ["updating", "completed"]);
    assert_eq!(scenario["streams"][0]["failed"], 0, "{:#}", scenario["failures"]);

    // A rollback is a failure if an update was expected. A version that ends at once cannot be
    // the busy machine's doing, as a health check that fails could.
    let ends = ["--env-add", "ROLLPROOF_ON_STOP=no-such-word"];
    let (code, report) = watched(&place, &["--deadline", "10s"], &ends);
    assert_eq!(code, 1, "{report:#}");
    assert_eq!(report["verdict"], "fail");
    assert_eq!(report["scenarios"][0]["update"]["rolled_back"], true);
}

#[test]
fn watching_creates_nothing_and_does_not_wait_forever() {
    let place = Workplace::simulated();
    let file = place.quick_example("naive.yml");
    place.run(&["deploy", "-c", &file, "idle"]).expect(0);
    let ended = place.run(&["watch", "idle_app", "--streams", "overlay-fresh"]).expect(2);
    assert!(ended.err.contains("`watch` creates none"), "{}", ended.err);
    let ended = place.run(&["watch", "idle_web"]).expect(2);
    assert!(ended.err.contains("idle_app, idle_proxy"), "{}", ended.err);
    let quick = ["--wait", "2s", "--baseline", "1s", "--deadline", "10s"];
    let ended = place.run(&[&["watch", "idle_app"], &quick[..]].concat()).expect(3);
    let plain = ended.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(plain.contains("no update was seen within 2 s"), "{}", ended.out);
}

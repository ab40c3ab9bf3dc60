//! Judging what somebody else does to a service.

use serde_json::Value;

use super::workplace::{Workplace, docker, example};

/// The report of watching `demo_app` while the docker CLI does this to it.
fn watched(place: &Workplace, args: &[&str], update: &[&str]) -> (i32, Value) {
    let host = place.docker_host();
    let mut watch = place.start(&[&["watch", "demo_app", "--json"], args].concat());
    place.wait_for("err", "waiting for somebody to update demo_app");
    docker(&host, &[&["service", "update", "--detach"], update, &["demo_app"]].concat()).expect(0);
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
fn somebody_elses_updates_are_judged() {
    let place = Workplace::new();
    place.run(&["deploy", "demo"]).expect(0);

    let (code, report) = watched(&place, &[], &["--force"]);
    assert!(matches!(code, 0 | 3), "{report:#}");
    let scenario = &report["scenarios"][0];
    assert_eq!(scenario["name"], "watched-update");
    assert_eq!(states(scenario), ["updating", "completed"]);
    assert_eq!(scenario["streams"][0]["failed"], 0, "{:#}", scenario["failures"]);

    let broken = ["--health-cmd", "false"];
    let (code, report) = watched(&place, &["--expect", "rollback"], &broken);
    assert!(matches!(code, 0 | 3), "{report:#}");
    let scenario = &report["scenarios"][0];
    assert_eq!(states(scenario), ["updating", "rollback_started", "rollback_completed"]);
    assert_eq!(scenario["update"]["spec_restored"], true);

    // The same rollback is a failure to whoever wanted an update.
    let (code, report) = watched(&place, &[], &broken);
    assert_eq!(code, 1, "{report:#}");
    assert_eq!(report["verdict"], "fail");

    let services = docker(&place.docker_host(), &["service", "ls", "--format", "{{.Name}}"]);
    assert_eq!(services.out.lines().collect::<Vec<_>>(), ["demo_app", "demo_proxy"]);
}

#[test]
fn watching_makes_nothing_and_does_not_wait_for_ever() {
    let place = Workplace::new();
    place.run(&["deploy", "-c", &example("naive.yml"), "demo"]).expect(0);
    let ended = place.run(&["watch", "demo_app", "--streams", "overlay-fresh"]).expect(2);
    assert!(ended.err.contains("`watch` makes nothing"), "{}", ended.err);
    let ended = place.run(&["watch", "demo_web"]).expect(2);
    assert!(ended.err.contains("demo_app, demo_proxy"), "{}", ended.err);
    let ended = place.run(&["watch", "demo_app", "--wait", "2s", "--baseline", "1s"]).expect(3);
    assert!(ended.out.contains("nobody updated the service within 2 s"), "{}", ended.out);
}

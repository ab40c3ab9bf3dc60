//! rollproof on a simulated engine: what runs say, and that nothing is left.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::schema::{closed, valid};
use crate::workplace::{UNHURRIED, Workplace, docker, finish, until};

/// For runs in which something else than the speed of answers counts.
const PATIENT: [&str; 4] = ["--deadline", "10s", "--rate", "100"];

fn check<'a>(scenario: &'a Value, name: &str) -> &'a Value {
    let checks = scenario["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == name);
    check.unwrap_or_else(|| panic!("no check {name} in {checks:#?}"))
}

fn states(scenario: &Value) -> Vec<&str> {
    let states = scenario["update"]["states"].as_array().unwrap();
    states.iter().map(|state| state["state"].as_str().unwrap()).collect()
}

/// Processes that serve an engine of this folder.
fn engines(place: &Workplace) -> Vec<String> {
    let list = Command::new("ps").args(["-eo", "pid,args"]).output().unwrap();
    let list = String::from_utf8_lossy(&list.stdout).into_owned();
    let folder = place.path().to_str().unwrap();
    let is = |line: &&str| line.contains("simulated-engine") && line.contains(folder);
    list.lines().filter(is).map(str::to_owned).collect()
}

#[test]
fn verify_goes_as_on_a_real_engine_and_is_no_proof() {
    let place = Workplace::simulated_alone();
    let ended = place.run(&[&["verify", "--json"], &PATIENT[..]].concat());
    let report = ended.json();
    assert_eq!(report["whole"], true, "{:#}", report["because"]);
    assert_eq!(report["engine"]["kind"], "simulated");
    assert_eq!(report["engine"]["speed"], 10.0);
    valid(&closed("report"), &report, "the report of a simulated run");
    let [update, broken] = &report["scenarios"].as_array().unwrap()[..] else {
        panic!("two scenarios were expected: {report:#}");
    };
    assert_eq!(states(update), ["updating", "completed"]);
    assert_eq!(update["streams"][0]["failed"], 0, "{:#}", update["failures"]);
    assert_eq!(update["streams"][0]["replicas_seen"], 6);
    assert_eq!(update["capacity"]["min_running"], 6);
    assert_eq!(update["prediction"]["difference"], Value::Null, "{:#}", update["prediction"]);
    assert_eq!(states(broken), ["updating", "rollback_started", "rollback_completed"]);
    assert_eq!(broken["update"]["spec_restored"], true);
    assert_eq!(broken["prediction"]["difference"], Value::Null, "{:#}", broken["prediction"]);
    for name in ["rollback-happened", "spec-restored", "every-slot-on-old-version", "observed"] {
        assert_eq!(check(broken, name)["verdict"], "pass", "{name}");
    }
    // The machine may be too busy for kept connections at this speed; a new one must always do.
    assert_eq!(broken["streams"][0]["failed"], 0, "{:#}", broken["failures"]);
    // Every stream was there, also those from inside the network.
    let streams: Vec<&str> = update["streams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stream| stream["name"].as_str().unwrap())
        .collect();
    for name in ["proxy-fresh", "proxy-slow", "overlay-keepalive", "each-replica", "control"] {
        assert!(streams.contains(&name), "{streams:?}");
    }
    assert_eq!(check(&report, "negative-control")["verdict"], "pass");

    for format in ["summary", "details", "markdown", "html", "junit"] {
        let text = place.run(&["report", "--format", format]).out;
        assert!(text.contains("simulated at speed 10, not a proof"), "{format}: {text}");
    }
    let text = place.run(&["report", "-v"]).out;
    assert!(text.lines().next().unwrap().contains("simulated"), "{text}");
    assert!(!text.lines().any(|line| line.trim_start().starts_with("proof")), "{text}");
    let plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(plain.contains("10 times faster"), "{text}");
    let again = place.run(&["report", "--json"]);
    assert_eq!(again.json(), report, "judging the record again gives another verdict");
    assert_eq!(engines(&place), [""; 0]);
}

#[test]
fn a_bad_stack_fails_for_the_right_reason() {
    let place = Workplace::simulated_alone();
    let file = place.quick_example("naive.yml");
    place.run(&["deploy", "-c", &file, "naive"]).expect(0);
    let report = place.run(&["update", "--json", "naive"]).expect(1).json();
    let lost = check(&report["scenarios"][0], "no-failed-requests");
    assert_eq!(lost["verdict"], "fail");
    let remedy = lost["remedy"].as_str().unwrap();
    assert!(remedy.contains("update_config.parallelism"), "{remedy}");
    assert!(report["headline"].as_str().unwrap().starts_with("simulated at speed 10, not a proof"));
}

#[test]
fn each_update_keeps_what_the_one_before_it_has_changed() {
    let place = Workplace::simulated();
    let file = place.quick_example("replicated-dnsrr.yml");
    place.run(&["deploy", "-c", &file, "keeps"]).expect(0);
    let spec = || {
        let inspect = ["service", "inspect", "keeps_app"];
        docker(&place.docker_host(), &inspect).expect(0).json()[0]["Spec"].clone()
    };
    let mut expected = spec();
    let update = [&["update", "--json"], &UNHURRIED[..], &PATIENT[2..]].concat();
    place.run(&[&update[..], &["--env", "COLOUR=blue"]].concat()).sound();
    let env = expected["TaskTemplate"]["ContainerSpec"]["Env"].as_array_mut().unwrap();
    env.insert(0, Value::from("COLOUR=blue"));
    assert_eq!(spec(), expected);
    place.run(&[&update[..], &["--force"]].concat()).sound();
    expected["TaskTemplate"]["ForceUpdate"] = Value::from(1);
    assert_eq!(spec(), expected, "a second update forgot the first one, or changed more");
}

#[test]
fn what_is_deployed_stays_until_down_and_then_nothing_is_left() {
    let place = Workplace::simulated_alone();
    let example = place.quick_example("replicated.yml");
    place.file(
        "Caddyfile.vip",
        &std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/stacks/Caddyfile.vip"))
            .unwrap(),
    );
    let said = place.run(&["deploy", "-c", &example, "stays"]).expect(0);
    assert!(said.err.contains("no proof"), "{}", said.err);
    assert_eq!(engines(&place).len(), 1);
    let services = docker(&place.docker_host(), &["service", "ls", "--format", "{{.Replicas}}"]);
    assert_eq!(services.expect(0).out, "3/3\n1/1\n");
    // A stack that is there can be updated, also from another command's engine choice.
    let update = [&["update", "--json", "stays"], &UNHURRIED[..], &PATIENT[..]].concat();
    place.run(&update).sound();
    let slower =
        place.command(&["deploy", "--speed", "2", "-c", &example, "other"]).output().unwrap();
    assert_eq!(slower.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&slower.stderr).contains("at speed 10"));
    let foreseen = place.run(&["down", "--dry-run"]).expect(0);
    assert!(
        foreseen.out.contains("the simulated engine, with the stacks stays"),
        "{}",
        foreseen.out
    );
    place.run(&["down"]).expect(0);
    assert_eq!(engines(&place), [""; 0]);
    assert!(!place.state().join("simulated").exists());
    let nothing = place.run(&["update", "stays"]).expect(4);
    assert!(nothing.err.contains("no simulated engine is running"), "{}", nothing.err);
}

#[test]
fn an_engine_ends_with_its_folder() {
    let place = Workplace::small_simulated();
    place.run(&["lab", "up"]).expect(0);
    assert_eq!(engines(&place).len(), 1);
    std::fs::remove_dir_all(place.state().join("simulated")).unwrap();
    until("the end of the engine", Duration::from_secs(20), || {
        engines(&place).is_empty().then_some(())
    });
}

#[test]
fn a_run_that_is_stopped_leaves_nothing() {
    let place = Workplace::simulated();
    for signal in [Signal::SIGINT, Signal::SIGKILL] {
        let mut run = place.start(&[&["verify"], &PATIENT[..]].concat());
        place.wait_for("err", "] update: ");
        kill(Pid::from_raw(run.id().try_into().unwrap()), signal).unwrap();
        let ended =
            until("the end of the run", Duration::from_secs(60), || run.try_wait().unwrap());
        assert_eq!(engines(&place), [""; 0]);
        if signal == Signal::SIGINT {
            assert_eq!(ended.code(), Some(130));
            let out = std::fs::read_to_string(place.path().join("out")).unwrap();
            assert!(out.contains("INCONCLUSIVE") && out.contains("simulated"), "{out}");
        }
    }
    // What the killed run noted is no obstacle.
    let down = place.run(&["down"]).expect(0);
    assert!(down.err.contains("nothing is left"), "{}", down.err);
}

/// Somebody without any rights: no root, no Docker, no program of the distribution.
#[test]
fn no_rights_are_needed() {
    let place = Workplace::simulated_alone();
    std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    std::fs::remove_dir_all(place.state()).unwrap();
    let program = place.path().join("rollproof");
    std::fs::copy(env!("CARGO_BIN_EXE_rollproof"), &program).unwrap();
    let found = Command::new("sh").args(["-c", "command -v setpriv"]).output().unwrap();
    let setpriv = String::from_utf8(found.stdout).unwrap();
    let mut command = Command::new(setpriv.trim());
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"]);
    // A busy machine may close a kept connection while a request is on its way.
    let plain = ["--streams", "proxy-fresh,proxy-post,overlay-fresh,each-replica,control"];
    command.arg(&program).args(["verify", "--json"]).args(PATIENT).args(plain);
    command.current_dir(place.path()).env_clear().env("PATH", "/nowhere");
    command.env("ROLLPROOF_HOME", place.path()).env("ROLLPROOF_ENGINE", "simulated");
    command.env("ROLLPROOF_SPEED", "10");
    finish(&mut command).sound();
}

#[test]
fn a_dry_run_starts_nothing_and_a_speed_has_limits() {
    let place = Workplace::small_simulated();
    let would = place.run(&["verify", "--dry-run"]).expect(0);
    assert!(would.out.contains("a simulated engine, which is started for it"), "{}", would.out);
    assert!(!place.state().join("simulated").exists());
    for speed in ["0", "1000", "fast"] {
        let refused = place.command(&["verify", "--speed", speed]).output().unwrap();
        assert_eq!(refused.status.code(), Some(2), "{speed}");
    }
}

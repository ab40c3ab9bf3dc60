//! The main job on a real swarm: a good update, a broken one, and what users noticed.

use std::process::Command;

use serde_json::Value;

use super::workplace::{UNHURRIED, Workplace, docker};

fn check<'a>(scenario: &'a Value, name: &str) -> &'a Value {
    let checks = scenario["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == name);
    check.unwrap_or_else(|| panic!("no check {name} in {checks:#?}"))
}

fn states(scenario: &Value) -> Vec<&str> {
    let states = scenario["update"]["states"].as_array().unwrap();
    states.iter().map(|state| state["state"].as_str().unwrap()).collect()
}

#[test]
fn verify_proves_the_example_and_leaves_nothing() {
    let place = Workplace::new();
    let report = place.run(&[&["verify", "--json"], &UNHURRIED[..]].concat()).sound();
    assert_eq!(report["schema_version"], 1);
    assert_eq!(report["stack"]["replicas"], 6);
    let [update, broken] = &report["scenarios"].as_array().unwrap()[..] else {
        panic!("two scenarios were expected: {report:#}");
    };

    assert_eq!(states(update), ["updating", "completed"]);
    assert_eq!(update["update"]["rolled_back"], false);
    assert_eq!(update["streams"][0]["failed"], 0, "{:#}", update["failures"]);
    assert_eq!(update["streams"][0]["replicas_seen"], 6);
    assert_eq!(update["capacity"]["min_running"], 6);
    for name in ["update-completed", "spec-is-submitted", "every-slot-on-new-version", "observed"] {
        assert_eq!(check(update, name)["verdict"], "pass", "{name}");
    }

    assert_eq!(states(broken), ["updating", "rollback_started", "rollback_completed"]);
    assert_eq!(broken["update"]["rolled_back"], true);
    assert_eq!(broken["update"]["spec_restored"], true);
    assert_eq!(broken["streams"][0]["failed"], 0, "{:#}", broken["failures"]);
    assert!(broken["capacity"]["min_running"].as_u64().unwrap() >= 4, "{}", broken["capacity"]);
    assert!(!broken["rollback"]["trigger_task"].as_str().unwrap().is_empty());
    for name in ["rollback-happened", "spec-restored", "every-slot-on-old-version", "observed"] {
        assert_eq!(check(broken, name)["verdict"], "pass", "{name}");
    }

    let lab = place.run(&["lab", "status"]);
    assert_eq!(lab.code, 4, "the private engine is still there: {}", lab.out);
    let again = place.run(&["report", "--json"]);
    assert_eq!(again.json(), report, "judging the record again gives another verdict");
}

/// What the report says against what the engine says: the offsets of a rollback, and what an update
/// has changed.
#[test]
fn the_engine_agrees() {
    let place = Workplace::shared();
    let file = place.quick_example("replicated-dnsrr.yml");
    place.run(&["deploy", "-c", &file, "agrees"]).expect(0);
    let deployed = spec(&place);
    offsets_are_the_engines(&place);
    assert_eq!(spec(&place), deployed, "the rollback left another spec");
    an_update_changes_only_what_it_says(&place, deployed);
}

fn spec(place: &Workplace) -> Value {
    let inspect = ["service", "inspect", "agrees_app"];
    docker(&place.docker_host(), &inspect).expect(0).json()[0]["Spec"].clone()
}

/// Offsets of the report against the engine's own words, in seconds.
fn offsets_are_the_engines(place: &Workplace) {
    let host = place.docker_host();
    // The engine remembers 256 events, some seconds of health checks: listen while it happens.
    let heard = place.path().join("events");
    let mut listener = Command::new("docker")
        .args(["--host", &host, "events", "--filter", "type=service", "--format", "{{json .}}"])
        .stdout(std::fs::File::create(&heard).unwrap())
        .spawn()
        .unwrap();
    let ended = place.run(&[&["broken-update", "--json"], &UNHURRIED[..]].concat());
    listener.kill().unwrap();
    listener.wait().unwrap();
    let report = ended.sound();
    let started: jiff::Timestamp = report["started_at"].as_str().unwrap().parse().unwrap();
    let scenario = &report["scenarios"][0];
    let at = |state: &str| {
        let states = scenario["update"]["states"].as_array().unwrap();
        let found = states.iter().find(|seen| seen["state"] == state);
        found.unwrap_or_else(|| panic!("{state} was not seen: {states:?}"))["at"].as_f64().unwrap()
    };
    let close = |what: &str, ours: f64, theirs: jiff::Timestamp| {
        let theirs = theirs.duration_since(started).as_secs_f64();
        assert!((ours - theirs).abs() < 0.3, "{what}: report {ours}, engine {theirs}");
    };

    let inspect = docker(&host, &["service", "inspect", "agrees_app"]).expect(0).json();
    let status = &inspect[0]["UpdateStatus"];
    let time = |key: &str| status[key].as_str().unwrap().parse().unwrap();
    close("the update's start", at("updating"), time("StartedAt"));
    close("the rollback's end", at("rollback_completed"), time("CompletedAt"));

    let rollback = std::fs::read_to_string(heard)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .find(|event| {
            let about = &event["Actor"]["Attributes"];
            about["name"] == "agrees_app" && about["updatestate.new"] == "rollback_started"
        })
        .unwrap();
    let nanos = i128::from(rollback["timeNano"].as_i64().unwrap());
    close(
        "the rollback's start",
        at("rollback_started"),
        jiff::Timestamp::from_nanosecond(nanos).unwrap(),
    );

    let trigger = scenario["rollback"]["trigger_task"].as_str().unwrap();
    let task = docker(&host, &["inspect", "--type", "task", trigger]).expect(0).json();
    let failed = task[0]["Status"]["Timestamp"].as_str().unwrap().parse().unwrap();
    close("the task's failure", scenario["rollback"]["failure_at"].as_f64().unwrap(), failed);
    let slot = task[0]["Slot"].as_u64();
    assert_eq!(scenario["rollback"]["trigger_slot"].as_u64(), slot);
}

fn an_update_changes_only_what_it_says(place: &Workplace, mut expected: Value) {
    let args = ["update", "--json", "--env", "COLOUR=blue", "--force"];
    place.run(&[&args[..], &UNHURRIED].concat()).sound();
    let env = expected["TaskTemplate"]["ContainerSpec"]["Env"].as_array_mut().unwrap();
    env.insert(0, Value::from("COLOUR=blue"));
    expected["TaskTemplate"]["ForceUpdate"] = Value::from(1);
    assert_eq!(spec(place), expected);
    let record = place.state().join("runs/latest");
    let grep = Command::new("grep")
        .args(["-r", "blue"])
        .arg(record.canonicalize().unwrap())
        .output()
        .unwrap();
    assert!(grep.stdout.is_empty(), "an environment value is in the record");
}

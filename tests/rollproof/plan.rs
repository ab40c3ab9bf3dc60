//! `rollproof plan` from outside: its text, its JSON, and what it says about wrong input.

use std::path::Path;

use assert_cmd::Command;
use rollproof::plan::{BehaviourFile, Blind, FailureKind, Plan, Setting, detection};
use rollproof::swarm::{FailureAction, Order};
use rollproof::swarm_model::Spec;
use serde_json::Value;

use crate::swarm_model::{check, secs, spec};

fn plan(args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("rollproof").unwrap();
    command.current_dir(env!("CARGO_MANIFEST_DIR")).arg("plan").args(args);
    command
}

fn printed(args: &[&str]) -> String {
    let output = plan(args).assert().success().get_output().stdout.clone();
    String::from_utf8(output).unwrap()
}

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&printed(args)).unwrap()
}

#[test]
fn the_text_of_the_example() {
    let text = printed(&["-c", "stacks/replicated.yml", "--service", "app"]);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    insta::assert_snapshot!("plan-replicated", text);
}

#[test]
fn the_text_of_defaults_that_lose_capacity() {
    let text = printed(&["-c", "stacks/classic.yml", "--service", "app", "--boot", "5s"]);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    insta::assert_snapshot!("plan-classic", text);
}

#[test]
fn several_services_have_a_line_each() {
    insta::assert_snapshot!("plan-table", printed(&["-c", "stacks/replicated-dnsrr.yml"]));
}

#[test]
fn the_json_has_what_docs_promise() {
    let all = json(&["-c", "stacks/replicated.yml", "--json"]);
    assert_eq!(all, json(&["-c", "stacks/replicated.yml", "--format", "json"]));
    let app = &all["services"][0];
    assert_eq!((app["service"].as_str(), app["replicas"].as_u64()), (Some("app"), Some(6)));
    let [good, broken] = app["courses"].as_array().unwrap().as_slice() else { panic!("{app}") };
    assert_eq!(good["final_state"], "completed");
    assert_eq!(good["capacity"]["lowest_answering"], 6);
    assert_eq!(broken["final_state"], "rollback_completed");
    assert_eq!(broken["touched_slots"], serde_json::json!([1, 2]));
    assert!(broken["rollback"]["started_s"].as_f64() > broken["first_failure_s"].as_f64());
    for key in std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plan.md"))
        .unwrap()
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next().map(str::to_owned))
        .filter(|key| key.starts_with("services[]."))
    {
        let path = key.replace("[]", "/0").replace('.', "/");
        assert!(all.pointer(&format!("/{path}")).is_some(), "{key} is not in the JSON");
    }
}

#[test]
fn a_behaviour_file_is_played() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("b.yml");
    std::fs::write(
        &file,
        "engine: \"20.10.24\"\nnew:\n  exceptions:\n    - {slots: [3], exit: {after: 100ms}}\n",
    )
    .unwrap();
    let all = json(&[
        "-c",
        "stacks/replicated.yml",
        "--service",
        "app",
        "--json",
        "--behaviour",
        file.to_str().unwrap(),
    ]);
    let course = &all["services"][0]["courses"][1];
    assert_eq!(course["name"], "behaviour");
    assert_eq!(course["final_state"], "rollback_completed");
    assert_eq!(course["touched_slots"], serde_json::json!([1, 2, 3, 4]));
    assert_eq!(all["services"][0]["engine"], "20.10.24");
}

#[test]
fn mistakes_have_a_place_and_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    for (text, place, said) in [
        ("new:\n  sickafter: 10s\n", "b.yml:2:3", "unknown field `sickafter`"),
        ("new:\n  boot: 3 parsecs\n", "b.yml:2:9", "is no length of time"),
        ("new: {checks: [{after: 3s, result: maybe}]}\n", "b.yml:1:36", "pass, fail, hang"),
        ("new: [\n", "b.yml:1:6", "expected mapping"),
        ("new: {exceptions: [{share: 2}]}\n", "b.yml:1:28", "from 0 to 1"),
        ("engine: latest\n", "b.yml:1:9", "no engine version"),
    ] {
        let file = folder.path().join("b.yml");
        std::fs::write(&file, text).unwrap();
        let run = plan(&["-c", "stacks/replicated.yml", "--behaviour", file.to_str().unwrap()])
            .assert()
            .code(2);
        let error = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(error.contains(place) && error.contains(said), "{text}: {error}");
        assert!(error.contains("hint: "), "{error}");
    }
    plan(&["-c", "stacks/replicated.yml", "--service", "nope"]).assert().code(2);
    plan(&["-c", "no-such-file.yml"]).assert().code(2);
}

/// The schema and the reader know the same keys.
#[test]
fn the_schema_has_exactly_the_keys_of_the_reader() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/behaviour.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let keys = |at: &str| {
        let object = schema.pointer(at).unwrap().as_object().unwrap();
        object.keys().cloned().collect::<std::collections::BTreeSet<_>>()
    };
    for (text, at) in [
        ("?: 1", "/properties"),
        ("new: {?: 1}", "/$defs/version/properties"),
        ("new: {exceptions: [{?: 1}]}", "/$defs/exception/properties"),
        ("new: {exit: {?: 1}}", "/$defs/exit/properties"),
        ("new: {stop: {?: 1}}", "/$defs/stop/properties"),
        ("new: {checks: [{?: 1}]}", "/$defs/check/properties"),
        ("nodes: [{?: 1}]", "/$defs/node/properties"),
        ("hops: {?: 1}", "/$defs/hops/properties"),
    ] {
        let error = BehaviourFile::read("b.yml", &text.replace('?', "nosuch")).unwrap_err();
        let message = error.message();
        let (_, list) = message.split_once("expected ").unwrap_or_else(|| panic!("{message}"));
        let list = list.strip_prefix("one of ").unwrap_or(list);
        let known = list.split([',', ' ']).filter(|word| !word.is_empty() && *word != "or");
        let known = known.map(|word| word.trim_matches('`').to_owned()).collect();
        assert_eq!(keys(at), known, "{text}");
    }
}

fn setting(spec: Spec) -> Setting {
    Setting::new("app", spec, secs(0.5), secs(0.1))
}

#[test]
fn blind_spots_have_the_setting_that_causes_them() {
    let mut spec = spec(Order::StartFirst);
    spec.update.monitor = 5.0;
    spec.health = Some(check(10.0, 3));
    let sick = detection(FailureKind::HealthyThenSick, &setting(spec.clone()));
    let Some(Blind::MonitorTooShort { needed_s }) = sick.blind else { panic!("{sick:?}") };
    // Three checks of 10 s, the drain and the stop.
    assert!((needed_s - secs(33.0)).abs() <= secs(1.0), "{needed_s}");
    spec.update.monitor = needed_s.as_secs_f64();
    assert!(detection(FailureKind::HealthyThenSick, &setting(spec.clone())).noticed);
    spec.update.monitor = needed_s.as_secs_f64() - 1.0;
    assert!(!detection(FailureKind::HealthyThenSick, &setting(spec.clone())).noticed);
    spec.update.failure_action = FailureAction::Continue;
    let crash = detection(FailureKind::CrashAtStart, &setting(spec.clone()));
    assert_eq!(crash.blind, Some(Blind::NotWatched));
    spec.update.failure_action = FailureAction::Rollback;
    spec.update.max_failure_ratio = 1.0;
    let crash = detection(FailureKind::CrashAtStart, &setting(spec));
    assert_eq!(crash.blind, Some(Blind::Tolerated));
}

#[test]
fn tolerated_failures_are_compared_strictly_and_in_single_precision() {
    for (replicas, ratio, tolerated) in [
        (6, 0.0, 0),
        (6, 0.17, 1),
        (6, 0.34, 2),
        (6, 0.5, 3),
        (10, 0.1, 1),
        (3, 1.0, 3),
        (7, 0.9, 6),
    ] {
        let mut spec = Spec { replicas, ..Spec::default() };
        spec.update.max_failure_ratio = ratio;
        assert_eq!(setting(spec).tolerated(), tolerated, "{ratio} of {replicas}");
    }
}

#[test]
fn a_plan_says_how_many_nodes_an_update_needs() {
    let mut spec = spec(Order::StartFirst);
    spec.replicas = 3;
    spec.host_ports = vec![80];
    let plan = Plan::of(&setting(spec.clone()));
    assert_eq!((plan.room.nodes, plan.room.needed_nodes), (3, Some(4)));
    assert!(plan.course("good").unwrap().hangs.is_some());
    spec.update.order = Order::StopFirst;
    assert_eq!(Plan::of(&setting(spec)).room.needed_nodes, Some(3));
}

#[test]
fn a_recorded_run_is_explained() {
    let output = Command::cargo_bin("rollproof")
        .unwrap()
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["explain", "tests/records/new-version-404"])
        .assert()
        .success()
        .get_output()
        .stdout
        .clone();
    let text = String::from_utf8(output).unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    insta::assert_snapshot!("explain", text);
}

/// What is explained of a simulated run names the settings that decided it.
#[test]
fn explanations_name_the_setting_that_decided() {
    let mut spec = spec(Order::StartFirst);
    spec.update.delay = 4.0;
    spec.update.monitor = 3.0;
    let outcome = rollproof::swarm_model::simulate(&rollproof::swarm_model::Input::sound(
        spec.clone(),
        secs(0.5),
        secs(0.1),
    ));
    let mut run = crate::judge_story::Story::new(2).run;
    run.meta.stack.update_config = spec.update;
    run.events = outcome.events(&crate::swarm_model_properties::names(), secs(10.0));
    let explained = rollproof::plan::explain(&run);
    let steps = &explained[0].steps;
    let done = steps.last().unwrap();
    assert_eq!(done.setting, Some("update_config.delay"), "{done:?}");
    assert!(done.rule.contains("one second more"), "{}", done.rule);
    let waited = steps.iter().filter(|step| step.rule.starts_with("a worker waits 4 s"));
    assert_eq!(waited.count(), 4);
}

fn explain(args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("rollproof").unwrap();
    command.current_dir(env!("CARGO_MANIFEST_DIR")).arg("explain").args(args);
    command
}

#[test]
fn a_recorded_run_is_replayed_under_other_settings() {
    let args = ["tests/records/new-version-404", "--set", "monitor=1s", "--set", "delay=3s"];
    let output = explain(&args).assert().success().get_output().stdout.clone();
    let text = String::from_utf8(output).unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    insta::assert_snapshot!("explain-set", text);
    let output = explain(&[&args[..], &["--json"]].concat()).assert().success();
    let all: Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    assert_eq!(all[1]["faithful"], true);
    assert_eq!(all[1]["recorded"]["states"][1]["state"], "rollback_started");
}

/// What the model can replay of the recorded runs: where the record shows all that decided.
#[test]
fn replays_are_like_what_was_recorded() {
    for (record, faithful) in [
        ("new-version-404", true),
        ("engines-image-rejected", true),
        ("image-unresolvable-29", true),
        ("host-routed-nothing-serves", true),
        ("app-and-proxy-updated", true),
        ("scaled-down", true),
        // A port, and nodes that were lost.
        ("host-port-start-first", false),
        ("link-of-a-node-cut", false),
        ("nodes-link-cut", false),
    ] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/records").join(record);
        let run = rollproof::record::RecordReader::open(&folder).unwrap();
        let found = rollproof::plan::what_if(&run, &[]).unwrap();
        assert!(!found.is_empty(), "{record}");
        for one in found {
            assert_eq!(one.faithful, faithful, "{record}: {one:?}");
            assert_eq!(one.differences, Vec::<String>::new(), "{record}");
        }
    }
}

/// A version that becomes sick after the update was over: a longer monitor would have seen it.
#[test]
fn a_longer_monitor_sees_what_a_short_one_missed() {
    let mut spec = spec(Order::StartFirst);
    spec.update.monitor = 2.0;
    spec.update.delay = 0.0;
    spec.health = Some(check(1.0, 3));
    let sick = rollproof::swarm_model::Behaviour::sound(secs(0.5), secs(0.1)).sick_after(secs(9.0));
    let sound = rollproof::swarm_model::Behaviour::sound(secs(0.5), secs(0.1));
    let input = rollproof::swarm_model::Input::update(spec.clone(), sound, sick);
    let mut run = crate::judge_story::Story::new(2).run;
    run.meta.stack.update_config = spec.update;
    run.meta.stack.rollback_config = spec.rollback;
    run.meta.stack.healthcheck = spec.health;
    let outcome = rollproof::swarm_model::simulate(&input);
    run.events = outcome.events(&crate::swarm_model_properties::names(), secs(10.0));
    let tweaks = |text: &str| {
        let (name, value) = text.split_once('=').unwrap();
        [rollproof::plan::Tweak::new(name, value).unwrap()]
    };
    let short = &rollproof::plan::what_if(&run, &tweaks("monitor=4s")).unwrap()[0];
    assert!(short.faithful, "{short:?}");
    assert!(short.differences.iter().all(|said| !said.contains("fail")), "{short:?}");
    let long = &rollproof::plan::what_if(&run, &tweaks("monitor=30s")).unwrap()[0];
    assert!(long.differences[0].contains("fail within monitor (30 s)"), "{long:?}");
    let error = rollproof::plan::what_if(&run, &tweaks("replicas=3"));
    assert!(error.is_ok());
    run.meta.stack.healthcheck = None;
    let error = rollproof::plan::what_if(&run, &tweaks("healthcheck.retries=5")).unwrap_err();
    assert!(error.contains("no health check"), "{error}");
}

#[test]
fn settings_of_a_replay_are_refused_like_those_of_a_sweep() {
    for (set, said) in [
        ("monitor", "write SETTING=VALUE"),
        ("monitr=1s", "there is no setting"),
        ("order=first", "start-first or stop-first"),
    ] {
        let run = explain(&["tests/records/new-version-404", "--set", set]).assert().code(2);
        let error = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(error.contains(said), "{error}");
    }
}

/// What is measured in a record is what `plan` counts with.
#[test]
fn hop_times_of_a_record_are_taken_by_plan() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hops.json");
    let name = file.to_str().unwrap();
    let mut calibrate = Command::cargo_bin("rollproof").unwrap();
    calibrate.current_dir(env!("CARGO_MANIFEST_DIR"));
    let args = ["calibrate", "--run", "tests/records/new-version-404", "-o", name];
    calibrate.args(args).assert().success();
    let mut hops: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert!(hops["start"].as_f64().unwrap() > 0.2, "{hops}");
    let planned = |more: &[&str]| {
        let args = ["-c", "stacks/replicated.yml", "--service", "app", "--json"];
        let all = json(&[&args[..], more].concat());
        all["services"][0]["courses"][0]["first_new_serves_s"].as_f64().unwrap()
    };
    let before = planned(&["--hop-times", name]);
    hops["start"] = serde_json::json!(hops["start"].as_f64().unwrap() + 4.0);
    std::fs::write(&file, hops.to_string()).unwrap();
    assert!((planned(&["--hop-times", name]) - before - 4.0).abs() < 0.001);
    for (text, said) in [
        ("{\"start\": -1}", "from 0 to 3600 seconds"),
        ("{\"begin\": 1}", "unknown field `begin`"),
        ("{\"start\": \"1s\"}", "hops.json:1:"),
        ("[", "hops.json:1:"),
    ] {
        std::fs::write(&file, text).unwrap();
        let run = plan(&["-c", "stacks/replicated.yml", "--hop-times", name]).assert().code(2);
        let error = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(error.contains(said) && error.contains("rollproof calibrate"), "{text}: {error}");
    }
}

/// Whatever a file says, the work is bounded: checks that go alike are counted, slots that fail over and
/// over are not followed for ever, and too many replicas are refused.
#[test]
fn absurd_settings_are_played_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stack.yml");
    for lines in [
        "healthcheck: {test: [CMD, a], retries: 4294967295}\ndeploy: {replicas: 2000}",
        "healthcheck: {test: [CMD, a], interval: 1ms, start_period: 1000h}\ndeploy: {replicas: 2000}",
        "healthcheck: {test: [CMD, a], interval: 2562047h, timeout: 2562047h, start_period: 2562047h}",
        "stop_grace_period: 2562047h\ndeploy: {replicas: 9, update_config: {delay: 2562047h, monitor: 2562047h}}",
        "deploy: {replicas: 9, restart_policy: {delay: 0s}, update_config: {delay: 2562047h, max_failure_ratio: 1.0}}",
        "deploy: {replicas: 9, restart_policy: {delay: 2562047h, max_attempts: 18446744073709551615, window: 2562047h}}",
        "deploy: {replicas: 9, update_config: {parallelism: 18446744073709551615}}",
        "deploy: {replicas: 500, restart_policy: {delay: 0s}, update_config: {failure_action: continue, delay: 1h}}",
    ] {
        let lines = lines.lines().fold(String::new(), |text, line| format!("{text}    {line}\n"));
        std::fs::write(&file, format!("services:\n  app:\n    image: a:1\n{lines}")).unwrap();
        plan(&["-c", file.to_str().unwrap(), "--json"]).assert().success();
    }
    for replicas in ["20001", "4000000000", "18446744073709551615"] {
        let text =
            format!("services:\n  app:\n    image: a:1\n    deploy: {{replicas: {replicas}}}\n");
        std::fs::write(&file, text).unwrap();
        let told =
            plan(&["-c", file.to_str().unwrap()]).assert().code(2).get_output().stderr.clone();
        let told = String::from_utf8(told).unwrap();
        assert!(told.contains("the model plays at most 20,000"), "{told}");
    }
}

//! `--dry-run`: what would be done is said, and nothing is done.

use serde_json::Value;

use crate::records::folder;
use crate::workplace::{UNHURRIED, Workplace, docker, example};

/// Every command that changes something.
const COMMANDS: [&[&str]; 13] = [
    &["verify"],
    &["deploy"],
    &["update"],
    &["broken-update"],
    &["watch"],
    &["try"],
    &["calibrate"],
    &["build"],
    &["down"],
    &["lab", "up"],
    &["lab", "down"],
    &["runs", "rm"],
    &["runs", "prune"],
];

/// Nothing was started: no private engine, no run.
#[track_caller]
fn nothing_is_there(place: &Workplace) {
    let labs = place.run(&["lab", "ls", "--json"]).expect(0).json();
    let mine = labs.as_array().unwrap().iter().filter(|lab| lab["mine"] == true).count();
    assert_eq!(mine, 0, "{labs:#}");
    assert!(!place.state().join("runs").exists());
    assert!(!place.state().join("ledger.json").exists());
}

#[test]
fn every_command_that_changes_something_has_it() {
    let place = Workplace::without_engine();
    for command in COMMANDS {
        let help = place.run(&[command, &["--help"]].concat()).expect(0).out;
        assert!(help.contains("--dry-run"), "{command:?}: {help}");
    }
}

#[test]
fn a_run_is_told_before_it_is_made() {
    let place = Workplace::without_engine();
    let file = example("replicated-dnsrr.yml");
    let verify = ["verify", "-c", &file, "--engine", "lab", "--dry-run"];
    let told = place.run(&verify).expect(0);
    for part in [
        "engine     a private engine, which is started for it (chosen with --engine lab)",
        "deploy     stack rollproof-verify",
        "rollproof-verify_app: 6 replicas of rollproof/app:v1",
        "rollproof-verify_proxy: 1 replica of rollproof/caddy:2, publishes",
        "http://ENGINE:8080/, 465 requests a second",
        "update: --image rollproof/app:v2",
        "predicted: completed after 2",
        "broken-update: --health-cmd",
        "predicted: rolled back after 1",
        "time       about 1m",
    ] {
        assert!(told.out.contains(part), "`{part}` in:\n{}", told.out);
    }
    assert!(told.out.lines().all(|line| line.chars().count() <= 80), "{}", told.out);
    assert!(told.err.contains("nothing was started or changed"), "{}", told.err);

    // The times are those that `plan` predicts, and they add up.
    let json = place.run(&[&verify[..], &["--json"]].concat()).expect(0).json();
    let plan = place.run(&["plan", "-c", &file, "--service", "app", "--json"]).expect(0).json();
    let [good, broken] = &plan["services"][0]["courses"].as_array().unwrap()[..] else {
        panic!("{plan:#}");
    };
    let lasts = |index: usize| json["changes"][index]["lasts_s"].as_f64().unwrap();
    let finished = |course: &Value| course["finished_s"].as_f64().unwrap();
    assert!((lasts(0) - finished(good)).abs() < 0.01, "{json:#}");
    // The broken update changes a health check that the plan takes from the file.
    assert!((lasts(1) - finished(broken)).abs() < 2.0, "{json:#}");
    let whole = json["lasts_s"].as_f64().unwrap();
    let measured = lasts(0) + lasts(1) + 2.0 * 2.0 + 3.0 * 5.0 + 5.0;
    assert!((whole - measured).abs() < 0.01, "{whole} {measured}");
    let three = place.run(&[&verify[..], &["--json", "--repeat", "3"]].concat()).expect(0).json();
    assert!((three["lasts_s"].as_f64().unwrap() - 3.0 * whole).abs() < 0.01);
    nothing_is_there(&place);
}

/// On a simulated engine times are those of its speed, as in the run itself.
#[test]
fn a_faster_swarm_takes_less_time() {
    let place = Workplace::without_engine();
    let file = example("replicated-dnsrr.yml");
    let lasts = |speed: &str| {
        let verify = ["verify", "-c", &file, "--engine", "simulated", "--speed", speed];
        let told = place.run(&[&verify[..], &["--dry-run", "--json"]].concat()).expect(0).json();
        let of = |index: usize| told["changes"][index]["lasts_s"].as_f64().unwrap();
        (of(0), of(1), told["lasts_s"].as_f64().unwrap())
    };
    let (real, fast) = (lasts("1"), lasts("10"));
    assert!(
        (real.0 / 10.0 - fast.0).abs() < 0.1 && (real.1 / 10.0 - fast.1).abs() < 0.1,
        "{fast:?}"
    );
    // A second is measured before, between and after the changes, and the self-test keeps its time.
    assert!((fast.2 - (fast.0 + fast.1 + 2.0 * 0.2 + 3.0 + 5.0)).abs() < 0.01, "{fast:?}");
    nothing_is_there(&place);
}

/// What `calibrate` measures is two of the scenarios of `try`.
#[test]
fn a_calibration_is_told() {
    let place = Workplace::without_engine();
    let args = ["calibrate", "--engine", "lab", "--dry-run"];
    let told = place.run(&[&args[..], &["-o", "hops.json"]].concat()).expect(0);
    for part in ["stack rollproof-try", "change     start-first: ", "change     all-at-once: "] {
        assert!(told.out.contains(part), "`{part}` in:\n{}", told.out);
    }
    assert!(told.err.contains("nothing was started or changed"), "{}", told.err);
    assert!(!place.path().join("hops.json").exists());
    let json = place.run(&[&args[..], &["--json"]].concat()).expect(0).json();
    assert_eq!(json["changes"].as_array().unwrap().len(), 2);
    place.run(&[&args[..], &["--run", "some"]].concat()).expect(2);
    nothing_is_there(&place);
}

/// The next version of a stack: what would be created, changed, pruned and closed.
#[test]
fn a_next_version_is_told_before_it_is_deployed() {
    const FIRST: &str = "services:\n  app: {image: 'a:1', environment: {KEY: geheim}, \
        deploy: {endpoint_mode: dnsrr, replicas: 2}}\n  \
        web: {image: 'w:1', configs: [c], ports: [{target: 80, published: 8080, mode: host}]}\n  \
        old: {image: 'o:1', deploy: {endpoint_mode: dnsrr}}\nconfigs: {c: {file: ./one, name: c-1}}\n";
    let place = Workplace::without_engine();
    place.file("one", "1");
    place.file("two", "2");
    let first = place.file("first.yml", FIRST);
    let next = FIRST
        .replace("a:1", "a:2")
        .replace("geheim", "sehr-geheim")
        .replace("c-1", "c-2")
        .replace("./one", "./two")
        .replace("8080", "8090")
        .replace("old: {image: 'o:1'", "new: {image: 'n:1', networks: [inner]")
        + "networks: {inner: {}}\n";
    let next = place.file("next.yml", &next);
    let args = ["verify", "-c", &first, "--to", &next, "--engine", "lab", "--dry-run", "s"];
    let told = place.run(&args).expect(0);
    let text = told.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "warning: the new version does not publish port 8080 (s_web), but 8090",
        "creates network s_inner",
        "creates config c-2",
        "s_app: image a:1 → a:2; environment KEY changed (predicted: completed after",
        "s_web: configs c-1 → c-2; ports 8080:80/tcp (host) → 8090:80/tcp (host) (predicted:",
        "s_new: new",
        "not performed after it: broken-update",
    ] {
        assert!(text.contains(part), "`{part}` in:\n{}", told.out);
    }
    assert!(!text.contains("s_old: removed"), "{}", told.out);
    assert!(!told.out.contains("geheim"), "{}", told.out);
    let json = place.run(&[&args[..], &["--json", "--prune"]].concat()).expect(0).json();
    assert_eq!(json["next"]["removed"], serde_json::json!(["s_old"]), "{json:#}");
    assert_eq!(json["next"]["withdraws"][0]["port"], 8080, "{json:#}");
    assert_eq!(json["next"]["created"], serde_json::json!(["s_new"]), "{json:#}");
    assert!(json["lasts_s"].as_f64().unwrap() > json["changes"][0]["lasts_s"].as_f64().unwrap());
    let same = ["verify", "-c", &first, "--to", &first, "--engine", "lab", "--dry-run", "s"];
    assert!(place.run(&same).expect(2).err.contains("changes nothing"));
    nothing_is_there(&place);
}

#[test]
fn other_commands_tell_too_and_start_nothing() {
    let place = Workplace::without_engine();
    let lab = ["--engine", "lab", "--dry-run"];
    for (args, part) in [
        (&["try", "never-healthy"][..], "change     never-healthy: "),
        (&["build"], "build      rollproof/app:v2"),
        (&["down"], "nothing is there to remove"),
        (&["lab", "up", "--nodes", "3"], "would start a private swarm of 3 nodes"),
        (&["lab", "down"], "no private swarm is there"),
    ] {
        let told = place.run(&[args, &lab].concat()).expect(0);
        assert!(told.out.contains(part), "`{part}` in:\n{}", told.out);
        assert!(told.err.contains("nothing was started or changed"), "{}", told.err);
        let json = place.run(&[args, &lab, &["--json"]].concat()).expect(0).json();
        assert_eq!(json["dry_run"], true, "{json:#}");
    }
    nothing_is_there(&place);
}

#[test]
fn what_would_fail_fails_with_the_same_code() {
    let place = Workplace::without_engine();
    let broken = place.file("broken.yml", "services: {api: {image: a:1, depoy: {}}}\n");
    let good = example("replicated-dnsrr.yml");
    for (args, code, part) in [
        (&["verify", "-c", &broken, "--engine", "lab"][..], 2, "depoy"),
        (&["verify", "-c", &good, "--service", "nobody", "--engine", "lab"], 2, "no service"),
        (&["verify", "-c", &good, "--engine", "host", "--host", "unix:///nowhere"], 4, "nowhere"),
        (&["update", "--engine", "lab"], 4, "no lab is running"),
        (&["broken-update", "--engine", "lab"], 4, "no lab is running"),
        (&["watch", "shop_api", "--engine", "lab"], 4, "no lab is running"),
        (&["down", "shop", "--engine", "lab"], 4, "no lab is running"),
        (&["try", "no-such-scenario"], 2, "no scenario"),
        (&["runs", "rm", "no-such-run"], 2, "no run"),
        (&["build", "--context", "/nowhere", "-t", "a"], 2, "/nowhere"),
    ] {
        let ended = place.run(&[args, &["--dry-run"]].concat());
        assert_eq!(ended.code, code, "{args:?}: {}", ended.err);
        assert!(ended.err.contains(part), "{args:?}: {}", ended.err);
    }
    nothing_is_there(&place);
}

#[test]
fn runs_that_would_be_removed_stay() {
    let place = Workplace::without_engine();
    let runs = place.state().join("runs");
    for name in ["new-version-404", "scaled-down"] {
        let to = runs.join(name);
        std::fs::create_dir_all(&to).unwrap();
        for file in std::fs::read_dir(folder(name)).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
    let told = place.run(&["runs", "prune", "--keep", "0", "--dry-run"]).expect(0);
    assert!(told.out.starts_with("remove     2 runs ("), "{}", told.out);
    let told = place.run(&["runs", "rm", "scaled-down", "--dry-run", "--json"]).expect(0).json();
    assert_eq!(told["removes"][0], "scaled-down");
    assert_eq!(place.run(&["runs", "--json"]).expect(0).json().as_array().unwrap().len(), 2);
}

#[test]
fn on_an_engine_nothing_changes_either() {
    let place = Workplace::small_simulated();
    let file = place.quick_example("replicated-dnsrr.yml");
    place.run(&["deploy", "-c", &file, "dryrun"]).expect(0);
    let versions = || {
        let format = ["service", "inspect", "-f", "{{.ID}} {{.Version.Index}}", "dryrun_app"];
        docker(&place.docker_host(), &format).expect(0).out
    };
    let before = versions();
    let update = ["update", "dryrun", "--image", "rollproof/app:v2", "--dry-run"];
    let told = place.run(&[&update[..], &UNHURRIED].concat()).expect(0);
    assert!(told.out.contains("change     dryrun_app"), "{}", told.out);
    assert!(told.out.contains("update: --image rollproof/app:v2"), "{}", told.out);
    assert!(told.out.contains("predicted: completed after"), "{}", told.out);
    assert!(!told.out.contains("deploy"), "{}", told.out);
    place.run(&["broken-update", "dryrun", "--dry-run"]).expect(0);
    place.run(&["watch", "dryrun_app", "--dry-run"]).expect(0);
    let told = place.run(&["down", "dryrun", "--dry-run"]).expect(0);
    assert!(told.out.contains("remove     stack dryrun on the simulated engine"), "{}", told.out);
    let told = place.run(&["verify", "dryrun", "-c", &file, "--dry-run"]).expect(2);
    assert!(told.err.contains("is deployed from this folder"), "{}", told.err);
    assert_eq!(versions(), before);
}

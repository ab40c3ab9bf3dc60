//! `rollproof.yml` and `rollproof init`.

use serde_json::{Value, json};

use crate::workplace::{Workplace, example, finish};

/// A place with a copy of the example as `stack.yml`.
fn place() -> Workplace {
    let place = Workplace::without_engine();
    let copy =
        |from: &str, to: &str| place.file(to, &std::fs::read_to_string(example(from)).unwrap());
    copy("replicated-dnsrr.yml", "stack.yml");
    copy("Caddyfile.dnsrr", "Caddyfile.dnsrr");
    place
}

/// What `verify` would do, in that place.
#[track_caller]
fn verify(place: &Workplace, args: &[&str]) -> Value {
    place.run(&[&["verify", "--dry-run", "--json"][..], args].concat()).expect(0).json()
}

fn rate(told: &Value) -> String {
    told["asks"]["streams"][0]["rate_hz"].to_string()
}

#[test]
fn what_is_typed_wins_then_the_environment_then_the_file() {
    let place = place();
    place.file(
        "rollproof.yml",
        "target: {engine: lab, compose-file: stack.yml, path: /from-file}\n\
         load: {rate: 7, baseline: 1s, streams: [proxy-fresh]}\nscenarios: update\n",
    );
    let told = verify(&place, &[]);
    assert_eq!(
        told["engine"].as_str().unwrap().split(" (").nth(1),
        Some("chosen with --engine lab)")
    );
    assert_eq!(rate(&told), "7.0");
    assert_eq!(told["asks"]["streams"].as_array().unwrap().len(), 1);
    assert_eq!(told["asks"]["url"], "http://ENGINE:8080/from-file");
    assert_eq!(told["changes"].as_array().unwrap().len(), 1);
    assert_eq!(told["deploys"]["services"][0]["name"], "rollproof-verify_app");

    assert_eq!(rate(&verify(&place, &["--rate", "9"])), "9.0");
    // A list that is typed replaces the file's.
    let both =
        verify(&place, &["--streams", "proxy-post,proxy-fresh", "--scenario", "broken-update"]);
    assert_eq!(both["asks"]["streams"].as_array().unwrap().len(), 2);
    assert_eq!(both["changes"][0]["scenario"], "broken-update");
    // What excludes a key makes it void, whichever of the two says so.
    let url = verify(&place, &["--url", "http://10.0.0.1/typed"]);
    assert_eq!(url["asks"]["url"], "http://10.0.0.1/typed");
    place.file(
        "rollproof.yml",
        "target: {engine: lab, compose-file: stack.yml, url: 'http://a/'}\n",
    );
    let path = verify(&place, &["--path", "/typed"]);
    assert_eq!(path["asks"]["url"], "http://ENGINE:8080/typed");
    assert_eq!(verify(&place, &[])["asks"]["url"], "http://a/");

    let mut command = place.command(&["verify", "--dry-run", "--host", "unix:///nowhere"]);
    let ended = finish(command.env("ROLLPROOF_ENGINE", "host")).expect(4);
    assert!(ended.err.contains("no Docker engine answers at unix:///nowhere"), "{}", ended.err);
}

#[test]
fn a_variable_that_is_set_to_nothing_is_not_set() {
    let place = place();
    place.file("rollproof.yml", "target: {engine: lab}\nload: {rate: 7}\n");
    let mut command = place.command(&["verify", "--dry-run", "--json", "-c", "stack.yml"]);
    for name in ["ENGINE", "CONFIG", "LOG", "LAB_ROOT"] {
        command.env(format!("ROLLPROOF_{name}"), "");
    }
    let told = finish(&mut command).expect(0).json();
    assert_eq!(rate(&told), "7.0");
    assert!(told["engine"].as_str().unwrap().contains("--engine lab"), "{told}");
}

#[test]
fn a_dash_is_no_file_beside_the_file() {
    let place = place();
    std::fs::create_dir(place.path().join("ci")).unwrap();
    place.file("ci/own.yml", "formats: {html: '-', junit: '-'}\n");
    place.run(&["verify", "--dry-run", "--config", "ci/own.yml", "-c", "stack.yml"]).expect(0);
    let ended = place.run(&["verify", "--config", "ci/own.yml", "--events", "-"]).expect(2);
    assert!(ended.err.contains("--format html both write to standard output"), "{}", ended.err);
}

#[test]
fn a_link_that_leads_nowhere_is_no_missing_file() {
    let place = place();
    std::os::unix::fs::symlink("nowhere.yml", place.path().join("rollproof.yml")).unwrap();
    let ended = place.run(&["verify", "--dry-run", "-c", "stack.yml"]).expect(2);
    assert!(ended.err.contains("cannot read rollproof.yml"), "{}", ended.err);
    place.run(&["verify", "--dry-run", "--no-config", "-c", "stack.yml"]).expect(0);
}

#[test]
fn the_file_beside_the_stack_is_used_and_its_paths_count_from_there() {
    let place = place();
    let folder = place.path().join("shop");
    std::fs::create_dir(&folder).unwrap();
    for file in ["stack.yml", "Caddyfile.dnsrr"] {
        std::fs::rename(place.path().join(file), folder.join(file)).unwrap();
    }
    place.file("rollproof.yml", "load: {rate: 3}\n");
    place.file("own.yml", "load: {rate: 5}\n");
    let beside = "target: {compose-file: stack.yml, engine: lab}\nload: {rate: 4, body: '@body'}\n";
    place.file("shop/rollproof.yml", beside);
    place.file("shop/body", "x");

    let lab = ["--engine", "lab"];
    let of = |args: &[&str]| rate(&verify(&place, &[&lab[..], args].concat()));
    assert_eq!(of(&["-c", "shop/stack.yml"]), "4.0");
    assert_eq!(of(&[]), "3.0");
    assert_eq!(of(&["-c", "shop/stack.yml", "--config", "own.yml"]), "5.0");
    assert_eq!(of(&["-c", "shop/stack.yml", "--no-config"]), "200.0");
    let told = verify(&place, &["--config", "shop/rollproof.yml"]);
    assert_eq!(told["deploys"]["services"][0]["replicas"], 6);
    let mut command = place.command(&["verify", "--dry-run", "--json", "--engine", "lab"]);
    let told = finish(command.env("ROLLPROOF_CONFIG", "own.yml")).expect(0);
    assert_eq!(rate(&told.json()), "5.0");
    assert!(told.err.contains("using the settings of own.yml"), "{}", told.err);
    let mut command =
        place.command(&["verify", "--dry-run", "--json", "--engine", "lab", "--no-config"]);
    let told = finish(command.env("ROLLPROOF_CONFIG", "own.yml")).expect(0);
    assert_eq!(rate(&told.json()), "200.0");
    let ended = place.run(&["verify", "--config", "nowhere.yml"]).expect(2);
    assert!(ended.err.contains("there is no nowhere.yml"), "{}", ended.err);
}

#[test]
fn the_same_file_serves_every_command() {
    let place = place();
    place.file(
        "rollproof.yml",
        "target: {compose-file: stack.yml, service: proxy, engine: lab, repeat: 3}\n\
         load: {rate: 7}\nscenarios: [update]\nformats: {junit: out.xml, summary: }\n",
    );
    let plan = place.run(&["plan", "--json"]).expect(0).json();
    assert_eq!(plan["services"][0]["service"], "proxy");
    let deploy = place.run(&["deploy", "--dry-run"]).expect(0);
    assert!(deploy.out.contains("rollproof_app"), "{}", deploy.out);
    for command in [&["update"][..], &["broken-update"], &["watch", "shop_api"]] {
        let ended = place.run(command).expect(4);
        assert!(
            ended.err.contains("no lab is running (chosen with --engine lab)"),
            "{}",
            ended.err
        );
    }
    assert_eq!(verify(&place, &[])["runs"], 3);
    // A format is the file's as if it had been typed.
    place.file("rollproof.yml", "target: {engine: lab}\nformats: {summary: }\n");
    let ended = place.run(&["watch", "shop_api", "--events", "-"]).expect(2);
    assert!(ended.err.contains("--format summary both write to standard output"), "{}", ended.err);
    // What is not about a stack under test does not read it.
    place.file("rollproof.yml", "nonsense: [");
    place.run(&["scenarios"]).expect(0);
    place.run(&["runs"]).expect(0);
}

#[test]
fn every_kind_of_mistake_has_its_place() {
    let place = place();
    for (text, says, line, column) in [
        ("load:\n  raet: 5\n", "`load` has no key `raet`", 2, 3),
        ("laod: {rate: 5}\n", "there is no section `laod`", 1, 1),
        ("target:\n  rate: 5\n", "`rate` belongs into `load`", 2, 3),
        ("target: {dry-run: true}\n", "`target` has no key `dry-run`", 1, 10),
        ("load: {rate: fast}\n", "'fast' for '--rate <HZ>': must be a number", 1, 14),
        ("load: {rate: [1, 2]}\n", "`rate` takes one value", 1, 18),
        ("load: {rate: {a: 1}}\n", "`rate` must be a value", 1, 14),
        ("load:\n  rate:\n", "`rate` has no value", 2, 7),
        ("load: 3\n", "`load` must be keys", 1, 7),
        ("load: {streams: [proxy-fresh, prox]}\n", "'prox' for '--streams", 1, 31),
        ("load: {cookies: yess}\n", "`cookies` is true or false", 1, 17),
        ("load: {content-type: a/b}\n", "`content-type` needs `body`", 1, 8),
        (
            "target:\n  path: /b\n  url: http://a/\n",
            "cannot be used with '--url <[NAME=]URL>'",
            2,
            3,
        ),
        ("target: {engine: mine}\n", "'mine' for '--engine <ENGINE>'", 1, 18),
        ("scenarios: [update, nope]\n", "there is no scenario `nope`", 1, 21),
        ("formats: {junitt: a}\n", "there is no format `junitt`", 1, 11),
        ("formats: [junit]\n", "`formats` must be names", 1, 10),
        ("load: {rate: 5, rate: 6}\n", "already", 1, 17),
        ("a: [b\n", "unclosed", 1, 4),
        ("- a\n", "must be a mapping", 1, 1),
    ] {
        place.file("rollproof.yml", text);
        // Whichever command is run, also one that would not use the key.
        for command in [&["verify"][..], &["plan"]] {
            let ended = place.run(command);
            assert_eq!(ended.code, 2, "{text}: {}", ended.err);
            assert!(ended.err.contains(says), "{text}: {}", ended.err);
            let at = format!("--> rollproof.yml:{line}:{column}\n");
            assert!(ended.err.contains(&at), "{at} of {text}: {}", ended.err);
            assert!(ended.err.contains(text.lines().nth(line - 1).unwrap()), "{}", ended.err);
            assert!(ended.err.contains("hint: "), "{text}: {}", ended.err);
        }
    }
    // A header may hold a secret.
    place.file("rollproof.yml", "load:\n  header: 'Authorization SECRET'\n");
    let ended = place.run(&["verify"]).expect(2);
    assert!(ended.err.contains("--> rollproof.yml:2:11"), "{}", ended.err);
    assert!(!ended.err.contains("SECRET"), "{}", ended.err);
}

/// The schema in the repository is that of the program: `rollproof init --schema`.
#[test]
fn the_schema_is_the_programs_own() {
    let place = Workplace::without_engine();
    let printed = place.run(&["init", "--schema"]).expect(0).out;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schema/config.json");
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(path, &printed).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap();
    assert_eq!(printed, kept, "`rollproof init --schema >docs/schema/config.json` renews it");

    let schema: Value = serde_json::from_str(&kept).unwrap();
    let valid = jsonschema::validator_for(&schema).unwrap();
    for good in [
        json!({}),
        json!({"target": {"compose-file": "a.yml", "path": ["/", "/b"], "engine": "lab"}}),
        json!({"load": {"rate": 7, "cookies": true, "expect-status": [200, 204]}, "limits": null}),
        json!({"scenarios": ["update"], "formats": {"junit": "a.xml", "summary": null}}),
    ] {
        assert!(valid.is_valid(&good), "{good}");
    }
    for wrong in [
        json!({"load": {"raet": 7}}),
        json!({"laod": {}}),
        json!({"load": {"cookies": "yes"}}),
        json!({"target": {"engine": "mine"}}),
        json!({"target": {"dry-run": true}}),
        json!({"formats": {"junitt": "a"}}),
    ] {
        assert!(!valid.is_valid(&wrong), "{wrong}");
    }
}

#[test]
fn init_writes_a_file_that_means_what_the_stack_means() {
    let place = place();
    let before = verify(&place, &["-c", "stack.yml", "--engine", "lab"]);
    let told = place.run(&["init"]).expect(0);
    assert!(told.err.contains("wrote rollproof.yml"), "{}", told.err);
    let written = std::fs::read_to_string(place.path().join("rollproof.yml")).unwrap();
    for part in [
        "compose-file: stack.yml",
        "service: app",
        "6 replicas of rollproof/app:v1",
        "port 8080",
        "completed after 2",
        "rolled back after 1",
    ] {
        assert!(written.contains(part), "{part}: {written}");
    }
    assert!(written.lines().all(|line| line.chars().count() <= 80), "{written}");
    assert_eq!(verify(&place, &["--engine", "lab"]), before);

    // It is the user's file from now on.
    place.file("rollproof.yml", "load: {rate: 3}\n");
    let ended = place.run(&["init"]).expect(2);
    assert!(ended.err.contains("rollproof.yml exists"), "{}", ended.err);
    assert_eq!(place.run(&["init", "-"]).expect(0).out, written);
    let kept = std::fs::read_to_string(place.path().join("rollproof.yml")).unwrap();
    assert_eq!(kept, "load: {rate: 3}\n");
    place.run(&["init", "--force"]).expect(0);
    let replaced = std::fs::read_to_string(place.path().join("rollproof.yml")).unwrap();
    assert_eq!(replaced, written);
}

#[test]
fn init_says_what_it_cannot_choose() {
    let place = Workplace::without_engine();
    let ended = place.run(&["init"]).expect(2);
    assert!(ended.err.contains("no stack file with a usual name"), "{}", ended.err);
    place.file("stack.yml", "services: {a: {image: 'x:1'}, b: {image: 'x:1'}}\n");
    let text = place.run(&["init", "-"]).expect(0).out;
    assert!(text.contains("# Please choose: more than one service"), "{text}");
    assert!(text.contains("  # service: NAME"), "{text}");
    // It can be used as it is, once a service is chosen.
    place.run(&["init"]).expect(0);
    let ended = place.run(&["verify", "--dry-run", "--engine", "lab"]).expect(2);
    assert!(ended.err.contains("more than one service"), "{}", ended.err);
    place.file("compose.yml", "services: {a: {image: 'x:1'}}\n");
    let ended = place.run(&["init", "-"]).expect(2);
    assert!(ended.err.contains("several stack files: stack.yml, compose.yml"), "{}", ended.err);
    // Files elsewhere are named from where the file stands, and odd names are quoted.
    std::fs::create_dir(place.path().join("sub")).unwrap();
    place.file("sub/my stack: 1.yml", "services: {a: {image: 'x:1'}}\n");
    place.run(&["init", "-c", "sub/my stack: 1.yml"]).expect(0);
    let text = std::fs::read_to_string(place.path().join("sub/rollproof.yml")).unwrap();
    assert!(text.contains("  compose-file: \"my stack: 1.yml\"\n"), "{text}");
}

/// A file without an end is not read to its end, whatever it was meant to be.
#[cfg(target_os = "linux")]
#[test]
fn no_file_is_read_without_a_limit() {
    let place = place();
    for args in [
        &["verify", "--dry-run", "--config", "/dev/zero"][..],
        &["plan", "-c", "stack.yml", "--behaviour", "/dev/zero"],
        &["plan", "-c", "stack.yml", "--hop-times", "/dev/zero"],
        &["try", "--dry-run", "/dev/zero"],
    ] {
        let ended = place.run(args).expect(2);
        assert!(ended.err.contains("larger than 1 MiB"), "{args:?}: {}", ended.err);
    }
}

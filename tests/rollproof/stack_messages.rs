//! What a stack file's mistakes look like: all at once, each with its line, and warnings about
//! what docker accepts silently. The cases of `stack-cases/inputs/silent.txt` are the docker
//! client's own answers to the same files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use rollproof::stack::{Sources, Stack, Warning, load};
use rollproof::{Error, Result};

use super::workplace::Workplace;

fn read_with(files: &[(&str, &str)], env: &[(&str, &str)]) -> Result<Stack> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let env: BTreeMap<String, String> =
        env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    load(&Sources {
        files: files.iter().map(|(name, _)| (*name).to_owned()).collect(),
        env,
        home: None,
        cwd: folder.path().to_owned(),
        stdin: None,
    })
}

fn read(text: &str) -> Result<Stack> {
    read_with(&[("s.yml", text)], &[])
}

/// `line:column message`.
fn shown(warnings: &[Warning]) -> Vec<String> {
    warnings
        .iter()
        .map(|warning| match &warning.place {
            Some(place) => format!("{}:{} {}", place.line, place.column, warning.message),
            None => warning.message.clone(),
        })
        .collect()
}

/// The lines and columns of all errors.
fn places(error: &Error) -> Vec<(usize, usize)> {
    let places = error.all().filter_map(|error| error.place());
    places.map(|place| (place.line, place.column)).collect()
}

const MISTAKES: &str = r#"version: "3.8"
services:
  web:
    imagee: registry/web
    replicas: 3
    privileged: !reset false
    deploy:
      replicas: "3"
      update_config: {order: start_first, delay: 10}
    ports:
    healthcheck: {interval: 5, retries: "3"}
    labels: {a: true, b: "$"}
    mem_limit: 5m
    environment: {a: "admin:$2y$10", N: 1.2}
  api:
    image: a
    profiles: [x]
    depends_on: {web: {condition: x}}
    deploy: {replicas: "${N}"}
"#;

const SILENT: &str = r#"x-unset: &u "${TAG}"
services:
  web:
    image: registry/web:${TAG}
    hostname: *u
    ports: !reset []
    command: ["sh", "-c", "cd $HOME && echo $FOO ${BAR:-} $HOST"]
    labels:
      - "traefik.http.middlewares.auth.basicauth.users=a:$$2y$$05$$abc,b:$2y$05$abc/def"
      - "traefik.rule=HostRegexp(`^.+$`) $FOO"
    environment:
      PATH: ""
      MISSING:
      FINE: "${TAG}"
    secrets:
      - source: s
        taget: /x
secrets: {s: {external: true}}
---
services: {}
"#;

#[test]
fn all_mistakes_at_once_with_their_lines_and_hints() {
    let place = Workplace::without_engine();
    let file = place.file("mistakes.yml", MISTAKES);
    let ended = place.run(&["stack", "config", "-c", &file]).expect(2);
    insta::assert_snapshot!("stack_mistakes", ended.err.replace(&file, "mistakes.yml"));
    // The same before a run: nothing was started.
    let ended = place.run(&["verify", "-c", &file]).expect(2);
    assert_eq!(ended.err.matches("error: ").count(), 16, "{}", ended.err);
}

#[test]
fn what_docker_accepts_silently_is_shown_with_its_line() {
    let place = Workplace::without_engine();
    let file = place.file("silent.yml", SILENT);
    let ended = place.run(&["stack", "config", "-c", &file]).expect(0);
    insta::assert_snapshot!("stack_silent", ended.err.replace(&file, "silent.yml"));
    assert!(ended.out.contains("image: \"registry/web:\""), "{}", ended.out);
}

#[test]
fn mistakes_of_every_file_and_every_step() {
    let first = "services:\n  a: {image: x, user: 5}\n  b: {image: x, hostname: '$'}\n";
    let second = "services:\n  a: {tty: 'yes'}\n  c: {image: x, volumes: ['a:b:c:d:e']}\n";
    let error = read_with(&[("1.yml", first), ("2.yml", second)], &[]).unwrap_err();
    let files: Vec<String> = error
        .all()
        .map(|error| {
            let place = error.place().unwrap();
            format!("{}:{}", place.file.display(), place.line)
        })
        .collect();
    assert_eq!(files, ["1.yml:2", "1.yml:3", "2.yml:2"]);

    // The decoder and the conversion look at every service too.
    let text = "services:\n  a: {image: x, entrypoint: '\"'}\n  b: {image: x, command: '\"'}\n  c: {image: x}\n";
    assert_eq!(places(&read(text).unwrap_err()), [(2, 29), (3, 26)]);
    let text = "services:\n  a: {image: X, networks: [n], secrets: [s], deploy: {mode: m}}\n  b: {}\n  c:\n    image: 'x:'\n";
    let error = read(text).unwrap().requests("s").unwrap_err();
    assert_eq!(error.all().count(), 6, "{:?}", error.all().map(Error::message).collect::<Vec<_>>());
    // Both files are looked at if one is not YAML.
    let error = read_with(&[("1.yml", "a: [\n"), ("2.yml", "b: 1\n")], &[]).unwrap_err();
    assert_eq!(error.all().count(), 2);
}

#[test]
fn duplicate_keys_are_all_named() {
    let text = "services:\n  a: {image: a, image: b, user: c, user: d}\n  a:\n    image: x\n";
    assert_eq!(places(&read(text).unwrap_err()), [(2, 17), (2, 36), (3, 3)]);
}

#[test]
fn line_ends_and_tabs_do_not_move_the_places() {
    let text = "services:\n  web:\n    image: \"a\t$X\"\n    labels: {é: \"${Y}\"}\n    user: >-\n      one\n      ${Z}\n";
    let expected = [
        "3:15 services.web.image: the variable X is not set and becomes empty",
        "4:18 services.web.labels.é: the variable Y is not set and becomes empty",
        "7:7 services.web.user: the variable Z is not set and becomes empty",
    ];
    assert_eq!(shown(read(text).unwrap().warnings()), expected);
    let windows = text.replace('\n', "\r\n");
    assert_eq!(shown(read(&windows).unwrap().warnings()), expected);
    let marked = format!("\u{FEFF}{text}");
    assert_eq!(shown(read(&marked).unwrap().warnings()), expected);
}

#[test]
fn variables_that_are_not_set() {
    let unset = |value: &str, env: &[(&str, &str)]| {
        let text = format!("services:\n  web:\n    hostname: {value}\n");
        let stack = read_with(&[("s.yml", &text)], env).unwrap();
        stack.warnings().len()
    };
    for value in ["$X", "${X}", "a$X", "'$X'", "\"${X}.b\"", "$X$X", "${X:-1}$X"] {
        assert_eq!(unset(value, &[]), 1, "{value}");
    }
    for value in ["${X:-}", "${X-}", "$$X", "$${X}", "${X:-$X}", "\"#$$\""] {
        assert_eq!(unset(value, &[]), 0, "{value}");
    }
    // Set to nothing is a decision.
    assert_eq!(unset("$X", &[("X", "")]), 0);
    // One warning for each variable, however often it is used, over all files.
    let text = "services:\n  web:\n    image: a:$X\n    user: $X\n    hostname: $Y\n";
    let other = "services:\n  web:\n    stop_signal: $X\n";
    let stack = read_with(&[("1.yml", text), ("2.yml", other)], &[]).unwrap();
    assert_eq!(
        shown(stack.warnings()),
        [
            "3:14 services.web.image: the variable X is not set and becomes empty; also on line 4",
            "5:15 services.web.hostname: the variable Y is not set and becomes empty",
        ]
    );
}

#[test]
fn values_of_variables_are_never_shown() {
    let text = "services:\n  web:\n    image: a\n    environment: {S: '', T: \"$S\"}\n    command: cd $HOME $S $X\n    labels: {a: \"$ $S\"}\n";
    let stack = read_with(&[("s.yml", text)], &[("S", "geheim"), ("HOME", "/geheim")]).unwrap();
    assert_eq!(stack.warnings().len(), 4);
    assert!(!format!("{:?}", stack.warnings()).contains("geheim"));
    let text = "services:\n  web:\n    deploy: {replicas: \"${S}\"}\n    user: 7\n    labels: {a: \"$S ${X:?}\"}\n";
    let error = read_with(&[("s.yml", text)], &[("S", "geheim")]).unwrap_err();
    let messages: Vec<&str> = error.all().skip(1).map(Error::message).collect();
    assert!(!format!("{messages:?}").contains("geheim"));
}

#[test]
fn aliases_do_not_multiply_what_is_said() {
    let mut text = "x-a: &a {hostname: $X, user: 5}\nservices:\n".to_owned();
    for n in 0..500 {
        let _ = writeln!(text, "  s{n}: {{<<: *a, image: a}}");
    }
    assert_eq!(read(&text).unwrap_err().all().count(), 1);
    let stack = read(&text.replace("user: 5", "user: !reset $Y")).unwrap();
    assert_eq!(stack.warnings().len(), 3);
}

#[test]
fn a_huge_file_of_mistakes_is_read_quickly_and_cut() {
    let mut text = "services:\n".to_owned();
    for n in 0..6_000 {
        let _ = writeln!(text, "  s{n}: {{image: !x a$V{n}, foo: 1, hostname: \"$\"}}");
    }
    let started = Instant::now();
    let error = read(&text).unwrap_err();
    let messages: Vec<&str> = error.all().map(Error::message).collect();
    assert_eq!(messages.len(), 51);
    assert_eq!(messages.last(), Some(&"11950 more errors are not shown"));
    let fine = text.replace(", foo: 1, hostname: \"$\"", "");
    let stack = read(&fine).unwrap();
    assert_eq!(stack.warnings().len(), 201);
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Each error and each warning is at a line that the file has, whatever the file is like.
    #[test]
    fn places_are_in_the_file(values in prop::collection::vec(
        prop::sample::select(vec![
            "$X", "${X", "\"$\\n$Y\"", "!reset ~", "!override [a, $X]", "&a $X", "*a", "{a: $X, b: *a}",
            "|\n      $X\n      $Y", ">-\n      é $X", "'$Z", "[", "7", "true", "\t$X", "", "{<<: *a}",
            "a:$2y$05$abc", "\"\\u0024X\"",
        ]), 1..8), crlf in any::<bool>())
    {
        const KEYS: [&str; 8] = [
            "image", "hostname", "user", "labels", "command", "environment", "x-a", "stop_signal",
        ];
        let mut text = "services:\n  web:\n".to_owned();
        for (key, value) in KEYS.iter().zip(&values) {
            let _ = writeln!(text, "    {key}: {value}");
        }
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        let lines: Vec<&str> = text.lines().collect();
        let check = |place: &rollproof::Place| {
            let line = lines.get(place.line - 1).copied().unwrap_or_default();
            assert_eq!(place.text, line, "line {} of {text:?}", place.line);
            assert!(place.column <= line.chars().count() + 1, "{place} of {text:?}");
        };
        match read(&text) {
            Ok(stack) => stack.warnings().iter().filter_map(|w| w.place.as_ref()).for_each(check),
            Err(error) => error.all().filter_map(|error| error.place()).for_each(check),
        }
    }
}

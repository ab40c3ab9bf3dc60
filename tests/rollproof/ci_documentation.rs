//! The action and the snippets of `docs/ci.md`, run as a runner would run them.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::report_ci::copy;
use crate::workplace::{Ended, Workplace, finish};

/// The shortest run, under a name that no other test has.
const SHORT: &str = "--scenario update --streams proxy-fresh --no-self-test --baseline 1s --settle 1s \
                     --deadline 10s cisnippets";

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn action() -> Value {
    serde_yaml::from_str(&fs::read_to_string(repository().join("action.yml")).unwrap()).unwrap()
}

/// A line of bash as a runner calls it, with `rollproof` in `PATH`.
fn bash(place: &Workplace, script: &str) -> Command {
    let binary = Path::new(env!("CARGO_BIN_EXE_rollproof")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let known = place.shell("");
    let mut bash = Command::new("bash");
    bash.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script]).current_dir(place.path());
    for (name, value) in known.get_envs() {
        match value {
            Some(value) => bash.env(name, value),
            None => bash.env_remove(name),
        };
    }
    bash.env("PATH", path);
    bash
}

/// The action's last step with these inputs; the others have their defaults.
fn step(place: &Workplace, inputs: &[(&str, &str)]) -> Command {
    let action = action();
    let step = &action["runs"]["steps"][1];
    let mut command = bash(place, step["run"].as_str().unwrap());
    for (variable, expression) in step["env"].as_object().unwrap() {
        // `${{ inputs.name }}`
        let name = expression.as_str().unwrap();
        let name = name.trim_start_matches("${{ inputs.").trim_end_matches(" }}");
        let default = action["inputs"][name]["default"].as_str().unwrap();
        let given = inputs.iter().find(|(input, _)| *input == name);
        command.env(variable, given.map_or(default, |(_, value)| *value));
    }
    command.env("GITHUB_OUTPUT", place.path().join("output"));
    command.env("GITHUB_STEP_SUMMARY", place.path().join("summary"));
    command
}

fn read(place: &Workplace, name: &str) -> String {
    fs::read_to_string(place.path().join(name)).unwrap()
}

#[test]
fn the_step_of_the_action_writes_what_it_promises() {
    let place = Workplace::without_engine();
    let run = copy(&place, "new-version-404");
    finish(&mut step(&place, &[("command", "report"), ("args", &run)])).expect(1);
    assert!(read(&place, "rollproof.html").starts_with("<!doctype html>"));
    assert!(read(&place, "rollproof.xml").contains("<testsuites"));
    assert!(read(&place, "summary").starts_with("### "));
    let output = read(&place, "output");
    for name in action()["outputs"].as_object().unwrap().keys() {
        assert!(
            output.lines().any(|line| line.starts_with(&format!("{name}="))),
            "{name}: {output}"
        );
    }
}

#[test]
fn inputs_of_the_action_are_words_and_never_commands() {
    let action = action();
    for step in action["runs"]["steps"].as_array().unwrap() {
        let script = step["run"].as_str().unwrap();
        assert!(!script.contains("${{"), "{script}");
        assert_eq!(step["shell"], "bash");
    }
    let place = Workplace::without_engine();
    // A program that shows its arguments stands for rollproof.
    let bin = place.path().join("bin");
    fs::create_dir(&bin).unwrap();
    place.file("bin/rollproof", "#!/bin/sh\nprintf '<%s>' \"$@\"\n");
    finish(&mut place.shell("chmod +x bin/rollproof")).expect(0);
    let shown = |inputs: &[(&str, &str)]| -> Ended {
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        finish(step(&place, inputs).env("PATH", path))
    };
    let args = "--rate 5\n--header 'Host: a b' --x \"c  d\" -e * $(touch owned) `touch owned` ; a";
    let ended = shown(&[("stack", "my stack.yml"), ("args", args)]).expect(0);
    assert_eq!(
        ended.out,
        "<verify><-c><my stack.yml><--ci><github><--format><html=rollproof.html><--format>\
         <junit=rollproof.xml><--rate><5><--header><Host: a b><--x><c  d><-e><*><$(touch><owned)>\
         <`touch><owned`><;><a>"
    );
    assert!(!place.path().join("owned").exists());
    let ended = shown(&[("html", ""), ("junit", ""), ("command", "watch")]).expect(0);
    assert_eq!(ended.out, "<watch><--ci><github>");
    // A quote that is not closed ends the step.
    assert_ne!(shown(&[("args", "--header 'Host")]).code, 0);
}

/// The blocks of `docs/ci.md`, each with its language.
fn snippets() -> Vec<(String, String)> {
    let text = fs::read_to_string(repository().join("docs/ci.md")).unwrap();
    let blocks = text.split("```").skip(1).step_by(2);
    blocks
        .map(|block| {
            let (language, text) = block.split_once('\n').unwrap();
            (language.to_owned(), text.to_owned())
        })
        .collect()
}

/// The files that a command writes.
fn files(command: &str) -> Vec<&str> {
    fn file(rest: &str) -> Option<&str> {
        let (_, file) = rest.split_whitespace().next()?.split_once('=')?;
        Some(file.trim_end_matches('\''))
    }
    command.split("--format ").skip(1).filter_map(file).collect()
}

/// Runs a snippet's command, shortened, and looks for the files that it names.
fn run(place: &Workplace, command: &str) {
    let (verify, rest) =
        command.split_once(" ||").map_or((command, ""), |(a, _)| (a, &command[a.len()..]));
    let ended = finish(&mut bash(place, &format!("{verify} {SHORT}{rest}")));
    // A machine that is busy with other tests may make a verdict inconclusive.
    assert!(matches!(ended.code, 0 | 3), "{command}: {}\n{}", ended.out, ended.err);
    assert!(ended.out.contains("cisnippets_api"), "{command}: {}", ended.out);
    for file in files(command) {
        let path = place.path().join(file);
        assert!(fs::metadata(&path).unwrap().len() > 0, "{file} of {command}");
        fs::remove_file(path).unwrap();
    }
}

#[test]
#[ignore = "five runs of `verify`: `make test-ci`"]
fn every_snippet_is_run() {
    let place = Workplace::shared();
    let file = place.quick_example("replicated-dnsrr.yml");
    let api = |text: &str| text.replace("tasks.app", "tasks.api").replace("  app:\n", "  api:\n");
    place.file("stack.yml", &api(&fs::read_to_string(file).unwrap()));
    let caddy = place.path().join("Caddyfile.dnsrr");
    fs::write(&caddy, api(&fs::read_to_string(&caddy).unwrap())).unwrap();

    let snippets = snippets();
    let mut actions = 0;
    let mut commands = 0;
    for (language, text) in &snippets {
        let own = text.lines().filter_map(|line| Some(&line[line.find("rollproof verify")?..]));
        for command in own {
            run(&place, command.trim_end_matches('\''));
            commands += 1;
        }
        if language != "yaml" {
            continue;
        }
        let yaml: Value = serde_yaml::from_str(text).unwrap();
        let steps = yaml["jobs"]["update"]["steps"].as_array();
        for one in
            steps.into_iter().flatten().filter(|step| step["uses"] == "rollproof/rollproof@v0")
        {
            let with = &one["with"];
            let args = format!("{} {SHORT}", with["args"].as_str().unwrap());
            let inputs = [("stack", with["stack"].as_str().unwrap()), ("args", &args)];
            let ended = finish(&mut step(&place, &inputs));
            assert!(matches!(ended.code, 0 | 3), "{}\n{}", ended.out, ended.err);
            let output = read(&place, "output");
            let failed = output.lines().find_map(|line| line.strip_prefix("failed=")).unwrap();
            let echo = steps.unwrap().iter().find_map(|step| step["run"].as_str()).unwrap();
            let echo = echo.replace("${{ steps.rollproof.outputs.failed }}", failed);
            assert_eq!(
                finish(&mut bash(&place, &echo)).expect(0).out,
                format!("{failed} requests failed\n")
            );
            let uploads =
                steps.unwrap().iter().find_map(|step| step["with"]["path"].as_str()).unwrap();
            uploads.lines().for_each(|file| assert!(place.path().join(file).exists(), "{file}"));
            actions += 1;
        }
        // Installing cannot be part of a test: make knows the targets, and the source is ours.
        for line in text.lines().map(str::trim) {
            if let Some(make) = line.strip_prefix("- make -C /tmp/rollproof ") {
                let make = format!("make -n -C {} {make}", repository().display());
                assert!(
                    finish(&mut bash(&place, &make)).expect(0).out.contains("install"),
                    "{make}"
                );
                commands += 1;
            }
            if let Some(clone) = line.strip_prefix("- git clone --depth 1 ") {
                assert_eq!(clone, concat!(env!("CARGO_PKG_REPOSITORY"), " /tmp/rollproof"));
                commands += 1;
            }
        }
    }
    assert_eq!((actions, commands), (1, 7), "{snippets:?}");
}

/// What a job keeps is what its commands write.
#[test]
fn artifacts_are_files_that_the_commands_write() {
    for (_, text) in snippets() {
        let written: Vec<&str> = text.lines().flat_map(files).collect();
        if written.is_empty() {
            continue;
        }
        for word in text.split([' ', ',', '[', ']', '\'', '"', '\n', '=']) {
            let kept = ["xml", "json", "html", "md"];
            let end = Path::new(word).extension().and_then(|end| end.to_str());
            if end.is_some_and(|end| kept.contains(&end)) {
                assert!(written.contains(&word), "{word} of:\n{text}");
            }
        }
    }
}

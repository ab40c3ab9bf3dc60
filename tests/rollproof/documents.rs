//! Every command in the documents works: they are read from the documents themselves and run, each
//! block as one session. A command that nothing here prepares fails the test.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::workplace::{Ended, Workplace, docker, finish, until};

/// A stack as a reader of the documents may have it.
const SHOP: &str = r#"
version: "3.8"
services:
  api:
    image: shop/api:1
    networks: [web]
    healthcheck: {test: [CMD, /rollproof-app, health], interval: 500ms, timeout: 2s}
    deploy:
      replicas: 2
      endpoint_mode: dnsrr
      update_config: {order: start-first, delay: 500ms, monitor: 2s, failure_action: rollback}
      rollback_config: {order: start-first, delay: 500ms, monitor: 2s}
  proxy:
    image: rollproof/caddy:2
    configs: [{source: caddyfile, target: /etc/caddy/Caddyfile}]
    networks: [web]
    ports: [{target: 80, published: 8080, mode: host}]
configs:
  caddyfile: {file: ./Caddyfile}
networks:
  web: {}
"#;
const CADDYFILE: &str = "{
    admin off
}
:80 {
    reverse_proxy {
        dynamic a {
            name tasks.api
            port 8000
            refresh 1s
        }
        lb_try_duration 2s
        lb_try_interval 50ms
    }
}
";

/// What makes an example shorter than its reader would run it.
const SHORTER: [(&str, &str); 1] = [("--repeat 20", "--repeat 2")];
const SHORT: &str = "--baseline 1s --settle 1s --deadline 10s";
/// The same for a run that has to fail: a proxy that holds requests gives late answers, not none.
const SHORT_BUT_STRICT: &str = "--baseline 1s --settle 1s";

/// Pages whose commands have tests of their own: `app::`, `ci_documentation::`, `status::`, and
/// `next_version::` with `same_as_docker::`.
const TESTED_ELSEWHERE: [&str; 4] = ["app.md", "ci.md", "status.md", "updates.md"];
/// Enough of a run; what else `verify` does is in `main_job::` and `host_engine::`. Of examples that differ
/// in options alone, the first is run, and the others say what they would do.
const ONE_SCENARIO: &str = "--scenario update --streams proxy-fresh --no-self-test";

/// One command of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Example {
    /// The document and the line, for messages.
    place: String,
    line: String,
    /// The exit code that the output beneath it shows.
    code: i32,
}

/// The commands of a document, block by block.
fn blocks(document: &str, text: &str) -> Vec<Vec<Example>> {
    let mut blocks = Vec::new();
    let mut language: Option<&str> = None;
    for (index, line) in text.lines().enumerate() {
        let place = format!("{document}:{}", index + 1);
        if let Some(fence) = line.trim_start().strip_prefix("```") {
            language = match (language, fence.trim()) {
                (None, "console" | "yaml") => Some(fence.trim()),
                (None, other) => panic!("{place}: nothing here runs blocks of `{other}`"),
                (Some(_), _) => None,
            };
            if language.is_some() {
                blocks.push(Vec::new());
            }
            continue;
        }
        let Some(language) = language else { continue };
        let block: &mut Vec<Example> = blocks.last_mut().unwrap();
        let command = match language {
            "console" => line.strip_prefix("$ "),
            _ => line.trim_start().strip_prefix("- run: "),
        };
        match (command, block.last_mut()) {
            (Some(line), _) => block.push(Example { place, line: line.to_owned(), code: 0 }),
            (None, Some(example)) if line.starts_with("FAIL ") || line.starts_with("error[") => {
                example.code = 1;
            }
            (None, Some(_)) => {}
            // A file, not a pipeline's step.
            (None, None) if language == "yaml" => {}
            (None, None) => panic!("{place}: `{line}` is no command"),
        }
    }
    blocks
}

/// A document of the repository.
fn read(document: &str) -> String {
    fs::read_to_string(repository().join(document)).unwrap()
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder in which a reader tries the examples of a block.
struct Session {
    place: Workplace,
    examples: PathBuf,
}

impl Session {
    fn new(block: &[Example]) -> Self {
        let place = if block.iter().any(|example| example.line.contains("lab up")) {
            // It starts an engine of its own.
            Workplace::new()
        } else if block.iter().all(|example| needs_no_engine(&example.line)) {
            Workplace::without_engine()
        } else {
            let place = Workplace::shared();
            for tag in ["shop/api:1", "shop/api:2"] {
                docker(&place.docker_host(), &["tag", "rollproof/app:v1", tag]).expect(0);
            }
            place
        };
        let examples = place.path().join("examples");
        fs::create_dir(&examples).unwrap();
        for (name, text) in [("stack.yml", SHOP), ("my-stack.yml", SHOP), ("Caddyfile", CADDYFILE)]
        {
            fs::write(examples.join(name), text).unwrap();
        }
        for name in ["Makefile", "stacks", "tests", "scripts", "app"] {
            symlink(repository().join(name), examples.join(name)).unwrap();
        }
        let session = Self { place, examples };
        session.program("rollproof", &format!("exec {} \"$@\"", env!("CARGO_BIN_EXE_rollproof")));
        session.program("sudo", "exec \"$@\"");
        // The tests are built: the last word says which ones to run.
        let tests = std::env::current_exe().unwrap();
        let run = format!("for last; do :; done\nexec {} \"$last\"", tests.display());
        session.program("cargo", &run);
        session
    }

    /// A program that the examples call.
    fn program(&self, name: &str, script: &str) {
        let bin = self.place.path().join("bin");
        fs::create_dir_all(&bin).unwrap();
        let path = bin.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn shell(&self, line: &str) -> std::process::Command {
        let mut command = self.place.shell(line);
        let path =
            format!("{}/bin:{}", self.place.path().display(), std::env::var("PATH").unwrap());
        command.current_dir(&self.examples).env("PATH", path);
        command
    }

    fn run(&self, line: &str) -> Ended {
        let begin = std::time::Instant::now();
        let ended = finish(&mut self.shell(line));
        eprintln!("$ {line}: {} after {:.1?}", ended.code, begin.elapsed());
        ended
    }

    /// Runs an example; `first` if it is the first of its kind.
    fn example(&self, example: &Example, first: bool) {
        let Example { place, line, code } = example;
        let mut line = line.clone();
        for (long, short) in SHORTER {
            line = line.replace(long, short);
        }
        let words: Vec<&str> = line.split_whitespace().skip_while(|word| *word == "sudo").collect();
        let ended = match words[..] {
            ["make", ..] => return self.make(example, &words),
            ["rollproof", "verify", ..] if !first && *code == 0 && !line.contains("--repeat") => {
                self.run(&with(&line, &["--dry-run"]))
            }
            ["rollproof", "verify", ..] => {
                let short = if *code == 1 { SHORT_BUT_STRICT } else { SHORT };
                self.run(&with(&line, &[short, ONE_SCENARIO]))
            }
            // It downloads a system; `make test-engines` runs it, and a lab from what it makes.
            ["sh", script @ "scripts/engines/root.sh", ..] => self.run(&format!("sh -n {script}")),
            ["rollproof", "lab", "up", "--lab-root", ..] => self.run(&with(&line, &["--help"])),
            ["rollproof", "update", ..] => self.run(&with(&line, &[SHORT])),
            ["rollproof", "watch", service, ..] => {
                self.meanwhile(&with(&line, &[SHORT]), "waiting for an update", || {
                    let host = self.place.docker_host();
                    let update = ["service", "update", "--detach", "--force", service];
                    docker(&host, &update).expect(0);
                })
            }
            ["rollproof", "probe", ..] => self.probe(&line),
            [
                "rollproof",
                "deploy" | "lab" | "report" | "doctor" | "stack" | "plan" | "sweep" | "lint"
                | "scenarios",
                ..,
            ]
            | ["tests/stack-cases.py", ..] => self.run(&line),
            // What it sets is for the commands after it: one of docker shows that it is right.
            ["eval", ..] => self.run(&with(&line, &["&& docker node ls"])),
            ["rm", "-r", folder, ..] => {
                fs::create_dir_all(self.examples.join(folder)).unwrap();
                self.run(&line)
            }
            [variable, "cargo", "test", ..] if variable.starts_with("STACK_CASES=") => {
                self.run(&line)
            }
            _ => panic!("{place}: no test knows how to prepare `{line}`"),
        };
        // A machine that is busy with other tests may make a verdict inconclusive, not another one.
        if ended.code == 3 && *code == 0 {
            let report = self.place.run(&["report", "--json"]).json();
            assert_eq!(report["whole"], true, "{place}: {line}\n{}\n{}", ended.out, ended.err);
            return;
        }
        assert_eq!(ended.code, *code, "{place}: {line}\n{}\n{}", ended.out, ended.err);
    }

    /// A target of the Makefile exists, and the programs that it runs take what it gives them.
    /// What they do is tested elsewhere: building and testing cannot be parts of a test.
    fn make(&self, example: &Example, words: &[&str]) {
        let Example { place, line, .. } = example;
        let words: Vec<&str> = words.iter().copied().take_while(|word| *word != "#").collect();
        if words == ["make"] {
            let all = self.run("make").expect(0).out;
            assert!(all.contains("broken-update") && all.contains("test-ipvs"), "{place}: {all}");
            return;
        }
        let printed = self.run(&[&["make", "-n"], &words[1..]].concat().join(" ")).expect(0).out;
        assert!(!printed.trim().is_empty(), "{place}: {line} does nothing");
        let runs = printed.lines().flat_map(|line| line.split("release/rollproof ").skip(1));
        for run in runs {
            let end = run.find([';', '|', '&', '>']).unwrap_or(run.len());
            let arguments = run[..end].trim();
            // A script is given the program too, and its argument is then a path.
            let first = arguments.split_whitespace().next().unwrap_or_default();
            if !first.is_empty() && !first.contains('/') {
                self.run(&format!("rollproof {arguments} --help")).expect(0);
            }
        }
    }

    /// Runs a command in which something is done once it has said `text`.
    fn meanwhile(&self, line: &str, text: &str, act: impl FnOnce()) -> Ended {
        let file = |name: &str| fs::File::create(self.place.path().join(name)).unwrap();
        let mut command = self.shell(line);
        let mut child = command.stdout(file("out")).stderr(file("err")).spawn().unwrap();
        self.place.wait_for("err", text);
        act();
        let status = child.wait().unwrap();
        let read = |name: &str| fs::read_to_string(self.place.path().join(name)).unwrap();
        Ended { code: status.code().unwrap_or(-1), out: read("out"), err: read("err") }
    }

    /// Probes from the engine's machine, as its reader would: the address is that machine's own.
    /// It ends when its user says so.
    fn probe(&self, line: &str) -> Ended {
        let host = self.place.docker_host();
        let net = host.strip_prefix("unix://").unwrap().replace(".sock", ".net");
        let mut command = self.shell(&format!("exec nsenter --net={net} {line}"));
        let file = |name: &str| fs::File::create(self.place.path().join(name)).unwrap();
        let mut child = command.stdout(file("out")).stderr(file("err")).spawn().unwrap();
        std::thread::sleep(Duration::from_secs(2));
        kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGINT).unwrap();
        let status =
            until("the end of the probe", Duration::from_secs(30), || child.try_wait().unwrap());
        let read = |name: &str| fs::read_to_string(self.place.path().join(name)).unwrap();
        Ended { code: status.code().unwrap_or(-1), out: read("out"), err: read("err") }
    }
}

/// A line with more arguments, before its comment.
fn with(line: &str, more: &[&str]) -> String {
    let bare = line.split(" #").next().unwrap_or(line).trim_end();
    format!("{bare} {}", more.join(" "))
}

fn needs_no_engine(line: &str) -> bool {
    let starts = ["make", "rm ", "tests/", "STACK_CASES="];
    let commands = ["rollproof lint ", "rollproof plan ", "rollproof sweep "];
    starts.iter().chain(&commands).any(|start| line.starts_with(start))
}

/// Runs every command of a document. Returns how many there were.
fn try_all(document: &str) -> usize {
    let mut seen = Vec::new();
    let mut tried = 0;
    for block in blocks(document, &read(document)) {
        let session = Session::new(&block);
        for example in &block {
            let kind: String = example.line.split_whitespace().take(2).collect();
            let first = !seen.contains(&kind) && example.code == 0;
            session.example(example, first);
            if first {
                seen.push(kind);
            }
            tried += 1;
        }
    }
    tried
}

#[test]
fn commands_of_the_readme() {
    assert!(try_all("README.md") >= 15);
}

#[test]
fn commands_of_the_pages() {
    let pages = fs::read_dir(repository().join("docs")).unwrap();
    let tried: usize = pages
        .map(|page| page.unwrap().file_name().into_string().unwrap())
        .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "md"))
        .filter(|name| !TESTED_ELSEWHERE.contains(&name.as_str()))
        .map(|name| try_all(&format!("docs/{name}")))
        .sum();
    assert!(tried >= 8, "{tried}");
}

#[test]
fn a_block_is_its_commands_and_what_they_come_to() {
    let text = "```console\n$ rollproof verify -c a.yml\nFAIL  a\n\n$ make    # all\n```\n\n\
                ```yaml\n- run: rollproof doctor\n```\n";
    let example = |line: usize, command: &str, code| Example {
        place: format!("a.md:{line}"),
        line: command.to_owned(),
        code,
    };
    let expected = vec![
        vec![example(2, "rollproof verify -c a.yml", 1), example(5, "make    # all", 0)],
        vec![example(9, "rollproof doctor", 0)],
    ];
    assert_eq!(blocks("a.md", text), expected);
}

#[test]
#[should_panic(expected = "no test knows how to prepare `frobnicate --now`")]
fn a_command_that_nobody_prepares_is_a_failure() {
    let place = "a.md:1".to_owned();
    let example = Example { place, line: "make".to_owned(), code: 0 };
    let session = Session::new(std::slice::from_ref(&example));
    session.example(&Example { line: "frobnicate --now".to_owned(), ..example }, true);
}

//! `docker rollproof …`, with the real docker CLI.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::workplace::{Ended, Workplace, finish};

/// A place in whose docker configuration the plugin is installed, as `make install` does it.
fn place() -> Workplace {
    let place = Workplace::without_engine();
    let plugins = place.path().join("cli-plugins");
    fs::create_dir(&plugins).unwrap();
    symlink(env!("CARGO_BIN_EXE_rollproof"), plugins.join("docker-rollproof")).unwrap();
    place
}

fn docker(place: &Workplace, args: &str) -> Ended {
    finish(&mut place.shell(&format!("docker {args}")))
}

#[test]
fn docker_knows_the_plugin_and_passes_results_on() {
    let place = place();
    let help = docker(&place, "--help").expect(0);
    let line = help.out.lines().find(|line| line.contains("rollproof*")).unwrap();
    assert!(line.contains("Prove that a Swarm service can be updated"), "{line}");
    // docker would say here why it does not take a plugin.
    assert!(!help.out.contains("Invalid Plugins"), "{}", help.out);

    let version = docker(&place, "rollproof --version").expect(0);
    assert_eq!(version.out, format!("rollproof {}\n", env!("CARGO_PKG_VERSION")));
    let rules = docker(&place, "rollproof lint --list").expect(0);
    assert!(rules.out.contains("SRU001"), "{}", rules.out);

    let stack = place.file("stack.yml", "services: {api: {image: 'a:1', depoy: {}}}\n");
    let ended = docker(&place, &format!("rollproof verify -c {stack}")).expect(2);
    assert!(ended.err.contains("depoy"), "{}", ended.err);
    docker(&place, "rollproof lab status").expect(4);
    let naive = crate::workplace::example("naive.yml");
    docker(&place, &format!("rollproof lint -c {naive}")).expect(1);
}

#[test]
fn help_is_that_of_the_plugin() {
    let place = place();
    for args in ["rollproof verify --help", "help rollproof verify"] {
        let help = docker(&place, args).expect(0);
        assert!(
            help.out.contains("Usage: docker rollproof verify [OPTIONS] [STACK]"),
            "{}",
            help.out
        );
    }
    assert!(docker(&place, "rollproof --help").expect(0).out.contains("Usage: docker rollproof"));
}

#[test]
fn dockers_own_options_choose_the_engine() {
    let place = place();
    let host = docker(&place, "-H unix:///by-host rollproof verify --engine host").expect(4);
    assert!(host.err.contains("unix:///by-host"), "{}", host.err);
    docker(&place, "context create there --docker host=unix:///by-context").expect(0);
    for docker_options in ["--context there", "-c there"] {
        let args = format!("{docker_options} rollproof verify --engine host");
        let context = docker(&place, &args).expect(4);
        assert!(context.err.contains("unix:///by-context"), "{}", context.err);
    }
    let refused = docker(&place, "--tlscacert=/ca rollproof doctor").expect(2);
    assert!(refused.err.contains("rollproof cannot use docker's --tlscacert"), "{}", refused.err);
}

/// A signal to docker alone, as from a CI system, reaches the plugin, which ends as it always does.
#[test]
fn what_ends_docker_ends_the_plugin_in_an_orderly_way() {
    let place = place();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (served, answers) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            if served.send(()).is_err() {
                return;
            }
        }
    });
    let line =
        format!("exec docker rollproof probe {url} --rate 20 --max-lag 10s --deadline 10s --json");
    let mut command = place.shell(&line);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    for _ in 0..5 {
        answers.recv_timeout(Duration::from_secs(60)).unwrap();
    }
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    let (end, ended) = mpsc::channel();
    std::thread::spawn(move || end.send(child.wait_with_output().unwrap()));
    let output = ended.recv_timeout(Duration::from_secs(60)).unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["verdict"], "pass", "{out}");
}

#[test]
fn make_install_puts_the_plugin_where_docker_looks() {
    let place = Workplace::without_engine();
    // Only what installs the plugin: the rest would build a release.
    let makefile = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Makefile")).unwrap();
    let lines: Vec<&str> = makefile
        .lines()
        .filter(|line| line.starts_with('\t') && line.contains("cli-plugins"))
        .map(str::trim)
        .collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    let root = place.path().join("root");
    fs::create_dir_all(root.join("usr/local/bin")).unwrap();
    let program = root.join("usr/local/bin/rollproof");
    symlink(env!("CARGO_BIN_EXE_rollproof"), &program).unwrap();
    let script = lines
        .join("\n")
        .replace("$(DESTDIR)", root.to_str().unwrap())
        .replace("$(PREFIX)", "/usr/local");
    finish(Command::new("sh").args(["-ec", &script])).expect(0);
    let plugin = root.join("usr/local/lib/docker/cli-plugins/docker-rollproof");
    assert_eq!(fs::canonicalize(&plugin).unwrap(), fs::canonicalize(&program).unwrap());
    let metadata = finish(Command::new(plugin).arg("docker-cli-plugin-metadata")).expect(0).json();
    assert_eq!(metadata["SchemaVersion"], "0.1.0");
    assert_eq!(metadata["Version"], env!("CARGO_PKG_VERSION"));
    for key in ["Vendor", "ShortDescription"] {
        assert!(!metadata[key].as_str().unwrap().is_empty(), "{metadata:#}");
    }
}

//! Runs that are stopped: by Ctrl-C, by `kill -9`, by a full disk.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::workplace::{UNHURRIED, Workplace, until};

/// A run that is short: one scenario, and little beside it.
const UPDATE: [&str; 5] =
    ["--scenario", "update", "--no-self-test", "--streams", "proxy-fresh,overlay-fresh"];

/// What of a private engine can be seen from outside, by the id of its lab.
fn traces(id: &str) -> Vec<String> {
    let mut found = Vec::new();
    let output = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    for text in [
        output("ip", &["netns", "list"]),
        output("ip", &["-o", "link"]),
        fs::read_to_string("/proc/self/mountinfo").unwrap(),
        output("ps", &["-eo", "pid,args"]),
        output("find", &["/sys/fs/cgroup", "-maxdepth", "3", "-type", "d"]),
    ] {
        found.extend(text.lines().filter(|line| line.contains(id)).map(str::to_owned));
    }
    if Path::new("/run/rollproof").join(id).exists() {
        found.push(format!("/run/rollproof/{id}"));
    }
    found
}

fn lab_id(place: &Workplace) -> String {
    place.run(&["lab", "status", "--json"]).expect(0).json()["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_killed_run_is_cleaned_up_by_down() {
    let place = Workplace::new();
    let mut run = place.start(&[&["verify"], &UNHURRIED[..]].concat());
    place.wait_for("err", "] update: ");
    let id = lab_id(&place);
    assert!(!traces(&id).is_empty());
    run.kill().unwrap();
    run.wait().unwrap();
    let report = place.run(&["report"]);
    assert_eq!(report.code, 3, "{}\n{}", report.out, report.err);
    place.run(&["down"]).expect(0);
    assert_eq!(traces(&id), Vec::<String>::new());
    let again = place.run(&["down"]).expect(0);
    assert!(again.err.contains("nothing is left"), "{}", again.err);
}

#[test]
fn a_killed_run_does_not_stop_the_next_one() {
    let place = Workplace::new();
    let example = place.quick_example("replicated-dnsrr.yml");
    let verify = [&["verify", "--json", "-c", &example], &UPDATE[..], &UNHURRIED[..]].concat();
    let mut run = place.start(&verify);
    place.wait_for("err", "] update: ");
    let id = lab_id(&place);
    run.kill().unwrap();
    run.wait().unwrap();
    let next = place.run(&verify);
    next.sound();
    assert!(next.err.contains("which an earlier run left"), "{}", next.err);
    // The engine that the killed run brought goes with it.
    assert_eq!(traces(&id), Vec::<String>::new());
}

#[test]
fn an_engine_that_somebody_asked_for_outlives_runs() {
    let place = Workplace::new();
    let example = place.quick_example("replicated-dnsrr.yml");
    let verify = [&["verify", "--json", "-c", &example], &UPDATE[..], &UNHURRIED[..]].concat();
    let mut run = place.start(&verify);
    place.wait_for("err", "Creating service");
    run.kill().unwrap();
    run.wait().unwrap();
    place.run(&["lab", "up"]).expect(0);
    place.run(&verify).sound();
    place.run(&["lab", "status"]).expect(0);
}

#[test]
fn ctrl_c_ends_a_run_in_good_order() {
    let place = Workplace::new();
    let mut run = place.start(&[&["verify"], &UNHURRIED[..]].concat());
    place.wait_for("err", "] update: ");
    let id = lab_id(&place);
    kill(Pid::from_raw(run.id().try_into().unwrap()), Signal::SIGINT).unwrap();
    let status = until("the end of the run", Duration::from_secs(60), || run.try_wait().unwrap());
    assert_eq!(status.code(), Some(130));
    assert_eq!(traces(&id), Vec::<String>::new());
    let out = fs::read_to_string(place.path().join("out")).unwrap();
    assert!(out.contains("INCONCLUSIVE"), "{out}");
    assert!(out.contains("interrupted"), "{out}");
}

/// A disk that is full while recording ends the run, and the stack is removed all the same.
#[test]
fn a_full_disk_ends_the_run_and_says_so() {
    let place = Workplace::new();
    let runs = place.state().join("runs");
    fs::create_dir_all(&runs).unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "rollproof-test"])
        .arg(&runs)
        .status()
        .unwrap();
    assert!(mounted.success());
    let ended = place.run(&["verify"]);
    let unmounted = Command::new("umount").arg(&runs).status().unwrap();
    assert!(unmounted.success());
    assert_eq!(ended.code, 4, "{}\n{}", ended.out, ended.err);
    assert!(ended.err.contains("No space left on device"), "{}", ended.err);
    assert_eq!(place.run(&["lab", "status"]).code, 4, "the private engine is still there");
}

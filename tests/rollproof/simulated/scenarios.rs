//! Scenarios of the catalogue on a simulated engine, each as it declares.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::workplace::{UNHURRIED, Workplace, sound, until};

/// One of each kind of ending, quick ones.
const SOME: [&str; 6] = [
    "stop-first",
    "one-bad-of-six",
    "rollback-fails-too",
    "answers-404",
    "die-restart-any",
    "proxy-behind-another",
];

#[test]
fn scenarios_go_as_they_declare() {
    let place = Workplace::simulated_alone();
    let ended = place.run(&[&["try", "--json", "--rate", "200"], &SOME[..]].concat());
    assert!(matches!(ended.code, 0 | 3), "{}\n{}", ended.out, ended.err);
    let tried = ended.json();
    let scenarios = tried.as_array().unwrap();
    assert_eq!(scenarios.len(), SOME.len(), "{tried:#}");
    for one in scenarios {
        assert_ne!(one["verdict"], "fail", "{one:#}");
    }
    // The record has the run: the last one is judged again as any other.
    sound(&place.run(&["report", "--json"]).json());
}

/// A report that cannot be saved, as on a disk that must not be written, also for root: a folder has its
/// name as soon as the run's record is there.
fn without_room_for_a_report(place: &Workplace) {
    let runs = place.state().join("runs");
    let first = until("the record", Duration::from_secs(60), || {
        let folder = runs.join("latest").canonicalize().ok()?;
        folder.join("events.jsonl").exists().then_some(folder)
    });
    std::fs::create_dir_all(first.join("report.json/in-the-way")).unwrap();
}

/// What was measured is said, the next run is made, and the error comes at the end.
#[test]
fn a_report_that_cannot_be_saved_takes_no_verdict_with_it() {
    let place = Workplace::simulated();
    let verify = ["verify", "--repeat", "2", "--scenario", "update", "--no-self-test"];
    for (command, said) in [
        (&["try", "--fast", "stop-first", "die-restart-any"][..], "went as declared"),
        (&[&verify[..], &UNHURRIED].concat(), "2 runs"),
    ] {
        let mut run = place.start(command);
        without_room_for_a_report(&place);
        let ended = until("the end", Duration::from_secs(120), || run.try_wait().unwrap());
        let read = |name: &str| std::fs::read_to_string(place.path().join(name)).unwrap();
        let (out, err) = (read("out"), read("err"));
        assert_eq!(ended.code(), Some(4), "{out}\n{err}");
        assert!(out.contains(said), "{command:?}\n{out}\n{err}");
        assert!(!out.contains("no verdict"), "{out}");
        let error = err.lines().rfind(|line| line.starts_with("error: ")).unwrap();
        assert!(error.contains("cannot write ") && error.contains("report.json"), "{err}");
        assert_eq!(err.matches("error: ").count(), 1, "{err}");
        std::fs::remove_dir_all(place.state().join("runs")).unwrap();
    }
}

#[test]
fn a_sweep_that_is_stopped_says_so_with_its_exit_code() {
    let place = Workplace::simulated();
    let file = place.quick_example("replicated-dnsrr.yml");
    let args = ["sweep", "-c", &file, "--service", "app", "--vary", "monitor=1s,2s"];
    for line in ["row 1: ", "] update: ", "] broken update: "] {
        let mut run = place.start(&[&args[..], &["--measure", "2"]].concat());
        place.wait_for("err", line);
        kill(Pid::from_raw(run.id().try_into().unwrap()), Signal::SIGINT).unwrap();
        let ended = until("the end", Duration::from_secs(60), || run.try_wait().unwrap());
        let err = std::fs::read_to_string(place.path().join("err")).unwrap();
        assert_eq!(ended.code(), Some(130), "after `{line}`:\n{err}");
    }
    let down = place.run(&["down"]).expect(0);
    assert!(down.err.contains("nothing is left"), "{}", down.err);
}

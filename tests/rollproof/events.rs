//! `--events` and `--format events`: what happens, line by line, for programs.

use std::process::Stdio;

use serde_json::Value;

use crate::records::{Judged, all_recorded, folder, hostile};
use crate::schema::{closed, valid};
use crate::workplace::{UNHURRIED, Workplace, finish};

/// The lines of a stream, each valid for its schema.
#[track_caller]
fn lines(text: &str, what: &str) -> Vec<Value> {
    let schema = closed("event-stream");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &lines {
        valid(&schema, line, what);
    }
    lines
}

fn kind(line: &Value) -> &str {
    line["kind"]["type"].as_str().unwrap()
}

#[test]
fn a_stream_is_the_record_between_its_beginning_and_its_verdict() {
    for (name, judged) in all_recorded() {
        let lines = lines(&judged.write("events"), name);
        let [first, events @ .., last] = lines.as_slice() else { panic!("{name}") };
        assert_eq!(kind(first), "run-started");
        assert_eq!(first["kind"]["run"], serde_json::to_value(&judged.run.meta).unwrap());
        let written = std::fs::read_to_string(folder(name).join("events.jsonl")).unwrap();
        let written: Vec<Value> =
            written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(events.len(), written.len(), "{name}");
        assert_eq!(kind(last), "judged");
        assert_eq!(last["kind"]["verdict"], judged.judgement.verdict.as_str());
        assert_eq!(last["kind"]["headline"], judged.judgement.headline);
    }
}

#[test]
fn text_of_a_service_stays_in_its_line() {
    for (name, judged) in all_recorded() {
        let hostile = Judged::of(hostile(&judged.run));
        let text = hostile.write("events");
        assert_eq!(lines(&text, name).len(), judged.run.events.len() + 2, "{name}");
        assert!(!text.chars().any(|c| c < ' ' && c != '\n'), "{name}");
    }
}

#[test]
fn standard_output_is_for_one_thing_only() {
    let place = Workplace::without_engine();
    for (args, other) in [
        (&["verify", "--json"][..], "--json"),
        (&["verify", "--format", "junit"], "--format junit"),
        (&["update", "--json"], "--json"),
        (&["broken-update", "--format", "summary"], "--format summary"),
        (&["watch", "shop_api", "--format", "html"], "--format html"),
        (&["try", "never-healthy", "--json"], "--json"),
    ] {
        let ended = place.run(&[args, &["--events", "-"]].concat()).expect(2);
        let says = format!("error: --events - and {other} both write to standard output");
        assert!(ended.err.contains(&says), "{}", ended.err);
        assert!(ended.err.contains("hint: "), "{}", ended.err);
    }
}

#[test]
fn a_file_that_cannot_be_written_is_found_before_anything_starts() {
    let place = Workplace::without_engine();
    for command in [&["verify"][..], &["update"], &["broken-update"], &["watch", "a"], &["try"]] {
        let ended = place.run(&[command, &["--events", "/nowhere/events"]].concat()).expect(4);
        let says = "/nowhere/events\n  cause: No such file or directory";
        assert!(ended.err.contains("cannot write ") && ended.err.contains(says), "{}", ended.err);
        assert_eq!(ended.out, "");
    }
}

#[test]
fn a_run_tells_its_events_while_it_goes_on() {
    let place = Workplace::simulated();
    let file = place.quick_example("replicated-dnsrr.yml");
    place.run(&["deploy", "-c", &file, "events"]).expect(0);

    let update = [&["update", "events"][..], &UNHURRIED].concat();
    let ended = place.run(&[&update[..], &["--events", "-"]].concat());
    assert!(matches!(ended.code, 0 | 3), "{}", ended.err);
    let live = lines(&ended.out, "update");
    assert_eq!(kind(&live[0]), "run-started");
    assert_eq!(kind(live.last().unwrap()), "judged");
    for wanted in ["streams", "scenario-started", "submitted", "service", "scenario-ended"] {
        assert!(live.iter().any(|line| kind(line) == wanted), "{wanted}: {}", ended.out);
    }
    // What people read is on standard error.
    assert!(ended.err.contains("events_app"), "{}", ended.err);
    assert!(ended.err.contains("requests"), "{}", ended.err);

    // Later, the record says the same.
    let later = place.run(&["report", "--format", "events=later"]);
    assert_eq!(later.code, ended.code);
    let later = lines(&std::fs::read_to_string(place.path().join("later")).unwrap(), "report");
    let same = |lines: &[Value]| -> Vec<Value> {
        let of_the_record = |line: &&Value| !matches!(kind(line), "streams" | "stack");
        lines[1..].iter().filter(of_the_record).cloned().collect()
    };
    assert_eq!(same(&live), same(&later));

    // A file has the beginning long before the end.
    let mut child = place.start(&[&update[..], &["--events", "live"]].concat());
    place.wait_for("live", "\"submitted\"");
    assert!(child.try_wait().unwrap().is_none(), "it was over before anybody could follow it");
    assert!(!std::fs::read_to_string(place.path().join("live")).unwrap().contains("\"judged\""));
    assert!(matches!(child.wait().unwrap().code(), Some(0 | 3)));
    lines(&std::fs::read_to_string(place.path().join("live")).unwrap(), "file");

    // A reader that has seen enough does not end the run.
    let words = update.join(" ");
    let program = env!("CARGO_BIN_EXE_rollproof");
    let piped = format!("{{ {program} {words} --events -; echo $? >code; }} | head -1");
    let ended = finish(place.shell(&piped).stderr(Stdio::null())).expect(0);
    assert_eq!(kind(&lines(&ended.out, "head")[0]), "run-started");
    let code = std::fs::read_to_string(place.path().join("code")).unwrap();
    assert!(matches!(code.trim(), "0" | "3"), "{code}");
}

//! The run record: what a killed or damaged run leaves, seen from outside.
#![expect(clippy::unwrap_used, reason = "a test that fails to prepare is a failed test")]

use std::fs;
use std::path::PathBuf;

use rollproof::ErrorKind;
use rollproof::Offset;
use rollproof::record::{Event, EventKind, RecordReader, RecordWriter, RunFolder, Shot};

use crate::record_runs::{meta, ok_shot};

fn event(text: &str) -> Event {
    let at = Offset::from_millis(1_500);
    Event { at, seen: at, kind: EventKind::Caveat { text: text.to_owned() } }
}

/// A finished run of two events and three requests, in a fresh state folder.
fn finished_run() -> (tempfile::TempDir, RunFolder, Vec<Shot>) {
    let home = tempfile::tempdir().unwrap();
    let folder = RunFolder::create(&home.path().join(".rollproof"), "run-a").unwrap();
    let mut writer = RecordWriter::create(&folder, &meta(2)).unwrap();
    let shots: Vec<Shot> = (0..3).map(|index| ok_shot(f64::from(index) * 0.01)).collect();
    writer.event(&event("one")).unwrap();
    for shot in &shots {
        writer.shot(0, shot).unwrap();
    }
    writer.event(&event("two")).unwrap();
    writer.finish().unwrap();
    (home, folder, shots)
}

fn events_file(folder: &RunFolder) -> PathBuf {
    folder.path().join("events.jsonl")
}

#[test]
fn what_was_written_is_read() {
    let (home, folder, shots) = finished_run();
    let run = RecordReader::open(&home.path().join(".rollproof/runs/latest")).unwrap();
    assert_eq!(run.meta, meta(2));
    assert_eq!(run.events, [event("one"), event("two")]);
    assert_eq!(run.shots.len(), 1);
    assert_eq!(run.shots[0].1, shots);
    assert_eq!(run.incomplete, None);
    let left: Vec<_> = fs::read_dir(folder.path().parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert!(left.is_empty(), "drafts are left: {left:?}");
}

#[test]
fn latest_moves_to_the_newest_run() {
    let (home, ..) = finished_run();
    let state = home.path().join(".rollproof");
    let folder = RunFolder::create(&state, "run-b").unwrap();
    RecordWriter::create(&folder, &meta(2)).unwrap();
    assert_eq!(fs::read_link(state.join("runs/latest")).unwrap(), PathBuf::from("run-b"));
    let again = RunFolder::create(&state, "run-b").unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Environment, "a run is never written over");
}

#[test]
fn a_torn_last_line_is_left_out_and_said() {
    let (_home, folder, _) = finished_run();
    fs::remove_file(folder.path().join("closed.json")).unwrap();
    let text = fs::read(events_file(&folder)).unwrap();
    // Every place at which a kill can cut the last line.
    let start = text[..text.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for end in start + 1..text.len() - 1 {
        fs::write(events_file(&folder), &text[..end]).unwrap();
        let run = RecordReader::open(folder.path()).unwrap();
        assert_eq!(run.events, [event("one")]);
        let incomplete = run.incomplete.unwrap();
        assert!(incomplete.contains("events.jsonl breaks off in line 2"), "{incomplete}");
    }
}

#[test]
fn a_lost_line_is_noticed() {
    let (_home, folder, _) = finished_run();
    let file = folder.path().join("shots-fresh.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    let end = text.match_indices('\n').nth(1).unwrap().0 + 1;
    fs::write(&file, &text[..end]).unwrap();
    let incomplete = RecordReader::open(folder.path()).unwrap().incomplete.unwrap();
    assert!(incomplete.contains("`fresh` should have 3 lines and has 2"), "{incomplete}");
}

#[test]
fn a_broken_line_in_the_middle_is_an_error_with_its_place() {
    let (_home, folder, _) = finished_run();
    let text = fs::read_to_string(events_file(&folder)).unwrap();
    fs::write(events_file(&folder), format!("{{\"at\":1\n{text}")).unwrap();
    let error = RecordReader::open(folder.path()).unwrap_err();
    let place = error.place().unwrap();
    assert_eq!((place.line, place.text.as_str()), (1, "{\"at\":1"));
    assert!(place.file.ends_with("events.jsonl"));
}

#[test]
fn a_folder_without_a_run_and_a_newer_format_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let error = RecordReader::open(home.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.hints()[0].contains("latest"));

    let (_home, folder, _) = finished_run();
    fs::write(folder.path().join("meta.json"), "{\"schema_version\": 99, \"new\": []}").unwrap();
    let error = RecordReader::open(folder.path()).unwrap_err();
    assert!(error.message().contains("format 99"), "{error}");
}

/// Fields and kinds may be added within a format: what is unknown is no sign of an edit.
#[test]
fn a_record_of_a_newer_rollproof_is_called_that() {
    let (_home, folder, _) = finished_run();
    let text = fs::read_to_string(events_file(&folder)).unwrap();
    let with = |line: &str| {
        fs::write(events_file(&folder), format!("{line}\n{text}")).unwrap();
        RecordReader::open(folder.path()).unwrap_err()
    };
    let unknown = r#"{"at":1.0,"seen":1.0,"kind":{"type":"teleported","to":"mars"}}"#;
    let changed = r#"{"at":1.0,"seen":1.0,"kind":{"type":"caveat","text":["a","b"]}}"#;
    let error = with(unknown);
    assert!(error.message().starts_with("a newer rollproof made "), "{error}");
    assert!(error.with_cause().contains("unknown variant `teleported`"), "{}", error.with_cause());
    assert!(!error.with_cause().contains("expected"), "{}", error.with_cause());
    assert_eq!(error.place().unwrap().line, 1);
    assert!(with(changed).hints()[0].contains("must not be edited"));

    let file = folder.path().join("meta.json");
    let meta = fs::read_to_string(&file).unwrap();
    let mut meta: serde_json::Value = serde_json::from_str(&meta).unwrap();
    for (version, newer) in [("99.0.0", true), ("0.0.9", false), ("0.99.0-rc.1", true), ("", false)]
    {
        meta["tool_version"] = version.into();
        fs::write(&file, meta.to_string()).unwrap();
        let error = with(changed);
        let said = format!("a newer rollproof {version} made ");
        assert_eq!(error.message().starts_with(&said), newer, "{version}: {error}");
        let accused = error.hints()[0].contains("must not be edited");
        assert_eq!(accused, !newer, "{version}");
    }
}

#[test]
fn names_that_would_leave_the_folder_are_refused() {
    let home = tempfile::tempdir().unwrap();
    for id in ["", "..", "a/b", "-x", "a b"] {
        assert_eq!(RunFolder::create(home.path(), id).unwrap_err().kind(), ErrorKind::Usage);
    }
    let folder = RunFolder::create(home.path(), "run").unwrap();
    let mut twice = meta(2);
    twice.streams.push(twice.streams[0].clone());
    assert_eq!(RecordWriter::create(&folder, &twice).unwrap_err().kind(), ErrorKind::Usage);
    assert!(!folder.path().join("meta.json").exists());
}

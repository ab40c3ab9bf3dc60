//! `rollproof runs`, `open`, `completions` and `man`.

use std::path::PathBuf;

use crate::records::folder;
use crate::workplace::Workplace;

/// A folder with these recorded runs in it; the last one is `latest`.
pub fn with_runs(names: &[&str]) -> Workplace {
    let place = Workplace::without_engine();
    for name in names {
        let to = place.state().join("runs").join(name);
        std::fs::create_dir_all(&to).unwrap();
        for file in std::fs::read_dir(folder(name)).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
    if let Some(last) = names.last() {
        std::os::unix::fs::symlink(last, place.state().join("runs/latest")).unwrap();
    }
    place
}

/// Three runs, the oldest first.
const RUNS: [&str; 3] = ["scaled-down", "new-version-404", "host-port-start-first"];

fn left(place: &Workplace) -> Vec<String> {
    let list = place.run(&["runs", "--json"]).expect(0).json();
    list.as_array().unwrap().iter().map(|run| run["run_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_list_says_what_each_run_was() {
    let place = with_runs(&RUNS);
    place.run(&["report", "new-version-404"]).expect(1);
    let out = place.run(&["runs"]).expect(0).out;
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 4, "`latest` is not a run of its own: {out}");
    assert!(lines[0].starts_with("RUN "), "{out}");
    let line = lines.iter().find(|line| line.starts_with("new-version-404")).unwrap();
    assert!(line.contains("  fail ") && line.contains("2026-11-25 21:20:26"), "{line}");
    assert!(line.contains("  verify ") && line.contains(" kB"), "{line}");
    assert!(
        lines.iter().any(|line| line.starts_with("scaled-down") && line.contains("not judged"))
    );
}

#[test]
fn prune_keeps_the_newest_and_latest_points_at_it() {
    let place = with_runs(&RUNS);
    let before = left(&place);
    place.run(&["runs", "prune", "--keep", "1"]).expect(0);
    assert_eq!(left(&place), before[..1]);
    let latest = std::fs::read_link(place.state().join("runs/latest")).unwrap();
    assert_eq!(latest, PathBuf::from(&before[0]));
    place.run(&["runs", "prune", "--keep", "0"]).expect(0);
    assert!(left(&place).is_empty());
    assert!(!place.state().join("runs/latest").is_symlink(), "the link leads nowhere");
    place.run(&["runs"]).expect(0);
}

#[test]
fn nothing_is_removed_unless_all_of_it_is_known() {
    let place = with_runs(&RUNS);
    for wrong in ["nope", "latest", "..", "/etc"] {
        let ended = place.run(&["runs", "rm", "scaled-down", wrong]).expect(2);
        assert!(ended.err.contains("there is no run"), "{}", ended.err);
    }
    assert_eq!(left(&place).len(), 3);
    place.run(&["runs", "rm", "scaled-down"]).expect(0);
    assert_eq!(left(&place).len(), 2);
}

#[test]
fn a_run_that_goes_on_is_not_removed() {
    let place = with_runs(&["scaled-down"]);
    std::fs::remove_file(place.state().join("runs/scaled-down/closed.json")).unwrap();
    let ended = place.run(&["runs", "rm", "scaled-down"]).expect(2);
    assert!(ended.err.contains("may still be going on"), "{}", ended.err);
    assert_eq!(left(&place).len(), 1);
}

#[test]
fn a_run_that_goes_on_keeps_no_other_from_being_pruned() {
    let place = with_runs(&RUNS);
    let newest = left(&place)[0].clone();
    let folder = place.state().join("runs").join(&newest);
    std::fs::remove_file(folder.join("closed.json")).unwrap();
    // Nothing has happened for a while, but requests are being sent.
    let hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    let events = std::fs::File::options().write(true).open(folder.join("events.jsonl")).unwrap();
    events.set_modified(hour_ago).unwrap();
    let ended = place.run(&["runs", "prune", "--keep", "0"]).expect(0);
    assert!(ended.err.contains("removed 2 runs"), "{}", ended.err);
    assert!(ended.err.contains(&format!("run {newest} is left")), "{}", ended.err);
    assert_eq!(left(&place), [newest]);
}

#[test]
fn a_run_that_is_named_twice_is_removed_once() {
    let place = with_runs(&RUNS);
    let ended = place.run(&["runs", "rm", "scaled-down", "scaled-down"]).expect(0);
    assert!(ended.err.contains("removed 1 run "), "{}", ended.err);
    assert_eq!(left(&place).len(), 2);
}

#[test]
fn damaged_runs_are_listed_and_can_be_removed() {
    let place = with_runs(&RUNS);
    let runs = place.state().join("runs");
    // What a full disk or a kill leaves: an empty file, half a file, none at all.
    for name in ["empty", "half", "20261126-095523-8bf4", "not-a-run", "someones"] {
        std::fs::create_dir(runs.join(name)).unwrap();
    }
    std::fs::write(runs.join("empty/meta.json"), "").unwrap();
    std::fs::write(runs.join("half/meta.json"), "{\"schema_version\":1,").unwrap();
    std::fs::write(runs.join("half/.report.json.4711"), "{").unwrap();
    std::fs::write(runs.join("someones/meta.json"), "").unwrap();
    std::fs::write(runs.join("someones/thesis.tex"), "").unwrap();
    let out = place.run(&["runs"]).expect(0).out;
    let damaged: Vec<&str> = out.lines().filter(|line| line.contains("  damaged ")).collect();
    assert_eq!(damaged.len(), 3, "{out}");
    assert!(!out.contains("not-a-run") && !out.contains("someones"), "{out}");
    place.run(&["report", "half"]).expect(2);

    // They may be runs that began just now.
    let ended = place.run(&["runs", "rm", "half"]).expect(2);
    assert!(ended.err.contains("may still be going on"), "{}", ended.err);
    let hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    for name in ["empty", "half", "20261126-095523-8bf4"] {
        let folder = std::fs::read_dir(runs.join(name)).unwrap();
        for path in folder.map(|file| file.unwrap().path()).chain([runs.join(name)]) {
            std::fs::File::open(path).unwrap().set_modified(hour_ago).unwrap();
        }
    }
    place.run(&["runs", "rm", "half"]).expect(0);
    assert!(!runs.join("half").exists());
    // The runs that can be read are kept first.
    place.run(&["runs", "prune", "--keep", "3"]).expect(0);
    assert_eq!(left(&place).len(), 3);
    assert!(!place.run(&["runs"]).expect(0).out.contains("damaged"));
    assert!(runs.join("not-a-run").exists() && runs.join("someones").exists());
    assert!(runs.join("latest").exists());
}

#[test]
fn open_writes_the_page_into_the_folder_of_the_run() {
    let place = with_runs(&RUNS);
    for args in [&["open", "--no-browser"][..], &["open", "--no-browser", "scaled-down"]] {
        let out = place.run(args).expect(0).out;
        let page = std::fs::read_to_string(out.trim_end()).unwrap();
        assert!(page.starts_with("<!doctype html>"), "{out}");
    }
    place.run(&["open", "--no-browser", "nope"]).expect(2);
}

#[test]
fn shells_and_man_know_the_commands() {
    let place = Workplace::without_engine();
    for shell in ["bash", "zsh", "fish"] {
        let out = place.run(&["completions", shell]).expect(0).out;
        assert!(out.contains("broken-update"), "{shell}");
    }
    place.run(&["man", "man1"]).expect(0);
    for page in ["rollproof.1", "rollproof-verify.1", "rollproof-runs-prune.1"] {
        let text = std::fs::read_to_string(place.path().join("man1").join(page)).unwrap();
        assert!(text.contains(".TH"), "{page}");
    }
}

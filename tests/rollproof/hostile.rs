//! A hostile service against the terminal: whatever reads a record prints text, and nothing that a
//! terminal or a CI system obeys.

use rollproof::record::{RecordWriter, Run, RunFolder};

use crate::records::{hostile, recorded};
use crate::workplace::{Ended, Workplace, finish};

/// The run of a hostile service, in the folder of `place`. Streams keep their names, which files are
/// named after.
fn write(place: &Workplace, name: &str) {
    let run = recorded(name).run;
    let mut bad: Run = hostile(&run);
    for (facts, (own, _)) in bad.meta.streams.iter_mut().zip(&run.shots) {
        facts.name.clone_from(&own.name);
    }
    name.clone_into(&mut bad.meta.run_id);
    let folder = RunFolder::create(&place.state(), name).unwrap();
    let mut writer = RecordWriter::create(&folder, &bad.meta).unwrap();
    for event in &bad.events {
        writer.event(event).unwrap();
    }
    for (stream, (_, shots)) in bad.shots.iter().enumerate() {
        for shot in shots {
            writer.shot(stream, shot).unwrap();
        }
    }
    writer.finish().unwrap();
    folder.mark_latest().unwrap();
}

#[track_caller]
fn harmless(ended: &Ended, what: &str) {
    let bad = |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}');
    for text in [&ended.out, &ended.err] {
        let found = text.lines().find(|line| line.contains(bad));
        assert_eq!(found, None, "{what} prints what a terminal obeys");
        // GitHub's runner looks behind blanks. What `github` writes itself names a file of the stack.
        let command = text.lines().find(|line| line.trim_start().starts_with("::error file=/etc"));
        assert_eq!(command, None, "{what} prints what GitHub obeys");
    }
}

#[test]
fn what_reads_a_record_prints_nothing_that_a_terminal_obeys() {
    let place = Workplace::without_engine();
    for name in ["new-version-404", "link-of-a-node-cut", "image-unresolvable-29"] {
        write(&place, name);
        for args in [
            &["report"][..],
            &["report", "-v"],
            &["report", "--allow-failed", "99%", "--max-p99", "1ms", "--max-duration", "1s"],
            &["report", "--format", "markdown"],
            &["report", "--format", "csv"],
            &["report", "--format", "openmetrics"],
            &["report", "--format", "html"],
            &["report", "--format", "junit"],
            &["report", "--format", "gitlab"],
            &["report", "--format", "github"],
            &["explain"],
            &["explain", "-v"],
            &["runs"],
            &["open", "--no-browser"],
            &["compare", "latest", "latest"],
            &["compare", "latest", "latest", "--format", "html"],
        ] {
            let ended = finish(place.command(args).env("GITHUB_ACTIONS", "true"));
            assert!((0..4).contains(&ended.code), "{args:?} of {name}: {}", ended.err);
            harmless(&ended, &format!("{args:?} of {name}"));
        }
        // A fail can be measured against, and its conditions are then in the record of the other.
        let mut against = place.command(&["report", "--against", name]);
        harmless(&finish(against.env("GITHUB_ACTIONS", "true")), "report --against");
    }
}

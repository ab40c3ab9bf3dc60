//! Scenarios of the catalogue on a simulated engine, each as it declares.

use crate::workplace::{Workplace, sound};

/// One of each kind of ending, quick ones.
const SOME: [&str; 5] =
    ["stop-first", "one-bad-of-six", "rollback-fails-too", "answers-404", "die-restart-any"];

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

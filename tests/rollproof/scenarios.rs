//! Scenarios that declare what must happen: as files, on the command line, judged, and for real.

use std::collections::BTreeSet;
use std::path::Path;

use rollproof::judge::Verdict;
use rollproof::record::{Ending, EventKind, Losses, Must, Outcome};
use rollproof::scenario;
use rollproof::swarm::UpdateState;
use serde_json::Value;

use crate::judge_stories::{GOOD_END, ROLLBACK_END, good_rollback, good_update};
use crate::judge_story::{SUBMIT, Story, check, fail, judge, nothing};
use crate::workplace::Workplace;

fn must(outcome: Ending, losses: Losses) -> Must {
    Must {
        outcome,
        states: Vec::new(),
        lowest: None,
        losses,
        cause: None,
        replicas: None,
        within: None,
        watch: None,
    }
}

fn declare(story: &mut Story, must: Must) {
    story.event(SUBMIT - 0.1, EventKind::Declared(must));
}

#[test]
fn a_declared_rollback_without_loss_is_a_pass() {
    let mut story = good_rollback();
    let declared = Must {
        states: vec![
            UpdateState::Updating,
            UpdateState::RollbackStarted,
            UpdateState::RollbackCompleted,
        ],
        lowest: Some(4),
        replicas: Some(6),
        ..must(Ending::RolledBack, Losses::None)
    };
    declare(&mut story, declared);
    story.shots(ROLLBACK_END + 0.5, nothing);
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Pass, "{:#?}", judgement.because);
    assert!(judgement.headline.starts_with("as declared: Swarm rolled back"), "{judgement:#?}");
}

#[test]
fn what_happens_instead_of_what_was_declared_is_a_failure() {
    for (declared, name, measured) in [
        (must(Ending::Completed, Losses::None), "outcome", "rolled-back"),
        (must(Ending::Paused, Losses::None), "outcome", "rolled-back"),
        (must(Ending::NeverEnds, Losses::None), "outcome", "rolled-back"),
        (must(Ending::RolledBack, Losses::Some), "losses", "0 lost"),
        (Must { lowest: Some(5), ..must(Ending::RolledBack, Losses::None) }, "lowest", "4 running"),
        (Must { replicas: Some(5), ..must(Ending::RolledBack, Losses::None) }, "replicas", "6"),
        (
            Must {
                states: vec![UpdateState::Updating, UpdateState::Paused],
                ..must(Ending::RolledBack, Losses::None)
            },
            "states",
            "updating, rollback_started, rollback_completed",
        ),
        (
            Must {
                within: Some(rollproof::Offset::from_millis(2_000)),
                ..must(Ending::RolledBack, Losses::None)
            },
            "within",
            "17.6 s",
        ),
    ] {
        let mut story = good_rollback();
        declare(&mut story, declared);
        story.shots(ROLLBACK_END + 0.5, nothing);
        let judgement = judge(&story.finish());
        let check = check(&judgement.scenarios[0], name);
        assert_eq!((check.verdict, check.measured.as_str()), (Verdict::Fail, measured), "{name}");
        assert_eq!(judgement.verdict, Verdict::Fail, "{name}");
    }
}

#[test]
fn declared_losses_must_come_and_have_the_declared_cause() {
    let lossy = |cause: Option<&str>| {
        let mut story = good_update();
        let cause = cause.map(str::to_owned);
        declare(&mut story, Must { cause, ..must(Ending::Completed, Losses::Some) });
        story.shots(GOOD_END + 0.5, |at, shot| {
            if (SUBMIT + 3.0..SUBMIT + 3.5).contains(&at) {
                fail(shot, Outcome::Reset, 0.1);
            }
        });
        judge(&story.finish())
    };
    let any = lossy(None);
    let losses = check(&any.scenarios[0], "losses");
    assert_ne!(losses.measured, "0 lost", "the story loses requests");
    assert_eq!(losses.verdict, Verdict::Pass, "{losses:#?}");
    assert!(any.scenarios[0].checks.iter().all(|check| check.name != "no-failed-requests"));
    let other = lossy(Some("node-lost"));
    let losses = check(&other.scenarios[0], "losses");
    assert_eq!(losses.verdict, Verdict::Fail, "{losses:#?}");
    assert!(losses.because.contains("but because of"), "{}", losses.because);
}

/// With `rollback_config.failure_action: rollback`, Swarm writes `completed` over a rollback, whether it
/// worked or not: the replicas decide.
#[test]
fn completed_over_a_rollback_is_judged_by_the_replicas() {
    let outcome = |slot_stays_empty: bool| {
        let mut story = good_rollback();
        declare(&mut story, must(Ending::RolledBack, Losses::None));
        story.state(SUBMIT + 16.5, UpdateState::Completed, "update completed");
        let back = story.current(5);
        story.shots(ROLLBACK_END + 0.5, nothing);
        let mut run = story.finish();
        run.events.retain(|event| match &event.kind {
            EventKind::Task(seen) => !slot_stays_empty || seen.task != back,
            _ => true,
        });
        check(&judge(&run).scenarios[0], "outcome").measured.clone()
    };
    assert_eq!(outcome(false), "rolled-back");
    assert_eq!(outcome(true), "mixed");
}

#[test]
fn losses_that_were_not_declared_are_a_failure() {
    let mut story = good_update();
    declare(&mut story, must(Ending::Completed, Losses::None));
    story.shots(GOOD_END + 0.5, |at, shot| {
        if (SUBMIT + 3.0..SUBMIT + 3.5).contains(&at) {
            fail(shot, Outcome::Reset, 0.1);
        }
    });
    let judgement = judge(&story.finish());
    assert_eq!(check(&judgement.scenarios[0], "no-failed-requests").verdict, Verdict::Fail);
}

#[test]
fn the_schema_has_exactly_the_keys_of_the_reader() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/scenario.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("s.yml");
    let said = |text: String| {
        std::fs::write(&file, text).unwrap();
        scenario::read(&file).unwrap_err().message().to_owned()
    };
    let listed = |message: &str| -> BTreeSet<String> {
        let (_, list) = message.split_once("expected ").unwrap_or_else(|| panic!("{message}"));
        let list = list.strip_prefix("one of ").unwrap_or(list);
        let words = list.split([',', ' ']).map(|word| word.trim_matches('`'));
        words.filter(|word| !word.is_empty() && *word != "or").map(str::to_owned).collect()
    };
    for (text, at) in [
        ("?: 1", "/properties"),
        ("scenarios: [{?: 1}]", "/$defs/scenario/properties"),
        ("scenarios: [{change: {?: 1}}]", "/$defs/change/properties"),
        ("scenarios: [{ask: {?: 1}}]", "/$defs/ask/properties"),
        ("scenarios: [{must: {?: 1}}]", "/$defs/must/properties"),
    ] {
        let keys = schema.pointer(at).unwrap().as_object().unwrap();
        let keys: BTreeSet<String> = keys.keys().cloned().collect();
        assert_eq!(keys, listed(&said(text.replace('?', "nosuch"))), "{text}");
    }
    for (key, at) in [("outcome", "/outcome/enum"), ("losses", "/losses/enum")] {
        let values = schema.pointer(&format!("/$defs/must/properties{at}")).unwrap();
        let values: BTreeSet<String> = serde_json::from_value(values.clone()).unwrap();
        let message = said(format!("scenarios: [{{must: {{{key}: nosuch}}}}]"));
        assert_eq!(values, listed(&message), "{key}");
    }
    let names = schema.pointer("/$defs/scenario/properties/streams/items/enum").unwrap();
    let names: Vec<String> = serde_json::from_value(names.clone()).unwrap();
    let known: Vec<&str> = rollproof::streams::TABLE.iter().map(|kind| kind.name).collect();
    assert_eq!(names, known);
}

#[test]
fn mistakes_are_shown_with_their_line_before_anything_starts() {
    let place = Workplace::without_engine();
    place.file(
        "mine.yml",
        "scenarios:\n- name: mine\n  about: mine\n  must: {outcome: rolled-bak, losses: none}\n",
    );
    for args in [&["try", "mine.yml"][..], &["verify", "--scenario", "mine.yml"]] {
        let err = place.run(args).expect(2).err;
        for part in ["mine.yml:4:19", "must: {outcome: rolled-bak", "rolled-back", "hint"] {
            assert!(err.contains(part), "{part}: {err}");
        }
    }
    for (args, part) in [
        (&["try", "never-healty"][..], "did you mean never-healthy?"),
        (&["try", "nosuch.yml"], "cannot read the scenario file nosuch.yml"),
        (&["try", "--only", "xyzzy"], "no list"),
        (&["try", "start-first", "--skip", "good"], "leave no scenario"),
        (&["verify", "--scenario", "answers-500"], "`rollproof try answers-500` runs it"),
    ] {
        let err = place.run(args).expect(2).err;
        assert!(err.contains(part), "{args:?}: {err}");
    }
}

#[test]
fn the_list_has_one_line_each() {
    let place = Workplace::without_engine();
    let list = place.run(&["scenarios", "--json"]).expect(0).json();
    let list = list.as_array().unwrap().clone();
    let text = place.run(&["scenarios"]).expect(0).out;
    for one in &list {
        let (name, about) = (one["name"].as_str().unwrap(), one["about"].as_str().unwrap());
        let line = |line: &&str| line.trim_start().starts_with(&format!("{name} "));
        assert!(text.lines().find(line).unwrap().ends_with(about), "{name}");
        assert_eq!(one["must"].is_null(), one["list"] == "usual", "{name}");
    }
}

#[test]
fn scenarios_are_tried_on_a_real_engine() {
    let place = Workplace::new();
    place.file(
        "wrong.yml",
        "scenarios:\n- name: wrong-hope\n  about: hopes that a crash is completed\n  \
         change: {env: {ROLLPROOF_CRASH_AFTER: 0s}}\n  \
         must: {outcome: completed, losses: none}\n\
         - name: secret-on-stderr\n  about: a wrong value, which the app prints before it ends\n  \
         change: {env: {ROLLPROOF_ON_STOP: hunter-and-prey}}\n  \
         must: {outcome: rolled-back, losses: none}\n",
    );
    let ended = place.run(&["try", "--engine", "lab", "--fast", "wrong.yml", "--json"]);
    assert_eq!(ended.code, 1, "{}\n{}", ended.out, ended.err);
    let tried = ended.json();
    let outcome = |index: usize| {
        let checks = tried[index]["scenario"]["checks"].as_array().unwrap();
        let found = checks.iter().find(|check| check["name"] == "outcome");
        found.unwrap_or_else(|| panic!("{tried:#}")).clone()
    };
    assert_eq!(outcome(0)["measured"], "rolled-back");
    assert_eq!(outcome(0)["verdict"], "fail", "{tried:#}");
    assert_eq!(outcome(1)["measured"], "rolled-back");
    assert_eq!(outcome(1)["verdict"], "pass", "{tried:#}");
    let log = tried[1]["scenario"]["rollback"]["trigger_log"].to_string();
    assert!(log.contains("ROLLPROOF_ON_STOP=…: expected"), "{log}");
    let run = place.state().join("runs/latest");
    for file in std::fs::read_dir(&run).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        assert!(!text.contains("hunter-and-prey"), "a value of the environment is in the record");
    }
    let events = std::fs::read_to_string(run.join("events.jsonl")).unwrap();
    let of_type = |kind: &str| events.matches(&format!("{{\"type\":\"{kind}\"")).count();
    // Three replicas are checked every second for more than ten seconds.
    let (checks, lines) = (of_type("health-check"), of_type("log"));
    assert!(checks > 20 && lines > 3, "{checks} checks, {lines} lines");
}

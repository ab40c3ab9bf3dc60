//! Health checks and log lines of a record: what the judge and the reports make of them.

use rollproof::Offset;
use rollproof::judge::ScenarioJudgement;
use rollproof::record::{CheckRules, CheckSeen, EventKind, LogLine, Run};
use serde_json::Value;

use crate::judge_story::{ROLLBACK_END, SUBMIT, Story, good_rollback, nothing};
use crate::records::{Judged, hostile};

const PERIOD: f64 = 3.0;

/// Four checks of a task that fail, the first one in the start period.
fn failing_checks(story: &mut Story, id: &str, started: f64) {
    for (number, after) in (0..).zip([2.0, 4.1, 6.2, 8.3]) {
        let check = CheckSeen {
            task: id.to_owned(),
            after: Offset::from_secs_f64(after),
            took: Offset::from_millis(100),
            exit_code: 1,
            streak: Some(number),
            output: format!("try {number}: connection refused"),
            rules: (number == 0).then(|| CheckRules {
                interval: Offset::from_millis(2_000),
                timeout: Offset::from_millis(2_000),
                retries: 3,
                start_period: Offset::from_secs_f64(PERIOD),
            }),
        };
        story.event(started + after, EventKind::HealthCheck(check));
    }
}

fn lines(story: &mut Story, id: &str, count: u64, at: f64) {
    for number in 1..=count {
        let line = LogLine {
            task: id.to_owned(),
            text: format!("line {number}"),
            stderr: number == count,
            left_out: if number == 2 { 40 } else { 0 },
        };
        story.event(at, EventKind::Log(line));
    }
}

/// A rollback whose trigger has four failed checks and printed `count` lines.
fn run(count: u64) -> Run {
    let mut story = good_rollback();
    let id = story.tasks.iter().rfind(|task| task.generation == 2).unwrap().task.clone();
    failing_checks(&mut story, &id, SUBMIT);
    story.health_check_failed(&id, SUBMIT + 8.4);
    lines(&mut story, &id, count, SUBMIT + 3.0);
    story.shots(ROLLBACK_END + 0.5, nothing);
    story.finish()
}

const ARITHMETIC: &str = "unhealthy after 3 checks, each 2 s after the previous one ended: 8.40 s \
    after start; the start period of 3 s did not count the first";

#[test]
fn the_judgement_tells_every_failed_check_and_the_arithmetic() {
    let judged = Judged::of(run(9));
    let scenario: &ScenarioJudgement = &judged.judgement.scenarios[0];
    let [story] = scenario.health.as_slice() else { panic!("{:#?}", scenario.health) };
    assert_eq!((story.checks, story.failed), (4, 4));
    assert_eq!(story.arithmetic.as_deref(), Some(ARITHMETIC));
    let streaks: Vec<_> = story.failures.iter().map(|check| check.streak).collect();
    assert_eq!(streaks, [Some(0), Some(1), Some(2), Some(3)]);
    let rollback = scenario.rollback.as_ref().unwrap();
    assert_eq!(rollback.trigger_arithmetic.as_deref(), Some(ARITHMETIC));
    assert_eq!(rollback.trigger_log, ["line 5", "line 6", "line 7", "line 8", "line 9"]);
    assert!(rollback.trigger_error.as_ref().unwrap().contains("3 checks failed: \"wget"));
}

#[test]
fn the_reports_show_checks_and_lines() {
    let judged = Judged::of(run(9));
    let details = judged.write("details").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(details.contains(ARITHMETIC), "{details}");
    assert!(details.contains("4 of 4 checks failed, the longest took 100 ms"), "{details}");
    assert!(details.contains("its log line 5"), "{details}");
    let html = judged.write("html");
    for part in [
        ARITHMETIC,
        "code 1, not counted",
        "code 1, 3 in a row",
        "try 3: connection",
        "… 40 lines left out",
        "line 9",
    ] {
        assert!(html.contains(part), "{part}");
    }
    let trace: Value = serde_json::from_str(&judged.write("trace")).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let checks: Vec<_> = events.iter().filter(|event| event["name"] == "check failed").collect();
    assert_eq!(checks.len(), 4);
    assert_eq!(checks[0]["dur"], 100_000);
}

#[test]
fn long_logs_are_cut_in_the_page_and_said_to_be() {
    let judged = Judged::of(run(450));
    let html = judged.write("html");
    assert!(html.contains("line 450") && html.contains("line 1\n"), "first and last lines");
    assert!(html.contains("… 251 lines not shown"), "what is left out is said");
}

#[test]
fn what_a_container_says_is_only_text() {
    let judged = Judged::of(hostile(&run(3)));
    for format in ["html", "details", "json", "trace", "summary", "markdown"] {
        let text = judged.write(format);
        assert!(!text.contains('\x1b'), "{format}");
        assert!(format != "html" || !text.contains("<script>alert"), "{format}");
    }
}

#[test]
fn a_record_without_checks_is_judged_as_before() {
    let mut old = run(4);
    old.events.retain(|event| !matches!(event.kind, EventKind::HealthCheck(_) | EventKind::Log(_)));
    let (old, new) = (Judged::of(old), Judged::of(run(4)));
    let (before, after) = (&old.judgement.scenarios[0], &new.judgement.scenarios[0]);
    assert!(before.health.is_empty());
    assert_eq!((before.verdict, &before.checks), (after.verdict, &after.checks));
}

#[test]
fn what_fails_because_a_task_is_stopped_has_no_arithmetic() {
    let mut story = good_rollback();
    let id = story.current(1);
    story.stop(1, SUBMIT + 1.0);
    failing_checks(&mut story, &id, SUBMIT);
    story.shots(ROLLBACK_END + 0.5, nothing);
    let judged = Judged::of(story.finish());
    let health = &judged.judgement.scenarios[0].health;
    assert_eq!(health.iter().find(|story| story.task == id).unwrap().arithmetic, None);
}

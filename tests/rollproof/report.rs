//! The reports: what stands in them, and that people can read them.

use std::path::Path;

use rollproof::Offset;
use rollproof::judge::{Judgement, Limits, judge};
use rollproof::record::{
    Connection, EventKind, MachineLoad, NegativeControl, Outcome, Purpose, Run,
};
use rollproof::report::{DETAILS, FORMATS, Format, JSON, Material, SUMMARY, Style, find};
use rollproof::swarm::{FailureAction, UpdateState};
use serde_json::Value;

use crate::judge_advice::{broken_update, places};
use crate::judge_story::{
    GOOD_END, ROLLBACK_END, Story, VERIFY_END, fail, good_rollback, good_update, good_verify,
    healthcheck, nothing,
};

fn judged(run: &Run) -> Judgement {
    judge(run, &Limits::default())
}

fn clean_rollback() -> Judgement {
    let mut story = good_rollback();
    story.shots(ROLLBACK_END + 0.5, |_, _| {});
    judged(&story.finish())
}

/// An update and a broken one with everything that is measured, all of it sound.
fn pass() -> Judgement {
    let mut story = good_verify();
    story.run.meta.stack.healthcheck = Some(healthcheck());
    places(
        &mut story,
        &[
            ("service", "stack.yml:3"),
            ("update_config", "stack.yml:21"),
            ("update_config.parallelism", "stack.yml:22"),
            ("update_config.delay", "stack.yml:23"),
            ("update_config.failure_action", "stack.yml:24"),
        ],
    );
    story.run.meta.negative_control = NegativeControl::Planned;
    for (name, purpose) in [
        ("proxy-keepalive", Purpose::Users),
        ("overlay-fresh", Purpose::Users),
        ("control", Purpose::Control),
        ("negative", Purpose::NegativeControl),
        ("each-replica", Purpose::EachReplica),
    ] {
        story.stream(name, purpose);
    }
    for facts in [&mut story.run.meta.streams[1], &mut story.run.shots[1].0] {
        facts.connection = Connection::KeepAlive;
    }
    let service = "demo_lossy".to_owned();
    story.event(1.0, EventKind::NegativeControlStarted { service });
    story.event(3.0, EventKind::NegativeControlEnded { gave_up: None });
    for stream in 0..4 {
        story.shots_of(stream, VERIFY_END + 0.5, nothing);
    }
    story.shots_of(4, 3.5, |at, shot| {
        if (1.5..2.0).contains(&at) {
            fail(shot, Outcome::Refused, 0.001);
        }
    });
    story.direct(5, VERIFY_END + 0.5, |_, _, _| {});
    judged(&story.finish())
}

/// Swarm paused the broken update, which is its default.
fn paused() -> Judgement {
    broken_update(UpdateState::Paused, |story| {
        story.run.meta.stack.update_config.failure_action = FailureAction::Pause;
        places(
            story,
            &[
                ("service", "stack.yml:3"),
                ("update_config", "stack.yml:21"),
                ("update_config.parallelism", "stack.yml:22"),
                ("update_config.delay", "stack.yml:23"),
            ],
        );
    })
}

fn lossy_update() -> Judgement {
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, |at, shot| {
        if (13.4..13.8).contains(&at) {
            fail(shot, Outcome::Proxy502, 0.003);
        }
    });
    judged(&story.finish())
}

/// The machine had no time left, and the requests of that time came late.
fn busy_machine() -> Judgement {
    let mut story = good_update();
    for second in 1..=36 {
        let load = match second {
            26 => MachineLoad { busy: 980, stolen: 10, waiting: Some(700) },
            _ => MachineLoad { busy: 300, stolen: 0, waiting: Some(50) },
        };
        story.event(f64::from(second), EventKind::Machine(load));
    }
    story.shots(GOOD_END + 0.5, |at, shot| {
        if (25.0..25.2).contains(&at) {
            fail(shot, Outcome::Late, 1.5);
        }
    });
    judged(&story.finish())
}

/// The user stopped the run in the middle of the update.
fn interrupted() -> Judgement {
    let mut story = good_update();
    story.shots(20.0, |_, shot| shot.replica = None);
    story.event(20.0, EventKind::Interrupted);
    let mut run = story.finish();
    run.events.retain(|event| event.seen <= Offset::from_millis(20_000));
    judged(&run)
}

/// The run was stopped before a scenario began.
fn nothing_began() -> Judgement {
    let mut run = Story::new(2).finish();
    run.incomplete = Some("it was not closed".to_owned());
    judged(&run)
}

fn all() -> [Judgement; 8] {
    [
        pass(),
        paused(),
        lossy_update(),
        busy_machine(),
        interrupted(),
        nothing_began(),
        clean_rollback(),
        broken_update(UpdateState::Completed, |story| {
            story.run.meta.stack.update_config.failure_action = FailureAction::Continue;
        }),
    ]
}

fn style(width: usize) -> Style<'static> {
    let record = Some(Path::new(".rollproof/runs/20261121-011409-4f2a"));
    Style { colour: false, width, record }
}

fn summary(judgement: &Judgement) -> String {
    (SUMMARY.write)(Material::One(judgement), style(80))
}

fn json(judgement: &Judgement) -> String {
    (JSON.write)(Material::One(judgement), Style::default())
}

/// The details with all blanks and line ends as one blank.
pub fn details(judgement: &Judgement) -> String {
    let text = (DETAILS.write)(Material::One(judgement), style(80));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn summaries() {
    insta::assert_snapshot!("pass", summary(&pass()));
    insta::assert_snapshot!("paused", summary(&paused()));
    insta::assert_snapshot!("lossy", summary(&lossy_update()));
    insta::assert_snapshot!("busy-machine", summary(&busy_machine()));
    insta::assert_snapshot!("interrupted", summary(&interrupted()));
    insta::assert_snapshot!("nothing-began", summary(&nothing_began()));
}

#[test]
fn a_narrow_terminal_gets_a_narrow_summary() {
    insta::assert_snapshot!("width-60", (SUMMARY.write)(Material::One(&pass()), style(60)));
}

#[test]
fn everything_stands_under_headings() {
    let text = |judgement: &Judgement| (DETAILS.write)(Material::One(judgement), style(80));
    insta::assert_snapshot!("details-pass", text(&pass()));
    insta::assert_snapshot!("details-lossy", text(&lossy_update()));
}

#[test]
fn a_summary_has_twenty_lines_at_most() {
    for judgement in all() {
        let text = summary(&judgement);
        assert!(text.lines().count() <= 20, "{text}");
    }
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let judgements = all();
    for width in 40..=120 {
        for judgement in &judgements {
            for format in [SUMMARY, DETAILS] {
                let text = (format.write)(Material::One(judgement), style(width));
                for line in text.lines() {
                    let path = line.starts_with("  record");
                    assert!(path || line.chars().count() <= width, "{width}: {line}");
                    assert_eq!(line.trim_end(), line, "blanks at the end");
                }
            }
        }
    }
}

#[test]
fn colour_changes_nothing_but_colour() {
    let judgement = lossy_update();
    for format in [SUMMARY, DETAILS] {
        let coloured = Style { colour: true, ..Style::default() };
        let coloured = (format.write)(Material::One(&judgement), coloured);
        assert!(coloured.contains("\x1b[1m\x1b[31mFAIL\x1b[0m"), "{coloured}");
        let mut plain = String::new();
        let mut rest = coloured.as_str();
        while let Some((before, after)) = rest.split_once('\x1b') {
            plain += before;
            rest = after.split_once('m').unwrap().1;
        }
        plain += rest;
        assert_eq!(plain, (format.write)(Material::One(&judgement), Style::default()));
    }
}

#[test]
fn failures_that_are_meant_to_be_never_stand_beside_no_request_lost() {
    let judgement = pass();
    let text = summary(&judgement);
    assert!(text.contains("no request lost") && text.contains("as intended"), "{text}");
    // Replicas that were stopped on purpose failed requests too.
    let direct = judgement.scenarios[0].streams.iter().find(|one| one.name == "each-replica");
    assert!(direct.unwrap().failed > 0);
    assert!(!text.contains("each replica"), "{text}");
}

#[test]
fn each_format_has_its_name() {
    let mut names: Vec<&str> = FORMATS.iter().map(Format::name).collect();
    assert_eq!(names[..4], ["summary", "details", "json", "junit"]);
    assert!(names.iter().all(|name| find(name).is_some_and(|format| format.name() == *name)));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), FORMATS.len());
    assert!(find("nope").is_none());
}

/// Every field that the design promises, with its kind.
#[test]
fn the_json_has_the_promised_fields() {
    let text = json(&lossy_update());
    assert!(text.ends_with("}\n"));
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["schema_version"], 1);
    assert_eq!(report["verdict"], "fail");
    for field in ["run_id", "started_at", "tool_version"] {
        assert!(report[field].is_string(), "{field}");
    }
    assert!(report["headline"].as_str().unwrap().starts_with("80 of 6,320 requests lost"));
    assert!(report["caveats"].is_array());
    for field in ["version", "api", "kernel", "ipvs", "nodes"] {
        assert!(!report["engine"][field].is_null(), "engine.{field}");
    }
    for field in ["name", "files", "service", "replicas", "update_config", "rollback_config"] {
        assert!(!report["stack"][field].is_null(), "stack.{field}");
    }
    assert!(report["stack"].as_object().unwrap().contains_key("healthcheck"));

    let scenario = &report["scenarios"][0];
    assert_eq!((&scenario["name"], &scenario["expects"]), (&"update".into(), &"update".into()));
    let update = &scenario["update"];
    assert_eq!(update["final_state"], "completed");
    assert_eq!(update["rolled_back"], false);
    assert!(update["spec_restored"].is_null());
    assert_eq!(update["states"][0]["state"], "updating");
    assert!((update["states"][0]["at"].as_f64().unwrap() - 10.1).abs() < 1e-6);
    for field in ["new_tasks_running", "status_terminal", "last_old_gone"] {
        assert!(update["converged"][field].is_number(), "converged.{field}");
    }
    assert!(scenario["rollback"].is_null());
    assert_eq!(scenario["capacity"]["desired"], 6);
    assert_eq!(scenario["capacity"]["min_running"], 4);
    assert_eq!(scenario["capacity"]["min_serving"], 4);
    assert!(scenario["capacity"]["below_desired_s"].is_number());
    assert_eq!(scenario["capacity"]["steps"][3]["by_version"]["2"]["serving"], 2);
    assert_eq!(scenario["capacity"]["by_version"]["1"]["max_running"], 6);

    let stream = &scenario["streams"][0];
    assert_eq!((&stream["name"], &stream["failed"]), (&"fresh".into(), &80.into()));
    assert_eq!(stream["failed_by_class"]["proxy502"], 80);
    assert_eq!(stream["gaps"].as_array().unwrap().len(), 1);
    assert!((stream["longest_gap_s"].as_f64().unwrap() - 0.4).abs() < 1e-6);
    let numbers = ["rate_hz", "sent", "unsent", "total_bad_s", "resolution_s", "replicas_seen"];
    for field in numbers.into_iter().chain(["error_rate_upper_95"]) {
        assert!(stream[field].is_number(), "{field}");
    }
    for field in ["p50", "p99", "max"] {
        assert!(stream["lag_s"][field].is_number(), "lag_s.{field}");
    }
    for field in ["p50", "p90", "p99", "p999", "max"] {
        assert!(stream["latency_s"][field].is_number(), "latency_s.{field}");
    }

    assert_eq!((&stream["route"], &stream["connection"]), (&"published".into(), &"fresh".into()));

    let advice = &scenario["advice"];
    assert!(advice["because"].is_string() && advice["lines"].is_array());
    assert!(advice["text"].is_string() && advice["place"].is_null());

    let failure = &scenario["failures"][0];
    assert_eq!((&failure["stream"], &failure["class"]), (&"fresh".into(), &"proxy502".into()));
    assert!(failure["at"].is_number() && failure["because"].is_string());
    for field in ["replica", "version", "reused"] {
        assert!(failure.as_object().unwrap().contains_key(field), "{field}");
    }
    for field in ["event", "slot", "task", "dt_s"] {
        assert!(!failure["nearest"][field].is_null(), "nearest.{field}");
    }
    for check in scenario["checks"].as_array().unwrap() {
        for field in ["name", "verdict", "measured", "limit", "because"] {
            assert!(check[field].is_string(), "{check}");
        }
    }
}

#[test]
fn the_rollback_is_in_the_json() {
    let report: Value = serde_json::from_str(&json(&clean_rollback())).unwrap();
    let rollback = &report["scenarios"][0]["rollback"];
    assert!(rollback["trigger_task"].is_string() && rollback["trigger_error"].is_string());
    for field in ["failure_at", "started_at", "completed_at", "capacity_restored_at"] {
        assert!(rollback[field].is_number(), "{field}");
    }
    assert_eq!(report["scenarios"][0]["update"]["spec_restored"], true);
    assert_eq!(report["scenarios"][0]["expects"], "rollback");
}

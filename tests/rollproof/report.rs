//! The reports: what stands in them, and that people can read them.

use std::path::Path;

use rollproof::Offset;
use rollproof::judge::{Judgement, Limits, judge};
use rollproof::record::{Outcome, Run};
use rollproof::report::{Style, json, summary};
use serde_json::Value;

use crate::judge_story::{GOOD_END, ROLLBACK_END, fail, good_rollback, good_update};

fn judged(run: &Run) -> Judgement {
    judge(run, &Limits::default())
}

fn clean_rollback() -> Judgement {
    let mut story = good_rollback();
    story.shots(ROLLBACK_END + 0.5, |_, _| {});
    judged(&story.finish())
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

fn inconclusive() -> Judgement {
    let mut story = good_update();
    story.shots(20.0, |_, shot| shot.replica = None);
    let mut run = story.finish();
    run.events.retain(|event| event.seen < Offset::from_millis(20_000));
    run.incomplete = Some("the record was not closed".to_owned());
    judged(&run)
}

fn print(judgement: &Judgement) -> String {
    summary(
        judgement,
        Style { colour: false, record: Some(Path::new(".rollproof/runs/20261121-011409-4f2a")) },
    )
}

/// Compares a report with the file that has it.
pub fn golden(name: &str, text: &str) {
    let path = format!("{}/tests/rollproof/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(path).unwrap());
}

#[test]
fn a_clean_rollback_is_told() {
    golden("report_rollback.txt", &print(&clean_rollback()));
}

#[test]
fn lost_requests_are_told_with_cause_and_remedy() {
    golden("report_lossy.txt", &print(&lossy_update()));
}

#[test]
fn a_run_that_proves_nothing_is_told() {
    golden("report_inconclusive.txt", &print(&inconclusive()));
}

#[test]
fn no_line_is_wider_than_a_hundred() {
    for judgement in [clean_rollback(), lossy_update(), inconclusive()] {
        for line in print(&judgement).lines() {
            assert!(line.chars().count() <= 100, "{line}");
            assert_eq!(line.trim_end(), line, "blanks at the end");
        }
    }
}

#[test]
fn colour_changes_nothing_but_colour() {
    let judgement = lossy_update();
    let coloured = summary(&judgement, Style { colour: true, record: None });
    assert!(coloured.contains("\x1b[1m\x1b[31mFAIL\x1b[0m"), "{coloured}");
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\x1b') {
        plain += before;
        rest = after.split_once('m').unwrap().1;
    }
    plain += rest;
    assert_eq!(plain, summary(&judgement, Style::default()));
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

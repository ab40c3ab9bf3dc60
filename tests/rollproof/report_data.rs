//! The formats for other programs: CSV, `OpenMetrics` and traces.

use std::collections::{BTreeSet, HashMap};

use regex::Regex;
use rollproof::record::Outcome;
use serde_json::Value;

use crate::records::{HOSTILE, Judged, all_recorded, hostile, recorded};

/// The same run twice: as it is, and of a hostile service.
fn both() -> impl Iterator<Item = (&'static str, Judged)> {
    all_recorded()
        .flat_map(|(name, judged)| [(name, Judged::of(hostile(&judged.run))), (name, judged)])
}

fn rows(text: &str) -> Vec<HashMap<String, String>> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect()
}

#[test]
fn csv_has_every_request_and_the_cause_of_every_failure() {
    for (name, judged) in both() {
        let rows = rows(&judged.write("csv"));
        let all: usize = judged.run.shots.iter().map(|(_, shots)| shots.len()).sum();
        assert_eq!(rows.len(), all, "{name}");
        let failed: u64 = judged.judgement.scenarios.iter().map(|one| one.failed).sum();
        let explained = rows.iter().filter(|row| !row["cause"].is_empty()).count();
        assert_eq!(explained as u64, failed, "{name}");
        for row in &rows {
            assert!(row["intended_s"].parse::<f64>().is_ok(), "{row:?}");
            let known = Outcome::ALL.iter().any(|outcome| outcome.as_str() == row["outcome"]);
            assert!(known, "{row:?}");
            assert!(!row.values().any(|value| value.starts_with(['=', '+', '@'])), "{row:?}");
        }
    }
}

#[test]
fn csv_times_are_those_of_the_record() {
    let judged = recorded("new-version-404");
    let text = judged.write("csv");
    let first = &rows(&text)[0];
    let shot = &judged.run.shots[0].1[0];
    assert_eq!(first["stream"], "proxy-fresh");
    assert_eq!(first["intended_s"], format!("{:.6}", shot.intended.as_secs_f64()));
    assert_eq!(first["latency_s"], format!("{:.6}", shot.latency().unwrap().as_secs_f64()));
    assert!(text.lines().count() > 1 && text.contains("\r\n"));
}

#[test]
fn a_name_cannot_be_a_formula() {
    let mut run = recorded("scaled-down").run;
    run.shots[0].1[0].version = Some("=cmd|' /C calc'!A1".into());
    let row = &rows(&Judged::of(run).write("csv"))[0];
    assert_eq!(row["version"], "'=cmd|' /C calc'!A1");
}

#[test]
fn openmetrics_are_families_of_samples_that_end_with_eof() {
    let sample =
        Regex::new(r#"^([a-z_]+)\{([a-z]+="(?:[^"\\]|\\["\\n])*",?)+\} -?[0-9.]+(?:e-?[0-9]+)?$"#)
            .unwrap();
    for (name, judged) in both() {
        let text = judged.write("openmetrics");
        let body = text.strip_suffix("# EOF\n").unwrap();
        let (mut family, mut seen, mut samples) = (String::new(), BTreeSet::new(), BTreeSet::new());
        for line in body.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                family = rest.strip_suffix(" gauge").unwrap().to_owned();
                assert!(seen.insert(family.clone()), "{family} twice in {name}");
            } else if let Some(rest) = line.strip_prefix("# ") {
                assert!(rest.split(' ').nth(1) == Some(&family), "{line} in {family}");
            } else {
                let found = sample.captures(line).unwrap_or_else(|| panic!("{line} in {name}"));
                assert_eq!(&found[1], family);
                let (labels, _) = line.rsplit_once(' ').unwrap();
                assert!(samples.insert(labels.to_owned()), "{labels} twice in {name}");
            }
        }
        let verdict = format!("verdict=\"{}\"}} 1", judged.judgement.verdict);
        assert!(
            text.lines()
                .any(|line| line.starts_with("rollproof_verdict{") && line.ends_with(&verdict))
        );
    }
}

#[test]
fn openmetrics_have_the_figures_of_the_report() {
    let text = recorded("new-version-404").write("openmetrics");
    for line in [
        "rollproof_requests_failed{service=\"rollproof-verify_web\",scenario=\"update\",stream=\"proxy-fresh\"} 244",
        "rollproof_replicas_serving_min{service=\"rollproof-verify_web\",scenario=\"update\"} 3",
        "# UNIT rollproof_longest_gap_seconds seconds",
    ] {
        assert!(text.contains(line), "{line} in\n{text}");
    }
}

#[test]
fn traces_have_tracks_of_tasks_states_and_failed_requests() {
    for (name, judged) in both() {
        let text = judged.write("trace");
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{name}");
        let trace: Value = serde_json::from_str(&text).unwrap();
        let events = trace["traceEvents"].as_array().unwrap();
        for event in events {
            assert!(event["ts"].is_i64() && event["pid"].is_u64() && event["name"].is_string());
            match event["ph"].as_str().unwrap() {
                "X" => assert!(event["dur"].as_i64().unwrap() >= 0, "{event}"),
                "M" => assert!(event["args"]["name"].is_string(), "{event}"),
                "i" | "C" => {}
                other => panic!("{other} in {name}"),
            }
        }
        let failed = events.iter().filter(|event| event["args"]["cause"].is_string()).count();
        let said: u64 = judged.judgement.scenarios.iter().map(|one| one.failed).sum();
        assert_eq!(failed as u64, said, "{name}");
        let tracks: Vec<&str> = events
            .iter()
            .filter(|event| event["ph"] == "M")
            .filter_map(|e| e["args"]["name"].as_str())
            .collect();
        for slot in 1..=judged.judgement.stack.replicas {
            assert!(tracks.contains(&format!("slot {slot}").as_str()), "slot {slot} of {name}");
        }
    }
    assert!(HOSTILE.contains("<script>"));
}

#[test]
fn a_hostile_service_cannot_move_the_cursor() {
    for (name, judged) in all_recorded() {
        let judged = Judged::of(hostile(&judged.run));
        for format in ["summary", "details"] {
            let text = judged.write(format);
            assert!(
                !text.chars().any(|c| c.is_control() && c != '\n'),
                "{format} of {name}:\n{text:?}"
            );
        }
    }
}

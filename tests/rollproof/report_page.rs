//! `--format html`: what stands in the page. `make test-page` looks at the same pages in a browser.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rollproof::judge::Verdict;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::judge_story::good_verify;
use crate::records::{HOSTILE, Judged, all_recorded, hostile, recorded};
use crate::workplace::Workplace;

/// Where the pages are that `make test-page` opens.
fn pages() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

pub fn save(name: &str, page: &str) {
    std::fs::write(pages().join(format!("{name}.html")), page).unwrap();
}

/// What the page's script works with.
fn data(page: &str) -> Value {
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

fn text_of<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    page.split_once(from).unwrap().1.split_once(to).unwrap().0
}

#[test]
fn the_answer_comes_first_then_why_and_what_to_change() {
    let judged = recorded("host-port-start-first");
    let page = judged.write("html");
    let parts = [
        "<strong class=\"badge\">fail</strong>",
        "<h1>",
        "What users noticed",
        "<h2 id=\"why\">",
        "update_config.order is start-first",
        "<h2 id=\"change\">",
        "order: stop-first",
        "<h2 id=\"timeline-title\">",
        "<h2 id=\"checks\">",
        "<h2 id=\"settings\">",
        "<h2 id=\"machine\">",
    ];
    let places: Vec<usize> = parts.iter().map(|part| page.find(part).expect(part)).collect();
    assert!(places.is_sorted(), "{parts:?} are at {places:?}");
}

#[test]
fn each_page_is_one_small_file_without_network_access() {
    for (name, judged) in all_recorded() {
        let page = judged.write("html");
        save(name, &page);
        assert!(page.len() < 400_000, "{name}: {} bytes", page.len());
        for outside in ["src=", "@import", "url(", "href=\"http"] {
            assert!(!page.contains(outside), "{outside} in {name}");
        }
        let script = text_of(&page, "id=\"data\">", "</body>");
        let script = text_of(script, "<script>", "</script>");
        let hash = STANDARD.encode(Sha256::digest(script));
        assert!(page.contains(&format!("script-src 'sha256-{hash}'")), "{name}");
        let judgement = &judged.judgement;
        assert!(page.contains(&format!("<header class=\"{}\">", judgement.verdict)));
        assert!(page.matches("<h2").count() > 4, "{name}");
        for slot in 1..=judgement.stack.replicas {
            assert!(page.contains(&format!("aria-label=\"slot {slot}: ")), "slot {slot} of {name}");
        }
    }
}

#[test]
fn every_failed_request_can_be_selected_and_has_its_cause_and_task() {
    for (name, judged) in all_recorded() {
        let data = data(&judged.write("html"));
        let failed = data["failed"].as_array().unwrap();
        let judgement = &judged.judgement;
        let counted: u64 = judgement.scenarios.iter().map(|scenario| scenario.failed).sum();
        assert_eq!(failed.len() as u64, counted, "{name}");
        let mut by_cause = std::collections::BTreeMap::new();
        for one in failed {
            let place = usize::try_from(one[3].as_i64().unwrap()).unwrap();
            *by_cause.entry(data["causes"][place]["text"].as_str().unwrap()).or_insert(0) += 1;
            if let Ok(task) = usize::try_from(one[4].as_i64().unwrap()) {
                assert!(data["tasks"][task]["id"].is_string(), "{one}");
            }
        }
        let groups = judgement.scenarios.iter().flat_map(|scenario| &scenario.causes);
        for group in groups.clone() {
            let same = groups.clone().filter(|other| other.cause == group.cause);
            let all: u64 = same.clone().map(|other| other.failed).sum();
            let text = same.map(|other| other.text.as_str()).next().unwrap();
            assert_eq!(by_cause.get(text), Some(&all), "{text} in {name}");
        }
        let bins = data["bins"]["failed"].as_array().unwrap();
        let in_bins: u64 = bins.iter().map(|bin| bin.as_u64().unwrap()).sum();
        assert!(in_bins >= counted, "{name}: {in_bins} of {counted}");
    }
}

#[test]
fn the_timeline_says_what_happened_to_each_task() {
    let mut story = good_verify();
    story.shots(crate::judge_story::VERIFY_END + 0.5, |_, _| {});
    let judged = Judged::of(story.finish());
    let page = judged.write("html");
    save("good-verify", &page);
    assert_eq!(judged.judgement.verdict, Verdict::Pass, "{:?}", judged.judgement.because);
    for text in [
        "3 health checks failed, the last one with code 1: wget: can&#39;t connect",
        "stop signal",
        "healthy, at",
        "change submitted at 10.0 s",
        "rollback started from",
        "Replicas that serve: 6 wanted, at least 4 from",
    ] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn a_hostile_service_stays_text() {
    for (name, judged) in all_recorded() {
        let page = Judged::of(hostile(&judged.run)).write("html");
        save(&format!("hostile-{name}"), &page);
        assert_eq!(page.matches("<script").count(), 2, "the data and the page's own in {name}");
        assert_eq!(page.matches("</script").count(), 2, "{name}");
        assert!(page.contains("alert(") && !page.contains("<b>"), "{name}");
        assert!(!page.chars().any(|c| c.is_control() && c != '\n'), "{name}");
        assert!(!page.contains('\u{202e}') && !page.contains('\u{ffff}'), "{name}");
        let streams = data(&page)["streams"].to_string();
        assert!(streams.contains("alert") && HOSTILE.contains("alert"), "{streams}");
    }
}

#[test]
fn a_run_without_a_scenario_has_a_page_too() {
    let mut run = recorded("scaled-down").run;
    run.events.clear();
    run.shots.clear();
    run.meta.streams.clear();
    let page = Judged::of(run).write("html");
    save("nothing", &page);
    assert!(page.contains("<header class=\"inconclusive\">") && page.contains("No scenario began"));
}

#[test]
fn several_runs_have_no_page_and_are_not_begun_for_one() {
    let place = Workplace::without_engine();
    let args = ["verify", "--repeat", "2", "--format", "html=page.html", "--engine", "host"];
    let ended = place.run(&args).expect(2);
    assert!(ended.err.contains("about one run, not about several"), "{}", ended.err);
    assert!(!place.path().join("page.html").exists());
}

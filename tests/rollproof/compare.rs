//! `rollproof compare` and `--against`: what differs between runs, and what is worse.

use rollproof::Offset;
use rollproof::compare::Comparison;
use rollproof::judge::{Judgement, Verdict};
use rollproof::record::{Outcome, Purpose, Run, Shot, Tolerances};
use rollproof::report::{COMPARE_FORMATS, Style, find_compare};
use serde_json::json;

use crate::judge_story::{GOOD_END, VERIFY_END, fail, good_update, good_verify, judge, nothing};
use crate::records::{HOSTILE, Judged, all_recorded, hostile, recorded};
use crate::report_page::save;
use crate::runs::with_runs;

fn run(change: impl Fn(f64, &mut Shot)) -> Run {
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, change);
    story.finish()
}

/// Answers that take as long as this, in ms, and a few that take 5 ms more.
fn taking(millis: i64) -> impl Fn(f64, &mut Shot) {
    move |at, shot| {
        let more = if (at * 200.0).round() % 50.0 < 1.0 { 5 } else { 0 };
        shot.done = shot.sent.map(|sent| sent + Offset::from_millis(millis + more));
    }
}

fn against(mut run: Run, former: &Judgement) -> Judgement {
    run.meta.against = Some(former.as_former(Tolerances::default()));
    judge(&run)
}

#[track_caller]
fn verdict(judgement: &Judgement, name: &str) -> Verdict {
    let checks = &judgement.scenarios[0].checks;
    checks.iter().find(|check| check.name == name).unwrap().verdict
}

const CHECKS: [&str; 4] = ["against-failed", "against-gap", "against-duration", "against-p99"];

#[test]
fn the_same_again_is_no_worse_and_neither_is_noise() {
    let former = judge(&run(taking(3)));
    for millis in [1, 3, 5, 40] {
        let judged = against(run(taking(millis)), &former);
        assert_eq!(judged.verdict, Verdict::Pass, "{millis} ms: {:#?}", judged.because);
        for name in CHECKS {
            assert_eq!(verdict(&judged, name), Verdict::Pass, "{name} with {millis} ms");
        }
    }
}

#[test]
fn slower_answers_are_a_regression_unless_the_machine_is_slower_too() {
    let former = judge(&run(taking(3)));
    let judged = against(run(taking(200)), &former);
    assert_eq!(judged.verdict, Verdict::Fail);
    assert_eq!(verdict(&judged, "against-p99"), Verdict::Fail);
    assert!(judged.headline.contains("in the other run"), "{}", judged.headline);

    let with_control = |users: i64, control: i64| {
        let mut story = good_update();
        story.stream("control", Purpose::Control);
        story.shots(GOOD_END + 0.5, taking(users));
        story.shots_of(1, GOOD_END + 0.5, taking(control));
        story.finish()
    };
    let former = judge(&with_control(3, 1));
    let alone = against(with_control(90, 1), &former);
    assert_eq!(verdict(&alone, "against-p99"), Verdict::Fail);
    let both = against(with_control(90, 60), &former);
    assert_eq!(verdict(&both, "against-p99"), Verdict::Pass);
}

#[test]
fn losses_and_gaps_beyond_the_tolerance_are_worse_though_they_are_allowed() {
    let lossy = |to: f64| {
        let mut run = run(move |at, shot| {
            if (13.398..to).contains(&at) {
                fail(shot, Outcome::Proxy502, 0.003);
            }
        });
        run.meta.limits.allow_failed = Some(rollproof::record::AllowedFailed::Share(0.5));
        run
    };
    let former = judge(&lossy(13.412));
    assert_eq!(former.verdict, Verdict::Pass, "{:#?}", former.because);
    let noise = against(lossy(13.43), &former);
    assert_eq!(noise.verdict, Verdict::Pass, "{:#?}", noise.because);
    let worse = against(lossy(13.9), &former);
    assert_eq!(verdict(&worse, "against-failed"), Verdict::Fail);
    assert_eq!(verdict(&worse, "against-gap"), Verdict::Fail);
    assert_eq!(verdict(&worse, "no-failed-requests"), Verdict::Pass);
    assert_eq!(worse.verdict, Verdict::Fail);
    // Better is never worse.
    assert_eq!(against(run(nothing), &worse).verdict, Verdict::Pass);
}

#[test]
fn what_the_other_run_does_not_have_cannot_be_passed() {
    let mut former = judge(&run(nothing)).as_former(Tolerances::default());
    let mut other = run(nothing);
    former.scenarios[0].took_s = None;
    other.meta.against = Some(former.clone());
    assert_eq!(verdict(&judge(&other), "against-duration"), Verdict::Inconclusive);
    former.scenarios[0].took_s = Some(Offset::from_millis(10_000));
    other.meta.against = Some(former.clone());
    assert_eq!(verdict(&judge(&other), "against-duration"), Verdict::Fail);
    former.scenarios[0].name = "another".to_owned();
    other.meta.against = Some(former);
    let judged = judge(&other);
    assert_eq!(judged.verdict, Verdict::Inconclusive);
    assert_eq!(verdict(&judged, "against-run"), Verdict::Inconclusive);
}

#[test]
fn other_conditions_are_noted() {
    let former = judge(&run(nothing));
    let mut other = run(nothing);
    other.meta.stack.update_config.delay += 3.0;
    let judged = against(other, &former);
    assert!(
        judged.caveats.iter().any(|text| text.contains("other conditions: update_config.delay (")),
        "{:#?}",
        judged.caveats
    );
    let same = against(run(nothing), &former);
    assert!(
        same.caveats.iter().all(|text| !text.contains("other conditions")),
        "{:#?}",
        same.caveats
    );
}

fn compared(judgements: &[Judgement], format: &str) -> String {
    (find_compare(format).unwrap().write)(&Comparison::of(judgements), Style::default())
}

#[test]
fn a_comparison_has_what_differs_and_every_measure() {
    let mut story = good_verify();
    story.shots(VERIFY_END, nothing);
    let first = judge(&story.finish());
    let mut second = run(|at, shot| {
        if (13.4..13.8).contains(&at) {
            fail(shot, Outcome::Proxy502, 0.003);
        }
    });
    second.meta.stack.update_config.delay = 9.0;
    let text = compared(&[first.clone(), judge(&second)], "text");
    insta::assert_snapshot!("comparison", text);

    let comparison = Comparison::of(&[first, judge(&second)]);
    assert_eq!(comparison.differences.len(), 2, "{:#?}", comparison.differences);
    let broken = comparison.scenarios.iter().find(|one| one.name == "broken-update").unwrap();
    assert_eq!(broken.verdicts, [Some(Verdict::Pass), None]);
    for measure in comparison.scenarios.iter().flat_map(|scenario| &scenario.measures) {
        assert_eq!(measure.values.len(), 2, "{}", measure.name);
    }
}

#[test]
fn no_line_of_a_comparison_of_many_is_too_wide() {
    let judgements: Vec<Judgement> = all_recorded().map(|(_, judged)| judged.judgement).collect();
    for width in [60, 80, 120] {
        let style = Style { width, ..Style::default() };
        let text = (COMPARE_FORMATS[0].write)(&Comparison::of(&judgements), style);
        let wide = text.lines().find(|line| line.chars().count() > width);
        assert_eq!(wide, None, "{width}");
        assert!(text.contains("  H") && text.contains("took"), "{text}");
    }
}

#[test]
fn hostile_names_stay_text() {
    let judged = recorded("new-version-404");
    let hostile = Judged::of(hostile(&judged.run)).judgement;
    let judgements = [judged.judgement, hostile];
    let page = compared(&judgements, "html");
    save("hostile-compare", &page);
    let all: Vec<Judgement> = all_recorded().map(|(_, judged)| judged.judgement).collect();
    save("compare", &compared(&all, "html"));
    assert!(!page.contains("<script") && !page.contains("<b>") && !page.contains('\u{202e}'));
    assert!(page.contains("default-src 'none'"));
    let text = compared(&judgements, "text");
    let unsafe_char = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!text.contains(unsafe_char), "{text:?}");
    assert!(text.lines().all(|line| !line.starts_with("::")), "{text}");
    let json: serde_json::Value = serde_json::from_str(&compared(&judgements, "json")).unwrap();
    assert!(json.to_string().contains("alert"), "{}", &HOSTILE[..5]);
}

#[test]
fn the_command_compares_and_report_measures_against() {
    let place = with_runs(&["scaled-down", "new-version-404", "proxy-container-killed"]);
    let out = place.run(&["compare", "scaled-down", "latest"]).expect(0).out;
    assert!(
        out.contains("A  20261125-210854-9816") && out.contains("update_config.delay"),
        "{out}"
    );
    let json = place.run(&["compare", "scaled-down", "latest", "--json"]).expect(0).json();
    assert_eq!(json["runs"].as_array().unwrap().len(), 2);
    place.run(&["compare", "scaled-down", "latest", "--format", "html=c.html"]).expect(0);
    assert!(place.path().join("c.html").exists());
    place.run(&["compare", "latest"]).expect(2);
    place.run(&["compare", "latest", "nope"]).expect(2);
    place.run(&["compare", "latest", "latest", "--format", "pdf"]).expect(2);

    let lossy = ["report", "proxy-container-killed", "--allow-failed", "25%", "--against"];
    let same = place.run(&[&lossy[..], &["proxy-container-killed"]].concat()).expect(0);
    assert!(same.out.contains("no worse"), "{}", same.out);
    let other = place.run(&[&lossy[..], &["scaled-down", "--json"]].concat()).expect(3).json();
    assert_eq!(other["against"]["run_id"], json!("20261125-210854-9816"));
    place.run(&["report", "--against", "nope"]).expect(2);
    place.run(&["report", "--tolerate", "gap=1s"]).expect(2);
    place.run(&["report", "--against", "latest", "--tolerate", "speed=1s"]).expect(2);
    place.run(&["verify", "--against", "nope"]).expect(2);
    assert_eq!(place.run(&["runs", "--json"]).expect(0).json()[0]["verdict"], json!(null));
}

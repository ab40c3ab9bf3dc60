//! Runs that something ended early.

use rollproof::judge::Verdict;
use rollproof::record::{EndReason, EventKind, Expects, NegativeControl, SpecMatch};

use crate::judge_story::{GOOD_END, SUBMIT, Story, good_update, judge, nothing};

#[test]
fn what_ended_the_run_early_is_the_reason_and_says_what_to_do() {
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, nothing);
    story.event(
        GOOD_END + 0.4,
        EventKind::RunFailed {
            text: "no good response from http://x/ within 75 s: status 404".to_owned(),
            hints: vec!["name another address with --url".to_owned()],
        },
    );
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert!(!judgement.whole);
    assert!(judgement.because[0].ends_with("status 404"), "{:?}", judgement.because);
    assert!(judgement.headline.contains("no good response"), "{}", judgement.headline);
    assert_eq!(judgement.what_to_do, ["name another address with --url"]);
}

#[test]
fn a_self_test_that_an_early_end_cut_off_is_no_second_reason() {
    let early = |ended: bool| {
        let mut story = good_update();
        story.run.meta.negative_control = NegativeControl::Planned;
        story.shots(GOOD_END + 0.5, nothing);
        if ended {
            let service = "demo_rollproof-negative".to_owned();
            story.event(1.0, EventKind::NegativeControlStarted { service });
            story.event(2.0, EventKind::NegativeControlEnded { gave_up: Some("x".to_owned()) });
        }
        let text = "the proxy does not answer".to_owned();
        story.event(GOOD_END + 0.4, EventKind::RunFailed { text, hints: vec![] });
        judge(&story.finish()).because
    };
    assert_eq!(early(false), ["the proxy does not answer"]);
    assert_eq!(early(true).len(), 2, "one that came to its end says what it came to");
}

#[test]
fn what_ended_a_scenario_is_not_taken_for_a_lost_engine() {
    let mut story = Story::new(2);
    story.scenario("update", Expects::Update);
    let text = "the engine refused the change: invalid mount".to_owned();
    story.end(SUBMIT + 1.0, SpecMatch::Previous, EndReason::Failed { text });
    story.shots(SUBMIT + 1.5, nothing);
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    let end = &judgement.scenarios[0].end;
    assert_eq!(end, "the run ended early: the engine refused the change: invalid mount");
    let said = serde_json::to_string(&judgement).unwrap();
    assert!(!said.contains("engine was lost") && !said.contains("engine stays up"), "{said}");
}

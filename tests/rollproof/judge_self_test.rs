//! The self-test: an update built to lose requests.

use rollproof::Offset;
use rollproof::judge::{Judgement, Verdict};
use rollproof::record::{
    ContainerAction, Event, EventKind, NegativeControl, Outcome, Purpose, Shot,
};

use crate::judge_story::{GOOD_END, Story, assert_near, broken, fail, good_update, judge, nothing};
use crate::report::details;

const LOSSY: &str = "demo_negative";

fn container(story: &mut Story, at: f64, name: &str, action: ContainerAction) {
    let kind = EventKind::Container {
        container: name.repeat(64),
        task: format!("task-of-{name}"),
        service: LOSSY.to_owned(),
        action,
        exit_code: None,
        signal: None,
    };
    story.event(at, kind);
}

/// A good update after a self-test from 1.0 to 3.0 s, whose container is away from 1.3 to
/// 1.9 s; it does not answer from 1.25 to 2.0 s.
fn with_self_test(change: impl Fn(f64, &mut Shot), keep: impl Fn(&Event) -> bool) -> Judgement {
    let mut story = good_update();
    story.run.meta.negative_control = NegativeControl::Planned;
    story.stream("negative", Purpose::NegativeControl);
    story.event(1.0, EventKind::NegativeControlStarted { service: LOSSY.to_owned() });
    container(&mut story, 1.3, "a", ContainerAction::Die);
    container(&mut story, 1.9, "b", ContainerAction::Start);
    story.event(3.0, EventKind::NegativeControlEnded { gave_up: None });
    story.shots(GOOD_END + 0.5, nothing);
    story.shots_of(1, 3.5, |at, shot| {
        if (1.25..2.0).contains(&at) {
            fail(shot, Outcome::Refused, 0.001);
        }
        change(at, shot);
    });
    let mut run = story.finish();
    run.events.retain(keep);
    judge(&run)
}

#[test]
fn a_self_test_that_was_noticed_is_reported_with_the_truth() {
    let judgement = with_self_test(nothing, |_| true);
    assert_eq!(judgement.verdict, Verdict::Pass, "{:?}", judgement.because);
    assert_eq!(broken(&judgement), [""; 0], "it does not make the baseline dirty");
    assert_eq!(judgement.scenarios[0].failed, 0);
    let story = judgement.self_test.as_ref().unwrap();
    assert_eq!(
        (story.service.as_deref(), story.stream.as_deref()),
        (Some(LOSSY), Some("negative"))
    );
    assert_eq!((story.answered_before, story.sent, story.failed), (200, 400, 150));
    assert_near(Some(story.longest_gap_s), 0.75);
    assert_near(story.old_ended_at, 1.3);
    assert_near(story.new_started_at, 1.9);
    assert_near(story.without_container_s, 0.6);
    let check = &judgement.checks[0];
    assert_eq!((check.name, check.verdict), ("negative-control", Verdict::Pass));
    assert_eq!(check.measured, "150 of 400 failed, longest gap 750 ms; 600 ms without a container");
    let text = details(&judgement);
    let story = "self-test 150 of 400 requests lost, longest gap 750 ms; there was no container \
                 for 600 ms";
    assert!(text.contains(story), "{text}");
}

/// What is told to be missing; the verdict has to be inconclusive.
fn missing(judgement: &Judgement) -> &str {
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert_eq!(broken(judgement), [""; 0], "no scenario is to blame");
    let [because] = judgement.because.as_slice() else { panic!("{:?}", judgement.because) };
    let (check, missing) = because.split_once(" lost request: ").unwrap();
    assert!(check.starts_with("negative-control: "), "{check}");
    missing
}

#[test]
fn a_failure_has_to_be_the_updates_doing() {
    let uncaught = with_self_test(|_, shot| shot.outcome = Outcome::Ok, |_| true);
    assert_eq!(missing(&uncaught), "none of 400 requests during the self-test failed");

    let too_late = with_self_test(
        |at, shot| shot.outcome = if at < 3.1 { Outcome::Ok } else { Outcome::Refused },
        |_| true,
    );
    assert_eq!(missing(&too_late), "none of 400 requests during the self-test failed");

    let dead = with_self_test(|_, shot| fail(shot, Outcome::Refused, 0.001), |_| true);
    assert_eq!(missing(&dead), "its service answered no request before the update");

    let flapping = with_self_test(
        |at, shot| {
            if (0.99..1.0).contains(&at) {
                fail(shot, Outcome::Refused, 0.001);
            }
        },
        |_| true,
    );
    assert_eq!(missing(&flapping), "its service failed already just before the update");

    // Only this program's own lateness.
    let own_lag = with_self_test(
        |_, shot| {
            if shot.outcome == Outcome::Refused {
                shot.sent = Some(shot.intended + Offset::from_millis(1_500));
                shot.done = shot.sent;
                shot.outcome = Outcome::Late;
            }
        },
        |_| true,
    );
    assert_eq!(missing(&own_lag), "none of 400 requests during the self-test failed");
}

#[test]
fn it_has_to_be_in_the_record_from_start_to_end() {
    let no_end = with_self_test(nothing, |event| {
        !matches!(event.kind, EventKind::NegativeControlEnded { .. })
    });
    assert_eq!(missing(&no_end), "the self-test did not end");

    let no_start = with_self_test(nothing, |event| {
        !matches!(event.kind, EventKind::NegativeControlStarted { .. })
    });
    assert_eq!(missing(&no_start), "the self-test did not start");

    let mut story = good_update();
    story.run.meta.negative_control = NegativeControl::Planned;
    story.shots(GOOD_END + 0.5, nothing);
    let judgement = judge(&story.finish());
    assert_eq!(
        missing(&judgement),
        "no stream asked the self-test's service; the self-test did not start"
    );
}

#[test]
fn one_that_was_given_up_proves_nothing() {
    let mut story = good_update();
    story.run.meta.negative_control = NegativeControl::Planned;
    story.stream("negative", Purpose::NegativeControl);
    story.event(1.0, EventKind::NegativeControlStarted { service: LOSSY.to_owned() });
    let gave_up = Some("its new task to answer".to_owned());
    story.event(3.0, EventKind::NegativeControlEnded { gave_up });
    story.shots(GOOD_END + 0.5, nothing);
    story.shots_of(1, 3.5, |at, shot| {
        if at >= 1.5 {
            fail(shot, Outcome::Refused, 0.001);
        }
    });
    let judgement = judge(&story.finish());
    assert_eq!(missing(&judgement), "the self-test timed out: its new task to answer");
    let story = judgement.self_test.unwrap();
    assert_eq!((story.without_container_s, story.failed), (None, 300));
    assert_near(Some(story.longest_gap_s), 1.995);
}

#[test]
fn without_one_nothing_is_said_and_one_turned_off_is_a_note() {
    for (setting, notes) in [(NegativeControl::None, 0), (NegativeControl::Off, 1)] {
        let mut story = good_update();
        story.run.meta.negative_control = setting;
        story.shots(GOOD_END + 0.5, nothing);
        let judgement = judge(&story.finish());
        assert_eq!(judgement.verdict, Verdict::Pass);
        assert!(judgement.checks.is_empty() && judgement.self_test.is_none());
        let caveats = judgement.caveats.iter();
        assert_eq!(caveats.filter(|text| text.contains("self-test was skipped")).count(), notes);
    }
}

#[test]
fn a_proven_failure_outweighs_a_self_test_that_was_not_noticed() {
    let mut story = good_update();
    story.run.meta.negative_control = NegativeControl::Planned;
    story.shots(GOOD_END + 0.5, |at, shot| {
        if (13.4..13.8).contains(&at) {
            fail(shot, Outcome::Proxy502, 0.003);
        }
    });
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert_eq!(judgement.because.len(), 2, "{:?}", judgement.because);
}

//! What each stream's requests count for.

use rollproof::Offset;
use rollproof::judge::{Judgement, Verdict};
use rollproof::record::{Outcome, Purpose};

use crate::judge_story::{GOOD_END, broken, check, fail, good_update, judge, nothing};

/// A good update with a second stream of this purpose whose requests all fail for a while,
/// before the update, in it and after it.
fn second_stream_fails(purpose: Purpose) -> Judgement {
    let mut story = good_update();
    story.stream("second", purpose);
    story.shots(GOOD_END + 0.5, nothing);
    story.shots_of(1, GOOD_END + 0.5, |at, shot| {
        if [3.0, 13.4].iter().any(|from| (*from..from + 0.4).contains(&at)) {
            fail(shot, Outcome::Refused, 0.001);
        }
    });
    judge(&story.finish())
}

#[test]
fn only_what_users_get_counts_against_the_service() {
    let users = second_stream_fails(Purpose::Users);
    assert_eq!(broken(&users), ["no-failed-requests", "baseline-clean"]);
    assert_eq!((users.scenarios[0].failed, users.scenarios[0].failures.len()), (80, 80));
    assert_eq!(users.scenarios[0].outage.partial_s, Offset::from_millis(400));

    for purpose in [Purpose::EachReplica, Purpose::NegativeControl] {
        let other = second_stream_fails(purpose);
        assert_eq!(other.verdict, Verdict::Pass, "{:?}", other.because);
        let scenario = &other.scenarios[0];
        assert_eq!((scenario.failed, scenario.streams[1].failed), (0, 80));
        assert_eq!(scenario.streams[1].purpose, purpose);
        assert_eq!(scenario.transition_windows.len(), 1);
        assert!(scenario.failures.is_empty() && scenario.causes.is_empty());
        assert_eq!(scenario.outage.partial_s, Offset::ZERO);
    }

    let control = second_stream_fails(Purpose::Control);
    assert_eq!(broken(&control), ["control-clean"]);
    assert_eq!(check(&control.scenarios[0], "control-clean").measured, "80 of 6,320 failed");
    assert_eq!(control.scenarios[0].failed, 0);
}

#[test]
fn streams_past_the_users_support_no_claim_about_them() {
    let mut story = good_update();
    for stream in [&mut story.run.meta.streams[0], &mut story.run.shots[0].0] {
        stream.purpose = Purpose::EachReplica;
    }
    story.shots(GOOD_END + 0.5, nothing);
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert!(check(&judgement.scenarios[0], "enough-probes").because.contains("not measured"));
    assert!(broken(&judgement).contains(&"baseline-clean"));
}

#[test]
fn every_stream_has_to_be_sent_in_time_and_whole() {
    for purpose in [Purpose::Control, Purpose::EachReplica, Purpose::NegativeControl] {
        let second = |late: bool, unsent: bool| {
            let mut story = good_update();
            story.stream("second", purpose);
            story.shots(GOOD_END + 0.5, nothing);
            story.shots_of(1, GOOD_END + 0.5, |at, shot| {
                if late && (20.0..21.0).contains(&at) {
                    shot.sent = Some(shot.intended + Offset::from_millis(200));
                    shot.done = shot.sent;
                }
                if unsent && (20.0..20.02).contains(&at) {
                    (shot.outcome, shot.sent, shot.done) = (Outcome::Unsent, None, None);
                }
            });
            judge(&story.finish())
        };
        assert_eq!(broken(&second(true, false)), ["probe-lag"], "{purpose:?}");
        assert_eq!(broken(&second(false, true)), ["probes-unsent"], "{purpose:?}");
    }
}

#[test]
fn a_schedule_without_fixed_targets_has_no_holes() {
    let missing = |purpose: Purpose| {
        let mut story = good_update();
        story.stream("second", purpose);
        story.shots(GOOD_END + 0.5, nothing);
        story.shots_of(1, GOOD_END + 0.5, nothing);
        // Nothing was sent for two seconds, then ends early.
        story.run.shots[1].1.retain(|shot| {
            let at = shot.intended.as_secs_f64();
            at < 20.0 || (22.0..25.0).contains(&at)
        });
        let judgement = judge(&story.finish());
        judgement.scenarios[0].streams[1].missing
    };
    assert_eq!(missing(Purpose::EachReplica), 0, "no address was known");
    assert_eq!(missing(Purpose::NegativeControl), 400, "it may end before the window does");
    assert!(missing(Purpose::Control) > 2_000);
}

#[test]
fn a_self_test_that_is_over_is_no_stream_of_the_scenario() {
    let mut story = good_update();
    story.stream("negative", Purpose::NegativeControl);
    story.shots(GOOD_END + 0.5, nothing);
    story.shots_of(1, 4.0, nothing);
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Pass, "{:?}", judgement.because);
    let streams: Vec<_> = judgement.scenarios[0].streams.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(streams, ["fresh"]);
}

#[test]
fn host_names_of_the_users_own_are_no_evidence_against_a_replica() {
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, |_, shot| shot.replica = Some("web-1".into()));
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Pass);
    assert!(judgement.caveats[0].contains("do not say which replica"));
}

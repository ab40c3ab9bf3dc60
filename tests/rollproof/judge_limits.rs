//! What users allow and require, and what no limit makes good.

use rollproof::Offset;
use rollproof::judge::{Judgement, Verdict};
use rollproof::record::{
    AllowedFailed, EndReason, EventKind, Outcome, Run, Shot, SpecMatch, UserLimits,
};
use rollproof::swarm::UpdateState;

use crate::judge_story::{
    GOOD_END, ROLLBACK_END, Story, fail, good_rollback, good_update, judge, nothing,
};

const END: f64 = GOOD_END + 0.5;

fn ms(millis: i64) -> Offset {
    Offset::from_millis(millis)
}

fn failed(allowed: AllowedFailed) -> UserLimits {
    UserLimits { allow_failed: Some(allowed), ..UserLimits::default() }
}

fn share(percent: f64) -> UserLimits {
    failed(AllowedFailed::Share(percent / 100.0))
}

fn with(mut run: Run, limits: UserLimits) -> Judgement {
    run.meta.limits = limits;
    judge(&run)
}

/// A good update in which the requests of this time fail.
fn lossy(from: f64, to: f64) -> Run {
    run(|at, shot| {
        if (from..to).contains(&at) {
            fail(shot, Outcome::Proxy502, 0.003);
        }
    })
}

fn run(change: impl Fn(f64, &mut Shot)) -> Run {
    let mut story = good_update();
    story.shots(END, change);
    story.finish()
}

#[track_caller]
fn check(judgement: &Judgement, name: &str, verdict: Verdict) -> String {
    let check = judgement.scenarios[0].checks.iter().find(|check| check.name == name).unwrap();
    assert_eq!(check.verdict, verdict, "{check:#?}");
    format!("{}|{}|{}", check.measured, check.limit, check.because)
}

#[test]
fn an_allowance_makes_proven_losses_good_and_says_so() {
    let lossy = || lossy(13.398, 13.412);
    assert_eq!(judge(&lossy()).verdict, Verdict::Fail);
    let judged = with(lossy(), share(0.1));
    assert_eq!(judged.verdict, Verdict::Pass, "{:#?}", judged.because);
    assert!(
        judged
            .headline
            .starts_with("3 of 6,320 requests lost (0.047 %), 0.1 % allowed, longest outage"),
        "{}",
        judged.headline
    );
    let text = check(&judged, "no-failed-requests", Verdict::Pass);
    assert!(text.starts_with("3 of 6,320 failed, longest gap"), "{text}");
    assert!(
        text.ends_with(
            "|at most 0.1 % of them failed|3 of 6,320 requests lost (0.047 %), 0.1 % allowed"
        ),
        "{text}"
    );
    assert!(judged.scenarios[0].advice.is_none());
    for (limits, verdict) in [
        (failed(AllowedFailed::Requests(3)), Verdict::Pass),
        (failed(AllowedFailed::Requests(2)), Verdict::Fail),
        (failed(AllowedFailed::Requests(0)), Verdict::Fail),
        (share(0.04), Verdict::Fail),
    ] {
        assert_eq!(with(lossy(), limits).verdict, verdict, "{limits:?}");
    }
}

#[test]
fn more_than_is_allowed_fails_with_both_figures() {
    let judged = with(lossy(13.4, 13.8), share(0.1));
    assert_eq!(judged.verdict, Verdict::Fail);
    assert!(
        judged.headline.contains("requests lost (1.27 %), 0.1 % allowed, longest outage"),
        "{}",
        judged.headline
    );
    let text = check(&judged, "no-failed-requests", Verdict::Fail);
    assert!(text.ends_with("(1.27 %; 0.1 % allowed)"), "{text}");
    assert!(judged.scenarios[0].advice.is_some());
}

#[test]
fn a_gap_is_judged_beside_the_number() {
    let limits = |gap| UserLimits { allow_gap_s: Some(ms(gap)), ..share(5.0) };
    let judged = with(lossy(13.4, 13.8), limits(500));
    assert_eq!(judged.verdict, Verdict::Pass, "{:#?}", judged.because);
    check(&judged, "longest-gap", Verdict::Pass);
    assert!(judged.headline.contains("5 % and gaps of 500 ms allowed"), "{}", judged.headline);
    let judged = with(lossy(13.4, 13.8), limits(200));
    assert_eq!(judged.verdict, Verdict::Fail);
    check(&judged, "no-failed-requests", Verdict::Pass);
    let text = check(&judged, "longest-gap", Verdict::Fail);
    assert!(text.ends_with("got no good response for 400 ms; 200 ms allowed"), "{text}");
    assert!(judged.scenarios[0].advice.is_some());
    let alone = UserLimits { allow_gap_s: Some(ms(200)), ..UserLimits::default() };
    assert!(alone.check().is_err(), "a gap without a lost request allows nothing");
}

/// Whatever is allowed, a service that does not come back is down.
#[test]
fn no_allowance_covers_a_service_that_stays_down() {
    let all = share(99.0);
    let judged = with(lossy(20.0, 99.0), all);
    assert_eq!(judged.verdict, Verdict::Fail);
    let text = check(&judged, "no-failed-requests", Verdict::Fail);
    assert!(text.contains("which no allowance covers"), "{text}");

    let mut story = good_update();
    story.stream("proxy-post", rollproof::record::Purpose::Users);
    story.shots(END, nothing);
    story.shots_of(1, END, |at, shot| {
        if at > 10.5 {
            fail(shot, Outcome::Refused, 0.001);
        }
    });
    assert_eq!(with(story.finish(), all).verdict, Verdict::Fail);
}

/// Every run of this list is inconclusive without limits.
#[test]
fn no_limit_makes_an_inconclusive_run_pass() {
    let everything = UserLimits {
        allow_failed: Some(AllowedFailed::Share(0.99)),
        allow_gap_s: Some(ms(3_600_000)),
        max_p99_s: Some(ms(3_600_000)),
        max_duration_s: Some(ms(3_600_000)),
        min_serving: Some(1),
    };
    let failing_before = run(|at, shot| {
        if (3.0..3.02).contains(&at) || (13.4..13.42).contains(&at) {
            fail(shot, Outcome::Proxy502, 0.003);
        }
    });
    let unsent = run(|at, shot| {
        if (20.0..20.02).contains(&at) {
            (shot.outcome, shot.sent, shot.done) = (Outcome::Unsent, None, None);
        }
    });
    let mut interrupted = run(nothing);
    interrupted.events.retain(|event| !matches!(event.kind, EventKind::ScenarioEnded { .. }));
    interrupted.incomplete = Some("the record was not closed".to_owned());
    let mut control = good_update();
    control.stream("control", rollproof::record::Purpose::Control);
    let lost = |at: f64, shot: &mut Shot| {
        if (13.4..13.42).contains(&at) {
            fail(shot, Outcome::Refused, 0.001);
        }
    };
    control.shots(END, lost);
    control.shots_of(1, END, lost);
    let nothing_began = Story::new(2).finish();
    for (name, run) in [
        ("failing before the update", failing_before),
        ("unsent", unsent),
        ("interrupted", interrupted),
        ("the control target failed too", control.finish()),
        ("nothing began", nothing_began),
    ] {
        assert_eq!(judge(&run).verdict, Verdict::Inconclusive, "{name}");
        let judged = with(run, everything);
        assert_eq!(judged.verdict, Verdict::Inconclusive, "{name}: {:#?}", judged.because);
    }
}

/// Where part of the losses may be the machine's, and only all of them are too many.
#[test]
fn what_is_not_the_updates_for_sure_makes_it_open() {
    let slow_probe = || {
        run(|at, shot| {
            if (13.4..13.41).contains(&at) {
                fail(shot, Outcome::Proxy502, 0.003);
            } else if (20.0..20.1).contains(&at) {
                let sent = shot.intended + Offset::from_millis(900);
                (shot.sent, shot.done) = (Some(sent), Some(sent + Offset::from_millis(3)));
                shot.outcome = Outcome::Late;
            }
        })
    };
    for (allowed, verdict) in [(1, Verdict::Fail), (5, Verdict::Inconclusive), (50, Verdict::Pass)]
    {
        let judged = with(slow_probe(), failed(AllowedFailed::Requests(allowed)));
        check(&judged, "no-failed-requests", verdict);
    }
}

#[test]
fn the_slowest_of_a_hundred_answers() {
    let slow = |of_thousand: u32| {
        run(move |at, shot| {
            let number = (at * 200.0).round();
            let slow = number % 1_000.0 < f64::from(of_thousand);
            let took = Offset::from_millis(if slow { 400 } else { 3 });
            shot.done = shot.sent.map(|sent| sent + took);
        })
    };
    let limits = UserLimits { max_p99_s: Some(ms(300)), ..UserLimits::default() };
    let judged = with(slow(8), limits);
    check(&judged, "latency-p99", Verdict::Pass);
    assert_eq!(judged.verdict, Verdict::Pass, "{:#?}", judged.because);
    let judged = with(slow(50), limits);
    let text = check(&judged, "latency-p99", Verdict::Fail);
    assert!(text.starts_with("400 ms|at most 300 ms|99 % of the answers came within"), "{text}");
    assert_eq!(judged.verdict, Verdict::Fail);
    assert!(judged.headline.contains("300 ms wanted"), "{}", judged.headline);
}

#[test]
fn a_percentile_needs_a_hundred_answers_and_slow_requests_are_left_out() {
    let limits = UserLimits { max_p99_s: Some(ms(300)), ..UserLimits::default() };
    let mut few = run(nothing);
    few.shots[0].1.retain(|shot| shot.intended.as_nanos() % 500_000_000 == 0);
    check(&with(few, limits), "latency-p99", Verdict::Inconclusive);

    let mut run = run(nothing);
    let mut slow = run.shots[0].clone();
    slow.0.name = "proxy-slow".to_owned();
    slow.0.takes = Some(4.0);
    for shot in &mut slow.1 {
        shot.done = shot.sent.map(|sent| sent + Offset::from_millis(4_003));
    }
    run.meta.streams.push(slow.0.clone());
    run.shots.push(slow);
    check(&with(run.clone(), limits), "latency-p99", Verdict::Pass);
    run.shots[1].0.takes = None;
    check(&with(run, limits), "latency-p99", Verdict::Fail);
}

#[test]
fn an_update_can_take_too_long_and_one_that_never_ends_is_not_in_time() {
    let limits =
        |secs: i64| UserLimits { max_duration_s: Some(ms(secs * 1_000)), ..UserLimits::default() };
    let judged = with(run(nothing), limits(60));
    let text = check(&judged, "duration", Verdict::Pass);
    assert!(text.ends_with("|the update took 24.6 s"), "{text}");
    check(&with(run(nothing), limits(20)), "duration", Verdict::Fail);

    let mut rolled_back = good_rollback();
    rolled_back.shots(ROLLBACK_END + 0.5, nothing);
    let judged = with(rolled_back.finish(), limits(60));
    let text = check(&judged, "duration", Verdict::Pass);
    assert!(text.contains("the update and its rollback took"), "{text}");

    let mut paused = good_update();
    paused.run.events.retain(|event| {
        !matches!(
            event.kind,
            EventKind::Service { state: UpdateState::Completed, .. }
                | EventKind::ScenarioEnded { .. }
        )
    });
    paused.end(GOOD_END, SpecMatch::Submitted, EndReason::Deadline { text: "it waits".to_owned() });
    paused.shots(END, nothing);
    let paused = paused.finish();
    check(&with(paused.clone(), limits(20)), "duration", Verdict::Fail);
    check(&with(paused, limits(3_600)), "duration", Verdict::Inconclusive);
}

#[test]
fn the_replicas_that_are_enough_replace_the_rule() {
    let limits = |least| UserLimits { min_serving: Some(least), ..UserLimits::default() };
    let judged = with(run(nothing), limits(4));
    assert_eq!(
        check(&judged, "capacity", Verdict::Pass).split('|').nth(1),
        Some("at least 4 serving")
    );
    let judged = with(run(nothing), limits(5));
    let text = check(&judged, "capacity", Verdict::Fail);
    assert!(text.ends_with("only 4 of 6 replicas served at the lowest point; 5 wanted"), "{text}");
    assert!(limits(7).check_replicas(6).is_err());
    assert!(limits(6).check_replicas(6).is_ok());
}

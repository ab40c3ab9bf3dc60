//! Measurements that prove nothing, however the update went.

use rollproof::Offset;
use rollproof::judge::{Cause, Verdict};
use rollproof::record::{EndReason, EventKind, Expects, Outcome, Purpose, SpecMatch, Unsent};

use crate::judge_story::{
    GOOD_END, ROLLBACK_END, SERVICE, SUBMIT, Story, broken, check, fail, good_rollback,
    good_update, judge, nothing,
};

#[test]
fn failures_after_a_dirty_baseline_prove_nothing() {
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, |at, shot| {
        if (2.0..2.01).contains(&at) || (13.4..13.8).contains(&at) {
            fail(shot, Outcome::Proxy502, 0.003);
        }
    });
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert_eq!(broken(&judgement), ["no-failed-requests", "baseline-clean"]);
}

#[test]
fn a_broken_expectation_is_proven_whatever_the_baseline_was() {
    let mut story = good_rollback();
    for event in &mut story.run.events {
        if let EventKind::ScenarioEnded { spec, .. } = &mut event.kind {
            *spec = SpecMatch::Submitted;
        }
    }
    story.shots(ROLLBACK_END + 0.5, |at, shot| {
        if at < 1.0 {
            fail(shot, Outcome::Refused, 0.001);
        }
    });
    assert_eq!(judge(&story.finish()).verdict, Verdict::Fail);
}

#[test]
fn failures_before_the_change_are_no_failures_of_the_change() {
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, |at, shot| {
        if (7.0..7.1).contains(&at) {
            fail(shot, Outcome::Refused, 0.001);
        }
    });
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert_eq!(judgement.scenarios[0].causes[0].cause, Cause::BeforeUpdate);
}

#[test]
fn failures_after_the_end_prove_nothing() {
    let judged = |until: f64, fails: bool| {
        let mut story = good_update();
        story.shots(until, |at, shot| {
            if fails && (GOOD_END + 0.2..GOOD_END + 0.25).contains(&at) {
                fail(shot, Outcome::Refused, 0.001);
            }
        });
        judge(&story.finish())
    };
    let dirty = judged(GOOD_END + 0.5, true);
    assert_eq!(broken(&dirty), ["baseline-after"]);
    assert_eq!(dirty.verdict, Verdict::Inconclusive);
    let after = check(&dirty.scenarios[0], "baseline-after");
    assert_eq!(after.measured, "10 of 100 failed");
    assert!(after.because.contains("the first one 36.8 s into the run"), "{}", after.because);
    assert_eq!(dirty.scenarios[0].failed, 0, "they are none of the scenario's");

    let clean = judged(GOOD_END + 0.5, false);
    assert_eq!(check(&clean.scenarios[0], "baseline-after").verdict, Verdict::Pass);
    let unknown = judged(GOOD_END, false);
    assert_eq!(unknown.verdict, Verdict::Pass, "{:?}", unknown.because);
    assert!(!unknown.scenarios[0].checks.iter().any(|check| check.name == "baseline-after"));
}

#[test]
fn what_was_asked_late_after_the_end_is_no_failure() {
    let mut story = good_update();
    story.shots(GOOD_END + 2.0, |at, shot| {
        if at > GOOD_END + 1.0 {
            shot.sent = Some(shot.intended + Offset::from_millis(1_200));
            shot.done = shot.sent.map(|sent| sent + Offset::from_millis(3));
            shot.outcome = Outcome::Late;
        }
    });
    assert_eq!(judge(&story.finish()).verdict, Verdict::Pass);
}

#[test]
fn the_time_after_a_scenario_ends_where_the_next_one_begins() {
    let mut story = good_update();
    let started = EventKind::ScenarioStarted {
        name: "next".to_owned(),
        expects: Expects::NoChange,
        service: SERVICE.to_owned(),
        replicas: 6,
        generation: 2,
        change: "nothing".to_owned(),
    };
    story.event(GOOD_END + 1.0, started);
    story.event(
        GOOD_END + 3.0,
        EventKind::Submitted {
            service: SERVICE.to_owned(),
            generation: 2,
            replicas: None,
            specs: None,
        },
    );
    story.end(GOOD_END + 5.0, SpecMatch::Submitted, EndReason::Settled);
    story.shots(GOOD_END + 6.0, |at, shot| {
        if (GOOD_END + 2.0..GOOD_END + 2.1).contains(&at) {
            fail(shot, Outcome::Refused, 0.001);
        }
    });
    let judgement = judge(&story.finish());
    let [update, next] = judgement.scenarios.as_slice() else { panic!("two scenarios") };
    assert_eq!(check(update, "baseline-after").verdict, Verdict::Pass);
    assert_eq!(check(next, "baseline-clean").verdict, Verdict::Inconclusive);
    assert_eq!(check(next, "baseline-after").measured, "0 of 200 failed");
}

#[test]
fn a_record_that_is_not_whole_proves_nothing() {
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, nothing);
    let mut run = story.finish();
    run.incomplete = Some("events.jsonl breaks off in line 7".to_owned());
    let judgement = judge(&run);
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert!(judgement.because[0].contains("breaks off in line 7"));
}

#[test]
fn a_run_that_was_killed_in_the_middle_proves_nothing() {
    let mut story = good_update();
    story.shots(20.0, nothing);
    let mut run = story.finish();
    run.events.retain(|event| event.seen < Offset::from_millis(20_000));
    let judgement = judge(&run);
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    let completed = check(&judgement.scenarios[0], "update-completed");
    assert_eq!(completed.verdict, Verdict::Inconclusive);
    assert!(completed.because.contains("stops before the scenario's end"));

    run.events.clear();
    let judgement = judge(&run);
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert_eq!(judgement.because, ["no scenario began"]);
}

#[test]
fn what_was_proven_before_an_interruption_stays_proven() {
    let interrupted = |broken: bool| {
        let mut story = good_update();
        story.run.events.retain(|event| event.at < Offset::from_millis(20_000));
        story.event(20.0, EventKind::Interrupted);
        story.end(20.0, SpecMatch::Unknown, EndReason::Interrupted);
        story.shots(20.0, |at, shot| {
            if broken && (13.4..13.8).contains(&at) {
                fail(shot, Outcome::Refused, 0.001);
            }
        });
        judge(&story.finish())
    };
    let clean = interrupted(false);
    assert_eq!(clean.verdict, Verdict::Inconclusive);
    assert!(clean.because[0].contains("interrupted"));
    assert_eq!(interrupted(true).verdict, Verdict::Fail);
}

#[test]
fn a_lost_engine_proves_nothing() {
    let mut story = good_update();
    story.run.events.retain(|event| event.at < Offset::from_millis(14_000));
    story.event(14.0, EventKind::ObserverLost { text: "connection refused".to_owned() });
    let text = "connection refused".to_owned();
    story.end(30.0, SpecMatch::Unknown, EndReason::EngineLost { text });
    story.shots(30.5, nothing);
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert!(check(&judgement.scenarios[0], "observed").because.contains("engine was lost"));
}

#[test]
fn an_engine_out_of_sight_for_seconds_proves_nothing() {
    for (until, verdict) in [(14.5, Verdict::Pass), (17.0, Verdict::Inconclusive)] {
        let mut story = good_update();
        story.event(14.0, EventKind::ObserverLost { text: "timeout".to_owned() });
        story.event(until, EventKind::ObserverResumed);
        story.shots(GOOD_END + 0.5, nothing);
        assert_eq!(judge(&story.finish()).verdict, verdict, "until {until}");
    }
}

#[test]
fn probes_that_lag_prove_nothing() {
    let lagging = |lag: i64, every: i64| {
        let mut story = good_update();
        story.shots(GOOD_END + 0.5, |at, shot| {
            if shot.intended.as_nanos() / 5_000_000 % every == 0 && at > 10.0 {
                let lag = Offset::from_millis(lag);
                shot.sent = shot.sent.map(|sent| sent + lag);
                shot.done = shot.done.map(|done| done + lag);
                if lag > Offset::from_millis(1_000) {
                    shot.outcome = Outcome::Late;
                }
            }
        });
        judge(&story.finish())
    };
    assert_eq!(lagging(30, 2).verdict, Verdict::Pass);
    assert_eq!(broken(&lagging(80, 20)), ["probe-lag"], "p99 above the limit");
    assert_eq!(broken(&lagging(600, 1_000)), ["probe-lag"], "one hole is enough");
    // Its own lateness is nothing the service can be blamed for.
    let late = lagging(1_500, 300);
    assert_eq!(late.verdict, Verdict::Inconclusive);
    assert_eq!(late.scenarios[0].causes[0].cause, Cause::OwnLag);
}

#[test]
fn requests_that_were_not_sent_or_not_recorded_prove_nothing() {
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, |at, shot| {
        if (20.0..20.02).contains(&at) {
            (shot.outcome, shot.sent, shot.done) = (Outcome::Unsent, None, None);
            shot.unsent = Some(if at < 20.005 { Unsent::NoSlot } else { Unsent::Stalled });
        }
    });
    let judgement = judge(&story.finish());
    assert_eq!(broken(&judgement), ["probes-unsent"]);
    let reasons = &judgement.scenarios[0].streams[0].unsent_by_reason;
    assert!(reasons.of(Unsent::Stalled) > reasons.of(Unsent::NoSlot), "{reasons}");
    assert!(reasons.of(Unsent::NoSlot) > 0, "{reasons}");
    let because = &judgement.because[0];
    assert!(because.contains(&reasons.to_string()), "{because}");

    let mut story = good_update();
    story.shots(GOOD_END + 0.5, nothing);
    story.run.shots[0].1.drain(3_000..3_010);
    let judgement = judge(&story.finish());
    assert_eq!(broken(&judgement), ["probes-unsent"]);
    assert_eq!(judgement.scenarios[0].streams[0].missing, 10);

    // The probes stopped before the scenario did.
    let mut story = good_update();
    story.shots(GOOD_END - 3.0, nothing);
    assert!(broken(&judge(&story.finish())).contains(&"probes-unsent"));
}

#[test]
fn too_few_requests_prove_nothing() {
    let mut story = good_update();
    story.run.meta.streams[0].rate_hz = 2.0;
    story.run.shots[0].0.rate_hz = 2.0;
    story.shots(GOOD_END + 0.5, nothing);
    story.run.shots[0].1.retain(|shot| shot.intended.as_nanos() % 500_000_000 == 0);
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert!(broken(&judgement).contains(&"enough-probes"));

    let mut story = good_update();
    story.run.shots.clear();
    let judgement = judge(&story.finish());
    assert!(check(&judgement.scenarios[0], "enough-probes").because.contains("not measured"));
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
}

#[test]
fn a_replica_that_never_answers_is_noticed_if_answers_tell_who_gave_them() {
    let silent = |named: bool| {
        let mut story = good_update();
        let host_name = {
            let task = story.current(4);
            story.task(&task).container[..12].to_owned()
        };
        let other = {
            let task = story.current(1);
            story.task(&task).container[..12].to_owned()
        };
        story.shots(GOOD_END + 0.5, |_, shot| {
            if shot.replica.as_deref() == Some(&host_name) {
                shot.replica = Some(other.as_str().into());
            }
            if !named {
                shot.replica = None;
            }
        });
        judge(&story.finish())
    };
    let named = silent(true);
    assert_eq!(broken(&named), ["replicas-seen"]);
    assert_eq!(check(&named.scenarios[0], "replicas-seen").measured, "5 of 6");
    assert_eq!(named.scenarios[0].streams[0].replicas_seen, 5);
    let unnamed = silent(false);
    assert_eq!(unnamed.verdict, Verdict::Pass);
    assert!(unnamed.caveats[0].contains("do not say which replica"), "{:?}", unnamed.caveats);
}

#[test]
fn a_control_target_that_fails_proves_nothing() {
    let mut story = good_update();
    let mut control = story.run.shots[0].clone();
    (control.0.name, control.0.purpose) = ("control".to_owned(), Purpose::Control);
    story.run.shots.push(control);
    story.shots(GOOD_END + 0.5, nothing);
    story.shots_of(1, GOOD_END + 0.5, |at, shot| {
        if (13.4..13.8).contains(&at) {
            fail(shot, Outcome::Refused, 0.001);
        }
    });
    let judgement = judge(&story.finish());
    assert_eq!(broken(&judgement), ["control-clean"]);
    assert_eq!(judgement.scenarios[0].failed, 0);
}

#[test]
fn a_clock_that_was_set_proves_nothing() {
    for step in [3_000, -3_000] {
        let mut story = good_update();
        story.shots(GOOD_END + 0.5, nothing);
        let mut run = story.finish();
        for event in &mut run.events {
            if event.seen > Offset::from_millis(15_000)
                && matches!(event.kind, EventKind::Container { .. })
            {
                event.at = event.at + Offset::from_millis(step);
            }
        }
        let judgement = judge(&run);
        assert!(broken(&judgement).contains(&"clock-steady"), "step {step}");
        assert_ne!(judgement.verdict, Verdict::Pass);
    }
}

#[test]
fn a_change_that_replaces_nothing_tests_nothing() {
    let mut story = Story::new(2);
    story.scenario("update", Expects::Update);
    for event in &mut story.run.events {
        if let EventKind::Submitted { generation, .. } = &mut event.kind {
            *generation = 1;
        }
    }
    story.end(SUBMIT + 5.0, SpecMatch::Submitted, EndReason::Settled);
    story.shots(SUBMIT + 5.5, nothing);
    let judgement = judge(&story.finish());
    assert_eq!(broken(&judgement), ["observed"]);
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
}

#[test]
fn late_answers_on_a_busy_machine_prove_nothing_but_an_outage_does() {
    let busy = |outcome: Outcome| {
        let mut story = good_update();
        story.shots(GOOD_END + 0.5, |at, shot| {
            if at > 20.0 {
                shot.sent = shot.sent.map(|sent| sent + Offset::from_millis(80));
            }
            if (25.0..25.2).contains(&at) {
                fail(shot, outcome, 1.5);
            }
        });
        judge(&story.finish())
    };
    let late = busy(Outcome::Late);
    assert_eq!(broken(&late), ["no-failed-requests", "probe-lag"]);
    assert_eq!(late.verdict, Verdict::Inconclusive);
    assert_eq!(busy(Outcome::Proxy502).verdict, Verdict::Fail);
}

#[test]
fn failures_that_the_control_shares_prove_nothing() {
    let mut story = good_update();
    let mut control = story.run.shots[0].clone();
    (control.0.name, control.0.purpose) = ("control".to_owned(), Purpose::Control);
    story.run.shots.push(control);
    for stream in [0, 1] {
        story.shots_of(stream, GOOD_END + 0.5, |at, shot| {
            if (13.4..13.8).contains(&at) {
                fail(shot, Outcome::Refused, 0.001);
            }
        });
    }
    let judgement = judge(&story.finish());
    assert_eq!(broken(&judgement), ["no-failed-requests", "control-clean"]);
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
}

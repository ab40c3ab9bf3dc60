//! Failed requests and what they are put down to.

use rollproof::judge::{Cause, Judgement, Verdict};
use rollproof::record::{ContainerAction, EndReason, Expects, Outcome, Shot, SpecMatch};
use rollproof::swarm::{TaskState, UpdateState};

use crate::judge_story::{
    GOOD_END, SUBMIT, Story, assert_near, broken, check, fail, good_update, healthcheck, judge,
    nothing,
};

#[test]
fn a_lossy_update_fails_with_cause_gap_and_remedy() {
    let mut story = good_update();
    story.run.meta.stack.healthcheck = Some(healthcheck());
    // The containers of slots 3 and 1 end at 13.4; the proxy holds their addresses for 0.4 s.
    story.shots(GOOD_END + 0.5, |at, shot| {
        if (13.4..13.8).contains(&at) {
            fail(shot, Outcome::Proxy502, 0.003);
        }
    });
    let judgement = judge(&story.finish());
    assert_eq!(broken(&judgement), ["no-failed-requests"]);
    assert_eq!(judgement.verdict, Verdict::Fail);
    let scenario = &judgement.scenarios[0];
    let stream = &scenario.streams[0];
    assert_eq!((scenario.failed, stream.failed), (80, 80));
    assert_eq!(stream.failed_by_class, [(Outcome::Proxy502, 80)].into());
    assert_near(Some(stream.longest_gap_s), 0.4);
    assert_eq!(scenario.failures.len(), 80);
    // From 1 s before the first task has to stop to 5 s after the last one runs.
    let window = &scenario.transition_windows[0];
    assert_eq!((window.failed, window.sent), (80, 4_680));
    assert_near(Some(window.length_s), 23.4);
    assert_eq!(scenario.causes.len(), 1);
    assert_eq!(scenario.causes[0].cause, Cause::SentToStoppingTask);
    let nearest = scenario.failures[40].nearest.as_ref().unwrap();
    assert_eq!((nearest.event, nearest.slot == 1 || nearest.slot == 3), ("ended", true));
    assert_near(Some(nearest.dt_s), 0.2001);
    let check = check(scenario, "no-failed-requests");
    assert!(check.remedy.as_ref().unwrap().contains("SIGTERM"));
}

/// All six slots are replaced at once; requests in between get what `change` makes of them.
fn all_at_once(change: impl Fn(f64, &mut Shot)) -> Judgement {
    let mut story = Story::new(0);
    story.scenario("update", Expects::Update);
    story.state(SUBMIT + 0.1, UpdateState::Updating, "update in progress");
    for slot in 1..=6 {
        story.replace(slot, 2, SUBMIT + 0.1);
    }
    story.state(SUBMIT + 11.0, UpdateState::Completed, "update completed");
    story.end(SUBMIT + 13.0, SpecMatch::Submitted, EndReason::Settled);
    story.shots(SUBMIT + 13.5, change);
    judge(&story.finish())
}

#[test]
fn all_replicas_at_once_is_an_outage() {
    // The made-up proxy answers 503 from 11.2 to 14.6, between the old and the new replicas.
    let judgement = all_at_once(nothing);
    assert_eq!(broken(&judgement), ["no-failed-requests"]);
    let scenario = &judgement.scenarios[0];
    assert_eq!(scenario.causes[0].cause, Cause::NoHealthyReplica);
    assert_near(Some(scenario.streams[0].longest_gap_s), 3.4);
    let capacity = scenario.capacity.as_ref().unwrap();
    assert_eq!((capacity.min_running, capacity.min_serving), (0, 0));
    assert_near(Some(capacity.none_serving_s), 4.4);
    assert!(check(scenario, "no-failed-requests").remedy.as_ref().unwrap().contains("parallelism"));
    assert_eq!(scenario.failures.len(), 100, "the list is capped");
    assert!(scenario.failed > 600);
    assert_eq!(scenario.causes[0].failed, scenario.failed);
}

#[test]
fn answers_that_a_proxy_held_back_are_failures() {
    // It holds every request until a replica is back; the last second's are not too late.
    let judgement = all_at_once(|at, shot| {
        if shot.outcome == Outcome::Proxy503 {
            let held = 14.6 - at;
            fail(shot, if held > 1.0 { Outcome::Late } else { Outcome::Ok }, held);
        }
    });
    assert_eq!(judgement.verdict, Verdict::Fail);
    let scenario = &judgement.scenarios[0];
    assert_eq!(scenario.causes[0].cause, Cause::HeldByProxy);
    assert_near(Some(scenario.streams[0].longest_gap_s), 2.4);
    assert_eq!(scenario.causes.len(), 1);
}

/// The causes of the failures that `change` makes in a good update.
fn causes(health: bool, change: impl Fn(f64, &mut Shot)) -> Vec<Cause> {
    let mut story = good_update();
    story.run.meta.stack.healthcheck = health.then(healthcheck);
    story.shots(GOOD_END + 0.5, change);
    let judgement = judge(&story.finish());
    judgement.scenarios[0].causes.iter().map(|group| group.cause).collect()
}

#[test]
fn each_cause_is_told_apart() {
    // Slots 3 and 1: signal at 13.2, end at 13.4, new tasks run at 14.6.
    let within = |at: f64, from: f64, to: f64| (from..to).contains(&at);
    let cut = causes(true, |at, shot| {
        if within(at, 12.5, 12.6) {
            fail(shot, Outcome::Cut, 13.4 - at);
        }
    });
    assert_eq!(cut, [Cause::KilledBeforeFinished]);
    let kept = causes(true, |at, shot| {
        if within(at, 13.2, 13.3) {
            fail(shot, Outcome::Reset, 0.001);
            shot.reused = true;
        }
    });
    assert_eq!(kept, [Cause::KeptConnectionClosed]);
    let early = causes(false, |at, shot| {
        if within(at, 14.6, 15.1) {
            fail(shot, Outcome::Proxy502, 0.002);
        }
    });
    assert_eq!(early, [Cause::NewTaskNotReady]);
    let stale = causes(true, |at, shot| {
        if within(at, 14.6, 15.1) {
            fail(shot, Outcome::Proxy502, 0.002);
        }
    });
    assert_eq!(stale, [Cause::SentToStoppingTask], "with a health check RUNNING means ready");
    let odd = causes(true, |at, shot| {
        if within(at, 36.0, 36.1) {
            fail(shot, Outcome::Refused, 0.001);
        }
    });
    assert_eq!(odd, [Cause::Unexplained], "long after the last change");
    let wrong = causes(true, |at, shot| {
        if within(at, 20.0, 20.1) {
            shot.outcome = Outcome::WrongVersion;
        }
    });
    assert_eq!(wrong, [Cause::WrongVersion]);
}

#[test]
fn a_replica_that_fails_by_itself_is_named() {
    let mut story = Story::new(2);
    story.run.meta.stack.healthcheck = Some(healthcheck());
    story.scenario("update", Expects::Update);
    story.state(SUBMIT + 0.1, UpdateState::Updating, "update in progress");
    let id = story.current(4);
    story.container(&id, SUBMIT + 2.0, ContainerAction::Die);
    story.task(&id).error = "task: non-zero exit (1)".to_owned();
    story.see(&id, SUBMIT + 2.1, TaskState::Failed, TaskState::Shutdown);
    story.end(SUBMIT + 9.0, SpecMatch::Submitted, EndReason::Settled);
    story.shots(SUBMIT + 9.5, |at, shot| {
        if (12.0..12.2).contains(&at) {
            fail(shot, Outcome::Proxy502, 0.002);
        }
    });
    let judgement = judge(&story.finish());
    assert_eq!(judgement.scenarios[0].causes[0].cause, Cause::ReplicaFailed);
    let nearest = judgement.scenarios[0].failures[0].nearest.as_ref().unwrap();
    assert_eq!((nearest.event, nearest.slot), ("failed", 4));
}

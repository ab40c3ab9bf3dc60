//! What happens around an update beside it: the number of replicas changes, nothing comes, other
//! things answer.

use rollproof::judge::Verdict;
use rollproof::record::{EndReason, EventKind, Expects, MachineLoad, Outcome, Purpose, SpecMatch};
use rollproof::swarm::{TaskState, UpdateState};

use crate::judge_story::{
    GOOD_END, REPLICAS, SERVICE, SUBMIT, Story, broken, check, fail, good_update, judge, nothing,
};

fn submit_replicas(story: &mut Story, generation: u32, count: u64) {
    for event in &mut story.run.events {
        if let EventKind::Submitted { generation: submitted, replicas, .. } = &mut event.kind {
            *submitted = generation;
            *replicas = Some(count);
        }
    }
}

/// Slot 6 is removed as in a change of the number of replicas alone.
fn scaled_down() -> Story {
    let mut story = Story::new(2);
    story.scenario("update", Expects::Update);
    let id = story.current(REPLICAS);
    story.stop(REPLICAS, SUBMIT + 0.1);
    story.see(&id, SUBMIT + 3.6, TaskState::Shutdown, TaskState::Remove);
    story.end(SUBMIT + 8.0, SpecMatch::Submitted, EndReason::Settled);
    submit_replicas(&mut story, 1, REPLICAS - 1);
    story
}

#[test]
fn a_smaller_number_of_replicas_is_judged_by_the_new_one() {
    let mut story = scaled_down();
    story.shots(SUBMIT + 8.5, nothing);
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Pass, "{:?}", judgement.because);
}

#[test]
fn a_smaller_number_of_replicas_does_not_excuse_a_missing_one() {
    let mut story = scaled_down();
    let id = story.current(1);
    story.stop(1, SUBMIT + 1.0);
    story.see(&id, SUBMIT + 4.6, TaskState::Shutdown, TaskState::Shutdown);
    story.shots(SUBMIT + 8.5, nothing);
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert!(broken(&judgement).contains(&"every-slot-on-new-version"));
}

#[test]
fn image_and_number_of_replicas_in_one_change() {
    let mut story = good_update();
    story.start(REPLICAS + 1, 2, SUBMIT + 1.0);
    submit_replicas(&mut story, 2, REPLICAS + 1);
    story.shots(GOOD_END + 0.5, nothing);
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Pass, "{:?}", judgement.because);

    let mut story = good_update();
    submit_replicas(&mut story, 2, REPLICAS + 1);
    story.shots(GOOD_END + 0.5, nothing);
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Fail, "the seventh replica never came");
}

#[test]
fn an_update_that_never_came_passes_nothing() {
    let mut story = Story::new(2);
    story.event(
        5.0,
        EventKind::ScenarioStarted {
            name: "watched-update".to_owned(),
            expects: Expects::Update,
            service: SERVICE.to_owned(),
            replicas: REPLICAS,
            generation: 1,
            change: "by somebody else".to_owned(),
        },
    );
    let text = "no update was seen within 10 s".to_owned();
    story.end(15.0, SpecMatch::Unknown, EndReason::Deadline { text });
    story.shots(15.5, nothing);
    // A busy machine is no reason for what nobody did.
    let busy = MachineLoad { busy: 980, stolen: 10, waiting: Some(700) };
    (1..=15).for_each(|second| story.event(f64::from(second), EventKind::Machine(busy)));
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert!(judgement.headline.contains("no update was seen"), "{}", judgement.headline);
    assert!(!judgement.because.iter().any(|text| text.contains("busy")), "{judgement:?}");
    let scenario = &judgement.scenarios[0];
    for name in [
        "update-completed",
        "not-rolled-back",
        "spec-is-submitted",
        "every-slot-on-new-version",
        "no-leftover-tasks",
        "capacity",
        "observed",
    ] {
        assert_eq!(check(scenario, name).verdict, Verdict::Inconclusive, "{name}");
    }
}

#[test]
fn responses_that_no_replica_can_have_sent() {
    // Some responses carry no name, and others do.
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, |at, shot| {
        if at > 15.0 && at < 15.5 {
            shot.replica = None;
        }
    });
    let judgement = judge(&story.finish());
    assert_eq!(broken(&judgement), ["answered-by-replicas"]);
    assert_eq!(judgement.verdict, Verdict::Inconclusive);

    // No response to users carries a name, but the replicas name themselves when asked directly.
    let mut story = good_update();
    story.stream("each-replica", Purpose::EachReplica);
    story.shots(GOOD_END + 0.5, |_, shot| shot.replica = None);
    story.direct(1, GOOD_END + 0.5, |_, _, _| {});
    assert_eq!(broken(&judge(&story.finish())), ["answered-by-replicas"]);

    // A service that never names its replicas is fine.
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, |_, shot| shot.replica = None);
    assert_eq!(judge(&story.finish()).verdict, Verdict::Pass);

    // A container of something else.
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, |at, shot| {
        if at > 15.0 && at < 15.5 {
            shot.replica = Some("abcdef012345".into());
        }
    });
    assert_eq!(broken(&judge(&story.finish())), ["answered-by-replicas"]);
}

/// All slots end at once, and the new tasks come six seconds later.
fn nothing_serves() -> Story {
    let mut story = Story::new(0);
    story.scenario("update", Expects::Update);
    story.state(SUBMIT + 0.1, UpdateState::Updating, "update in progress");
    for slot in 1..=REPLICAS {
        let ended = story.stop(slot, SUBMIT + 0.1);
        story.start(slot, 2, ended + 6.0);
    }
    story.state(SUBMIT + 18.0, UpdateState::Completed, "update completed");
    story.end(SUBMIT + 20.0, SpecMatch::Submitted, EndReason::Settled);
    story
}

#[test]
fn good_responses_while_nothing_runs_are_no_pass() {
    let mut story = nothing_serves();
    story.shots(SUBMIT + 20.5, |_, shot| {
        shot.outcome = Outcome::Ok;
        shot.replica = None;
    });
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert!(judgement.headline.contains("something else answers"), "{}", judgement.headline);

    let mut story = nothing_serves();
    story.shots(SUBMIT + 20.5, |at, shot| {
        if at > 11.2 && at < 20.4 {
            fail(shot, Outcome::Proxy503, 0.002);
        }
    });
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Fail, "an outage is one, whoever reports it");
}

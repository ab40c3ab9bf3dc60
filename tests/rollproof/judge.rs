//! The verdict on made-up runs: what must pass and what must fail.

use rollproof::Offset;
use rollproof::judge::{Judgement, Verdict};
use rollproof::record::{EndReason, EventKind, Expects, SpecMatch};
use rollproof::swarm::{TaskState, UpdateState};

use crate::judge_story::{
    GOOD_END, ROLLBACK_END, SUBMIT, Story, assert_near, broken, check, good_rollback, good_update,
    judge, nothing,
};

#[test]
fn a_clean_update_passes() {
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, nothing);
    let judgement = judge(&story.finish());
    assert_eq!(broken(&judgement), [""; 0]);
    assert_eq!(judgement.verdict, Verdict::Pass);
    assert_eq!(judgement.caveats, [""; 0]);

    let scenario = &judgement.scenarios[0];
    let states: Vec<_> = scenario.update.states.iter().map(|seen| seen.state).collect();
    assert_eq!(states, [UpdateState::Updating, UpdateState::Completed]);
    assert_eq!((scenario.update.rolled_back, scenario.update.spec_restored), (false, None));
    assert!(scenario.rollback.is_none());
    // The last pair is stopped at 13.1, ends at 16.4 and runs again at 17.6 after the change.
    let after = &scenario.update.converged_after_s;
    assert_near(after.last_old_gone, 16.4);
    assert_near(after.new_tasks_running, 17.6);
    assert_near(after.status_terminal, 24.6);
    let capacity = scenario.capacity.as_ref().unwrap();
    assert_eq!((capacity.desired, capacity.min_running, capacity.min_serving), (6, 4, 4));
    // Told to stop 0.1 s after the start of each pair, running again 4.5 s after it.
    assert_near(Some(capacity.below_desired_s), 3.0 * 4.4);
    let stream = &scenario.streams[0];
    assert_eq!((stream.failed, stream.missing, stream.replicas_seen), (0, 0, 6));
    assert_eq!(stream.longest_gap_s, Offset::ZERO);
}

#[test]
fn the_course_of_each_versions_capacity_is_told() {
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, nothing);
    let judgement = judge(&story.finish());
    let capacity = judgement.scenarios[0].capacity.as_ref().unwrap();
    let (old, new) = (capacity.by_version[&1], capacity.by_version[&2]);
    assert_eq!((old.min_running, old.max_running, new.min_running, new.max_running), (0, 6, 0, 6));
    assert_eq!((old.min_serving, old.max_serving, new.min_serving, new.max_serving), (0, 6, 0, 6));
    // Each pair gets the order to stop, ends 3.2 s later and runs again 1.2 s after that.
    let course: Vec<_> = capacity
        .steps
        .iter()
        .map(|step| {
            let of = |version| {
                step.by_version.get(&version).map_or((0, 0), |step| (step.running, step.serving))
            };
            let after = (step.at.as_secs_f64() - SUBMIT) * 1e3;
            (after.round().to_string(), step.running, step.serving, of(1), of(2))
        })
        .collect();
    let expected = [
        ("0", 6, 6, (6, 6), (0, 0)),
        ("200", 6, 4, (6, 4), (0, 0)),
        ("3400", 4, 4, (4, 4), (0, 0)),
        ("4600", 6, 6, (4, 4), (2, 2)),
        ("6700", 6, 4, (4, 2), (2, 2)),
        ("9900", 4, 4, (2, 2), (2, 2)),
        ("11100", 6, 6, (2, 2), (4, 4)),
        ("13200", 6, 4, (2, 0), (4, 4)),
        ("16400", 4, 4, (0, 0), (4, 4)),
        ("17600", 6, 6, (0, 0), (6, 6)),
    ];
    let expected = expected.map(|step| (step.0.to_owned(), step.1, step.2, step.3, step.4));
    assert_eq!(course, expected);
    assert!(!capacity.steps[9].by_version.contains_key(&1), "none is not told");
}

#[test]
fn a_version_that_never_ran_has_no_range() {
    let mut story = good_rollback();
    story.shots(ROLLBACK_END + 0.5, nothing);
    let judgement = judge(&story.finish());
    let capacity = judgement.scenarios[0].capacity.as_ref().unwrap();
    let range = capacity.by_version[&1];
    assert_eq!((range.min_running, range.max_running), (4, 6));
    assert!(!capacity.by_version.contains_key(&2));
}

#[test]
fn a_clean_rollback_passes_and_tells_its_story() {
    let mut story = good_rollback();
    story.shots(ROLLBACK_END + 0.5, nothing);
    let judgement = judge(&story.finish());
    assert_eq!(broken(&judgement), [""; 0]);

    let scenario = &judgement.scenarios[0];
    assert!(scenario.update.rolled_back);
    assert_eq!(scenario.update.spec_restored, Some(true));
    let rollback = scenario.rollback.as_ref().unwrap();
    assert_eq!(rollback.trigger_slot, Some(5));
    assert!(rollback.trigger_error.as_ref().unwrap().starts_with("became unhealthy"));
    assert_near(rollback.failure_at, SUBMIT + 7.6);
    assert_near(Some(rollback.started_at), SUBMIT + 7.7);
    assert_near(rollback.completed_at, SUBMIT + 15.8);
    assert_near(rollback.capacity_restored_at, SUBMIT + 10.8);
    assert_near(scenario.update.converged.last_old_gone, SUBMIT + 7.6);
    assert_eq!(scenario.capacity.as_ref().unwrap().min_running, 4);
}

#[test]
fn a_rollback_whose_reason_was_gone_before_it_could_be_read_has_a_cause() {
    let told = |message: &str| {
        let mut story = good_rollback();
        story.shots(ROLLBACK_END + 0.5, nothing);
        for event in &mut story.run.events {
            if let EventKind::Service {
                state: UpdateState::RollbackStarted, message: said, ..
            } = &mut event.kind
            {
                message.clone_into(said);
            }
        }
        let judgement = judge(&story.finish());
        let rollback = judgement.scenarios[0].rollback.clone().unwrap();
        (rollback.trigger_slot, rollback.trigger_task.is_some(), rollback.failure_at)
    };
    let (slot, known, at) = told("");
    assert_eq!((slot, known), (Some(5), true));
    assert_near(at, SUBMIT + 7.6);
    assert_eq!(told("manually requested rollback"), (None, false, None));
}

#[test]
fn a_rollback_where_an_update_is_expected_fails() {
    let mut story = good_rollback();
    for event in &mut story.run.events {
        if let EventKind::ScenarioStarted { expects, .. } = &mut event.kind {
            *expects = Expects::Update;
        }
    }
    story.shots(ROLLBACK_END + 0.5, nothing);
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Fail);
    let expected =
        ["update-completed", "not-rolled-back", "spec-is-submitted", "every-slot-on-new-version"];
    assert_eq!(broken(&judgement), expected);
}

/// Swarm's state says `completed` in the end, after a rollback that had missed a slot.
fn overwritten_state(slots: &[u64]) -> Story {
    let mut story = Story::new(2);
    story.scenario("broken-update", Expects::Rollback);
    story.state(SUBMIT + 0.1, UpdateState::Updating, "update in progress");
    let mut broken = String::new();
    for slot in slots {
        let ended = story.stop(*slot, SUBMIT + 0.1);
        broken = story.start_broken(*slot, 2, ended + 0.2);
    }
    let failed = SUBMIT + 7.6;
    let message =
        format!("update rolled back due to failure or early termination of task {broken}");
    story.state(failed + 0.1, UpdateState::RollbackStarted, &message);
    for slot in slots {
        story.start(*slot, 1, failed + 2.2);
    }
    story.state(failed + 4.0, UpdateState::RollbackCompleted, "rollback completed");
    story.state(failed + 8.2, UpdateState::Completed, "update completed");
    story.end(failed + 10.0, SpecMatch::Previous, EndReason::Settled);
    story.shots(ROLLBACK_END + 0.5, nothing);
    story
}

#[test]
fn a_rollback_stays_known_when_the_state_is_overwritten() {
    let judgement = judge(&overwritten_state(&[2, 5]).finish());
    assert_eq!(judgement.verdict, Verdict::Pass, "{:?}", judgement.because);
    let scenario = &judgement.scenarios[0];
    assert_eq!(scenario.update.final_state, UpdateState::Completed);
    assert!(scenario.update.rolled_back);
    assert_near(scenario.rollback.as_ref().unwrap().completed_at, SUBMIT + 11.6);
    assert!(check(scenario, "rollback-completed").because.contains("overwrote"));
}

#[test]
fn too_many_slots_at_once_break_the_capacity() {
    let judgement = judge(&overwritten_state(&[1, 2, 3, 5]).finish());
    assert_eq!(broken(&judgement), ["capacity"]);
    let scenario = &judgement.scenarios[0];
    assert_eq!(scenario.capacity.as_ref().unwrap().min_running, 2);
    let capacity = check(scenario, "capacity");
    assert!(capacity.because.contains("begun 4 slots"), "{}", capacity.because);
    assert!(capacity.remedy.as_ref().unwrap().contains("update_config.delay"));
}

/// A broken update that ends in another state than a rollback.
fn broken_update_ends(state: UpdateState, message: &str, reason: EndReason) -> Judgement {
    let mut story = Story::new(2);
    story.scenario("broken-update", Expects::Rollback);
    story.state(SUBMIT + 0.1, UpdateState::Updating, "update in progress");
    for slot in [2, 5] {
        let ended = story.stop(slot, SUBMIT + 0.1);
        story.start_broken(slot, 2, ended + 0.2);
    }
    if state != UpdateState::Updating {
        story.state(SUBMIT + 7.7, state, message);
    }
    story.end(SUBMIT + 15.0, SpecMatch::Submitted, reason);
    story.shots(SUBMIT + 15.5, nothing);
    judge(&story.finish())
}

#[test]
fn a_broken_update_that_is_only_paused_fails() {
    let message = "update paused due to failure or early termination of task x";
    let judgement = broken_update_ends(UpdateState::Paused, message, EndReason::Settled);
    assert_eq!(judgement.verdict, Verdict::Fail);
    let happened = check(&judgement.scenarios[0], "rollback-happened");
    assert_eq!((happened.verdict, happened.measured.as_str()), (Verdict::Fail, "paused"));
    assert!(happened.remedy.as_ref().unwrap().contains("failure_action: rollback"));
    assert_eq!(check(&judgement.scenarios[0], "spec-restored").verdict, Verdict::Fail);
}

#[test]
fn a_broken_update_that_is_called_completed_fails() {
    let judgement =
        broken_update_ends(UpdateState::Completed, "update completed", EndReason::Settled);
    let happened = check(&judgement.scenarios[0], "rollback-happened");
    assert_eq!(happened.verdict, Verdict::Fail);
    assert!(happened.remedy.as_ref().unwrap().contains("monitor"));
}

#[test]
fn an_update_that_never_ends_fails() {
    let text = "slot 2 stays in starting".to_owned();
    let judgement = broken_update_ends(UpdateState::Updating, "", EndReason::Deadline { text });
    assert_eq!(judgement.verdict, Verdict::Fail);
    let happened = check(&judgement.scenarios[0], "rollback-happened");
    assert!(happened.because.contains("slot 2 stays in starting"), "{}", happened.because);
    assert!(happened.remedy.as_ref().unwrap().contains("start_period"));
    assert!(judgement.scenarios[0].update.converged.status_terminal.is_none());
}

#[test]
fn no_change_passes_until_something_is_replaced() {
    let no_change = |replaced: bool| {
        let mut story = Story::new(2);
        story.scenario("label", Expects::NoChange);
        for event in &mut story.run.events {
            if let EventKind::Submitted { generation, .. } = &mut event.kind {
                *generation = 1;
            }
        }
        if replaced {
            story.replace(3, 1, SUBMIT + 0.5);
        }
        story.end(SUBMIT + 8.0, SpecMatch::Submitted, EndReason::Settled);
        story.shots(SUBMIT + 8.5, nothing);
        judge(&story.finish())
    };
    assert_eq!(no_change(false).verdict, Verdict::Pass, "{:?}", no_change(false).because);
    assert_eq!(broken(&no_change(true)), ["nothing-replaced", "capacity"]);
}

#[test]
fn a_start_first_update_may_not_dip() {
    let mut story = good_update();
    story.run.meta.stack.update_config.order = rollproof::swarm::Order::StartFirst;
    story.shots(GOOD_END + 0.5, nothing);
    assert_eq!(broken(&judge(&story.finish())), ["capacity"]);
}

#[test]
fn a_task_left_over_is_noticed() {
    let mut story = good_update();
    let extra = story.add(3, 2, GOOD_END - 2.0);
    story.see(&extra, GOOD_END - 1.9, TaskState::Starting, TaskState::Running);
    story.shots(GOOD_END + 0.5, nothing);
    let judgement = judge(&story.finish());
    assert_eq!(broken(&judgement), ["no-leftover-tasks"]);
    assert!(judgement.headline.contains("slot 3 has 2 tasks"), "{}", judgement.headline);
}

//! A busy machine may make a verdict inconclusive, never wrong.

use rollproof::Offset;
use rollproof::judge::{Judgement, Verdict};
use rollproof::record::{
    ContainerAction, EndReason, EventKind, Expects, MachineLoad, Outcome, Purpose, Shot, SpecMatch,
};
use rollproof::swarm::{FailureAction, TaskState, UpdateState};

use crate::judge_story::{
    GOOD_END, ROLLBACK_END, Story, broken, check, fail, good_rollback, good_update, healthcheck,
    judge, nothing,
};

/// Tells how busy the machine was, each second up to `last`.
fn tell_loads(story: &mut Story, last: u16, load: impl Fn(u16) -> MachineLoad) {
    for second in 1..=last {
        story.event(f64::from(second), EventKind::Machine(load(second)));
    }
}

/// A good update on a machine that is as busy as told, each second.
fn on_machine(
    load: impl Fn(u16) -> MachineLoad,
    change: impl Fn(f64, &mut Shot),
    more: impl Fn(&mut Story),
) -> Judgement {
    let mut story = good_update();
    tell_loads(&mut story, 36, load);
    story.shots(GOOD_END + 0.5, change);
    more(&mut story);
    judge(&story.finish())
}

fn idle(_: u16) -> MachineLoad {
    MachineLoad { busy: 300, stolen: 0, waiting: Some(50) }
}

/// Starved from 25 to 26 s only.
fn starved(second: u16) -> MachineLoad {
    if second == 26 {
        MachineLoad { busy: 980, stolen: 10, waiting: Some(700) }
    } else {
        idle(second)
    }
}

/// Requests from 25.0 to 25.2 s fail, known after 1.5 s.
fn fails(outcome: Outcome) -> impl Fn(f64, &mut Shot) {
    move |at, shot| {
        if (25.0..25.2).contains(&at) {
            fail(shot, outcome, 1.5);
        }
    }
}

fn alone(_: &mut Story) {}

#[test]
fn how_busy_the_machine_was_is_told() {
    let judgement = on_machine(starved, nothing, alone);
    assert_eq!(judgement.verdict, Verdict::Pass, "{:?}", judgement.because);
    let machine = check(&judgement.scenarios[0], "machine-free");
    assert_eq!(machine.measured, "busy 32 %, at worst 98 %; stolen 0 %, at worst 1 %; waiting 7 %");
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, nothing);
    let judgement = judge(&story.finish());
    assert!(!judgement.scenarios[0].checks.iter().any(|check| check.name == "machine-free"));
}

#[test]
fn full_processors_alone_are_no_flaw_and_stolen_ones_are() {
    let full = |_| MachineLoad { busy: 1_000, stolen: 0, waiting: Some(1_000) };
    assert_eq!(on_machine(full, nothing, alone).verdict, Verdict::Pass);
    let stolen = |share| move |_| MachineLoad { busy: 400, stolen: share, waiting: None };
    assert_eq!(on_machine(stolen(200), nothing, alone).verdict, Verdict::Pass);
    let judgement = on_machine(stolen(210), nothing, alone);
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert_eq!(broken(&judgement), ["machine-free"]);
    let machine = check(&judgement.scenarios[0], "machine-free");
    assert_eq!(machine.measured, "busy 40 %, at worst 40 %; stolen 21 %, at worst 21 %");
    assert!(machine.because.contains("21 % of this machine's processor time"));
}

#[test]
fn what_a_starved_machine_makes_by_itself_proves_nothing() {
    // A proxy's 502 after the deadline is one that waited too.
    let soft = [Outcome::Late, Outcome::Timeout, Outcome::ConnectTimeout, Outcome::Proxy502];
    for outcome in soft {
        let judgement = on_machine(starved, fails(outcome), alone);
        assert_eq!(judgement.verdict, Verdict::Inconclusive, "{outcome}");
        assert_eq!(broken(&judgement), ["no-failed-requests"]);
        let check = check(&judgement.scenarios[0], "no-failed-requests");
        assert!(
            check.because.contains("40 requests came late or not in time"),
            "{}",
            check.because
        );
        assert!(check.remedy.as_ref().unwrap().contains("more free processor time"));
        // The same on an idle machine is the service's doing.
        assert_eq!(on_machine(idle, fails(outcome), alone).verdict, Verdict::Fail, "{outcome}");
    }
}

#[test]
fn what_a_busy_machine_does_not_make_stays_proven() {
    for outcome in [Outcome::Refused, Outcome::Reset, Outcome::Cut, Outcome::AppError] {
        assert_eq!(on_machine(starved, fails(outcome), alone).verdict, Verdict::Fail, "{outcome}");
    }
    let in_time = |at: f64, shot: &mut Shot| {
        if (25.0..25.2).contains(&at) {
            fail(shot, Outcome::Proxy502, 0.9);
        }
    };
    assert_eq!(on_machine(starved, in_time, alone).verdict, Verdict::Fail);
    let one_at_another_time = |at: f64, shot: &mut Shot| {
        if (25.0..25.2).contains(&at) || (30.0..30.004).contains(&at) {
            fail(shot, Outcome::Late, 1.5);
        }
    };
    assert_eq!(on_machine(starved, one_at_another_time, alone).verdict, Verdict::Fail);
    let one_of_another_kind = |at: f64, shot: &mut Shot| {
        if (25.0..25.2).contains(&at) {
            fail(shot, if at < 25.004 { Outcome::Refused } else { Outcome::Late }, 1.5);
        }
    };
    assert_eq!(on_machine(starved, one_of_another_kind, alone).verdict, Verdict::Fail);
}

#[test]
fn a_machine_is_starved_only_if_something_waits_where_that_is_told() {
    let of = |busy, waiting| {
        let load = move |second| {
            if second == 26 { MachineLoad { busy, stolen: 0, waiting } } else { idle(second) }
        };
        on_machine(load, fails(Outcome::Late), alone).verdict
    };
    assert_eq!(of(950, Some(500)), Verdict::Inconclusive);
    assert_eq!(of(950, None), Verdict::Inconclusive);
    assert_eq!(of(949, Some(900)), Verdict::Fail);
    assert_eq!(of(1_000, Some(499)), Verdict::Fail);
}

#[test]
fn an_outage_that_swarm_tells_of_is_proven_on_any_machine() {
    let mut story = Story::new(0);
    story.scenario("update", Expects::Update);
    for slot in 1..=6 {
        story.replace(slot, 2, 10.1);
    }
    tell_loads(&mut story, 30, |_| MachineLoad { busy: 1_000, stolen: 0, waiting: Some(1_000) });
    story.state(21.0, UpdateState::Completed, "update completed");
    story.end(23.0, SpecMatch::Submitted, EndReason::Settled);
    story.shots(23.5, |at, shot| {
        if shot.outcome == Outcome::Proxy503 {
            fail(shot, Outcome::Late, (14.6 - at).max(1.1));
        }
    });
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Fail, "{:?}", judgement.because);
}

#[test]
fn a_control_that_is_late_leaves_a_doubt_on_any_machine() {
    let judgement = on_machine(idle, fails(Outcome::Late), |story| {
        story.stream("control", Purpose::Control);
        story.shots_of(1, GOOD_END + 0.5, fails(Outcome::Late));
    });
    assert_eq!(judgement.verdict, Verdict::Inconclusive);
    assert_eq!(broken(&judgement), ["no-failed-requests", "control-clean"]);
}

/// The control target answers after `usual` seconds, and after `then` around 25 s.
fn control(usual: f64, then: f64) -> impl Fn(&mut Story) {
    move |story| {
        let stream = story.run.shots.len();
        story.stream("control", Purpose::Control);
        story.shots_of(stream, GOOD_END + 0.5, |at, shot| {
            let took = if (23.5..27.5).contains(&at) { then } else { usual };
            shot.done = shot.sent.map(|sent| sent + Offset::from_secs_f64(took));
        });
    }
}

#[test]
fn a_control_that_waits_shows_that_the_engines_machine_is_busy() {
    let late = |control: &dyn Fn(&mut Story)| on_machine(idle, fails(Outcome::Late), control);
    let judgement = late(&control(0.001, 0.06));
    assert_eq!(judgement.verdict, Verdict::Inconclusive, "{:?}", judgement.because);
    assert_eq!(broken(&judgement), ["no-failed-requests"]);
    assert!(judgement.because[0].contains("the machine was too busy then"));
    // A long way to the engine, and a little waiting, are usual.
    assert_eq!(late(&control(0.06, 0.06)).verdict, Verdict::Fail);
    assert_eq!(late(&control(0.001, 0.02)).verdict, Verdict::Fail);
    // What no waiting makes stays proven.
    let refused = on_machine(idle, fails(Outcome::Refused), control(0.001, 0.06));
    assert_eq!(refused.verdict, Verdict::Fail);
}

/// An update whose task in slot 3 fails with this error before it runs, and is rolled back.
fn not_started(error: &str, exit_code: i64) -> Judgement {
    let mut story = Story::new(2);
    story.run.meta.stack.update_config.failure_action = rollproof::swarm::FailureAction::Rollback;
    story.scenario("update", Expects::Update);
    story.state(10.1, UpdateState::Updating, "update in progress");
    let id = story.add(3, 2, 10.2);
    let task = story.task(&id);
    (task.error, task.exit_code) = (error.to_owned(), Some(exit_code));
    story.see(&id, 20.0, TaskState::Failed, TaskState::Shutdown);
    let message = format!("update rolled back due to failure or early termination of task {id}");
    story.state(20.1, UpdateState::RollbackStarted, &message);
    story.state(25.0, UpdateState::RollbackCompleted, "rollback completed");
    story.end(27.0, SpecMatch::Previous, EndReason::Settled);
    story.shots(27.5, nothing);
    judge(&story.finish())
}

#[test]
fn an_engine_that_runs_out_of_time_is_not_the_new_versions_fault() {
    let shim = "starting container failed: failed to create shim task: failed to start io pipe copy: \
                unable to copy pipes: context deadline exceeded";
    let judgement = not_started(shim, 128);
    assert_eq!(judgement.verdict, Verdict::Inconclusive, "{:?}", judgement.because);
    let fault = check(&judgement.scenarios[0], "tasks-had-time");
    assert_eq!(fault.because, "slot 3 could not be started because the engine ran out of time");
    assert!(!judgement.because.iter().any(|text| text.contains("code 128")), "{judgement:?}");

    // The engine's exit code for it is not the program's.
    let missing = "starting container failed: failed to create shim task: OCI runtime create failed: \
                   runc create failed: unable to start container process: exec: \"nope\": executable \
                   file not found in $PATH: unknown";
    let judgement = not_started(missing, 127);
    assert_eq!(judgement.verdict, Verdict::Fail);
    let advice = judgement.scenarios[0].advice.as_ref().unwrap();
    assert!(advice.because.contains("slot 3 could not be started"), "{}", advice.because);
    assert!(format!("{advice:?}").contains("the image has no such program"), "{advice:?}");
}

/// Slot 3's new task fails at 30 s, and another one takes its place.
fn replica_fails(story: &mut Story, unhealthy: bool) {
    let id = story.current(3);
    if unhealthy {
        story.container(&id, 29.9, ContainerAction::Unhealthy);
    }
    story.container(&id, 30.0, ContainerAction::Die);
    story.see(&id, 30.1, TaskState::Failed, TaskState::Shutdown);
    story.start(3, 2, 30.6);
}

/// Starved in these seconds, both included.
fn starved_from(first: u16, last: u16) -> impl Fn(u16) -> MachineLoad {
    move |second| {
        if (first..=last).contains(&second) {
            // What the hypervisor took is gone as well.
            MachineLoad { busy: 700, stolen: 280, waiting: Some(700) }
        } else {
            idle(second)
        }
    }
}

#[test]
fn a_health_check_that_a_starved_machine_failed_proves_nothing() {
    let verdict = |load: &dyn Fn(u16) -> MachineLoad, unhealthy: bool| {
        let mut story = good_update();
        story.run.meta.stack.update_config.order = rollproof::swarm::Order::StartFirst;
        story.run.meta.stack.healthcheck = Some(healthcheck());
        replica_fails(&mut story, unhealthy);
        tell_loads(&mut story, 36, load);
        story.shots(GOOD_END + 0.5, nothing);
        judge(&story.finish())
    };
    // Two retries of 1 s each after 1 s: from 25.9 s on.
    let judgement = verdict(&starved_from(27, 30), true);
    assert_eq!(judgement.verdict, Verdict::Inconclusive, "{:?}", judgement.because);
    assert_eq!(broken(&judgement), ["capacity", "tasks-had-time"]);
    let capacity = check(&judgement.scenarios[0], "capacity");
    assert!(capacity.because.ends_with(" (the busy machine may be the reason)"));
    let fault = check(&judgement.scenarios[0], "tasks-had-time");
    assert_eq!(
        fault.because,
        "slot 3 failed its health check while this machine was too busy to run the check in time"
    );
    assert!(fault.remedy.as_ref().unwrap().contains("more free processor time"));
    // It had the time, or had it again; and a program that ends is not ended by a busy machine.
    assert_eq!(verdict(&idle, true).verdict, Verdict::Fail);
    assert_eq!(verdict(&starved_from(20, 26), true).verdict, Verdict::Fail);
    assert_eq!(verdict(&starved_from(27, 30), false).verdict, Verdict::Fail);
}

#[test]
fn an_update_that_a_starved_machine_kept_from_its_end_proves_nothing() {
    let verdict = |load: fn(u16) -> MachineLoad| {
        let mut story = Story::new(2);
        story.scenario("update", Expects::Update);
        story.state(10.1, UpdateState::Updating, "update in progress");
        story.replace(3, 2, 10.2);
        let text = "the update is still going on".to_owned();
        story.end(40.0, SpecMatch::Submitted, EndReason::Deadline { text });
        tell_loads(&mut story, 40, load);
        story.shots(40.5, nothing);
        judge(&story.finish()).verdict
    };
    assert_eq!(verdict(idle), Verdict::Fail);
    let full = |_| MachineLoad { busy: 990, stolen: 0, waiting: Some(900) };
    assert_eq!(verdict(full), Verdict::Inconclusive);
}

#[test]
fn a_broken_version_has_no_excuse() {
    // Requests are lost while the broken tasks of a rollback fail their health checks.
    let mut story = good_rollback();
    for task in story.tasks.iter().filter(|task| task.generation == 2).cloned().collect::<Vec<_>>()
    {
        story.container(&task.task, 15.6, ContainerAction::Unhealthy);
    }
    tell_loads(&mut story, 30, |_| MachineLoad { busy: 990, stolen: 0, waiting: Some(900) });
    story.shots(ROLLBACK_END + 0.5, |at, shot| {
        if (14.0..14.2).contains(&at) {
            fail(shot, Outcome::Refused, 0.002);
        }
    });
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Fail, "{:?}", judgement.because);
}

#[test]
fn an_action_that_never_rolls_back_has_no_excuse() {
    let verdict = |action: FailureAction| {
        let mut story = Story::new(2);
        story.run.meta.stack.update_config.failure_action = action;
        story.scenario("broken-update", Expects::Rollback);
        story.state(10.1, UpdateState::Updating, "update in progress");
        story.replace(3, 2, 10.2);
        let text = "the update is still going on".to_owned();
        story.end(40.0, SpecMatch::Submitted, EndReason::Deadline { text });
        tell_loads(&mut story, 40, |_| MachineLoad { busy: 990, stolen: 0, waiting: Some(900) });
        story.shots(40.5, nothing);
        judge(&story.finish()).verdict
    };
    assert_eq!(verdict(FailureAction::Rollback), Verdict::Inconclusive);
    assert_eq!(verdict(FailureAction::Continue), Verdict::Fail);
    assert_eq!(verdict(FailureAction::Pause), Verdict::Fail);
}

//! What each replica answers by itself, and failures that a proxy hid from the users.

use rollproof::Offset;
use rollproof::judge::{Judgement, MaskedKind, Verdict};
use rollproof::record::{ContainerAction, Outcome, Purpose, Route, Shot};
use rollproof::report::{Material, SUMMARY, Style};
use rollproof::swarm::TaskState;

use crate::judge_story::{GOOD_END, SUBMIT, Story, assert_near, fail, good_update, judge, nothing};
use crate::report::details;

/// A good update with its six replicas asked by themselves, and a control.
fn asked() -> Story {
    let mut story = good_update();
    story.stream("each", Purpose::EachReplica);
    story.stream("control", Purpose::Control);
    story.shots_of(2, GOOD_END + 0.5, nothing);
    story
}

fn as_always(_: f64, _: &str, _: &mut Shot) {}

#[test]
fn each_replica_tells_when_it_began_and_stopped_to_answer() {
    let mut story = asked();
    story.shots(GOOD_END + 0.5, nothing);
    story.direct(1, GOOD_END + 0.5, as_always);
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Pass, "{:?}", judgement.because);
    let replicas = &judgement.scenarios[0].replicas;
    let order: Vec<_> = replicas.iter().map(|replica| (replica.slot, replica.version)).collect();
    let expected: Vec<_> = (1..=6).flat_map(|slot| [(slot, 1), (slot, 2)]).collect();
    assert_eq!(order, expected);
    // Slot 3: told at 10.2, signal at 13.2; the new one starts at 13.8 and runs at 14.6.
    let (old, new) = (&replicas[4], &replicas[5]);
    assert_eq!(old.answers_after_running_s, None, "it ran before it was asked");
    assert_near(old.answers_after_told_to_stop_s, 2.9);
    assert_near(new.answers_after_running_s, -0.5);
    assert_eq!(new.answers_after_told_to_stop_s, None);
    // From 5.0 s, the scenario's start, to 13.1 s.
    assert_eq!((old.answered, old.failed_while_serving), (82, 0));
    assert_eq!(judgement.scenarios[0].masked, []);
    let text = details(&judgement);
    let first = "12 tasks asked; first good response after RUNNING: -500 ms";
    assert!(text.contains(first), "{text}");
    assert!(text.contains("being told to stop: 2.90 s; 0 requests failed"), "{text}");
}

#[test]
fn an_address_belongs_to_the_last_task_that_got_it() {
    let mut story = asked();
    let old = story.tasks[2].task.clone();
    let new = story.tasks.iter().rfind(|task| task.slot == 6).unwrap().task.clone();
    // The new task of slot 6, from 19.6 s on, gets the address of slot 3's, which ended at 13.4.
    let address = story.task(&old).addresses.clone();
    story.task(&new).addresses.clone_from(&address);
    for event in &mut story.run.events {
        if let rollproof::record::EventKind::Task(task) = &mut event.kind
            && task.task == new
        {
            task.addresses.clone_from(&address);
        }
    }
    story.shots(GOOD_END + 0.5, nothing);
    // Without a name in the answers only the address tells.
    story.direct(1, GOOD_END + 0.5, |_, _, shot| shot.replica = None);
    let judgement = judge(&story.finish());
    let of = |id: &str| {
        let mut replicas = judgement.scenarios[0].replicas.iter();
        replicas.find(|replica| replica.task == id).unwrap()
    };
    assert_near(of(&old).answers_after_told_to_stop_s, 2.9);
    assert_near(of(&new).answers_after_running_s, -0.5);
    assert_eq!(of(&new).failed_while_serving, 0);
}

#[test]
fn an_address_that_nobody_had_is_no_replicas() {
    let mut story = asked();
    story.shots(GOOD_END + 0.5, nothing);
    story.direct(1, GOOD_END + 0.5, |_, _, shot| {
        (shot.to, shot.replica) = (Some("10.9.9.9".into()), None);
    });
    let judgement = judge(&story.finish());
    assert!(judgement.scenarios[0].replicas.is_empty());
}

/// Slot 4's old task does not answer from 12.0 to 12.5 s, and users get what `users` makes of it.
fn one_replica_fails(outcome: Outcome, users: impl Fn(f64, &mut Shot)) -> Judgement {
    let mut story = asked();
    let silent = story.tasks[3].task.clone();
    story.shots(GOOD_END + 0.5, users);
    story.direct(1, GOOD_END + 0.5, |at, task, shot| {
        if task == silent && (11.99..12.49).contains(&at) {
            fail(shot, outcome, 0.02);
        }
    });
    judge(&story.finish())
}

#[test]
fn what_a_replica_fails_and_no_user_sees_is_hidden() {
    let judgement = one_replica_fails(Outcome::Refused, nothing);
    assert_eq!(judgement.verdict, Verdict::Pass, "it changes no verdict");
    let scenario = &judgement.scenarios[0];
    let [masked] = scenario.masked.as_slice() else { panic!("{:?}", scenario.masked) };
    assert_eq!((masked.kind, masked.stream.as_str()), (MaskedKind::FailedDirectly, "each"));
    assert_eq!(masked.count, 5);
    assert_near(Some(masked.worst_latency_s), 0.0199);
    assert!(
        masked.because.contains("most likely the proxy retried, which hid"),
        "{}",
        masked.because
    );
    let replica = scenario.replicas.iter().find(|r| (r.slot, r.version) == (4, 1)).unwrap();
    assert_eq!(replica.failed_while_serving, 5);
    let text = details(&judgement);
    let hidden = "hidden each: 5 requests sent directly to a serving replica failed";
    assert!(text.contains(hidden), "{text}");
    let short = (SUMMARY.write)(Material::One(&judgement), Style::default());
    assert!(short.contains("the proxy most likely hid 5 failures"), "{short}");
}

#[test]
fn what_users_saw_too_is_not_hidden() {
    let judgement = one_replica_fails(Outcome::Refused, |at, shot| {
        if (12.0..12.5).contains(&at) && shot.intended.as_nanos() % 30_000_000 == 0 {
            fail(shot, Outcome::Proxy502, 0.003);
        }
    });
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert_eq!(judgement.scenarios[0].masked, []);
}

#[test]
fn what_is_merely_slow_or_nobody_asked_for_is_not_hidden() {
    assert_eq!(one_replica_fails(Outcome::Late, nothing).scenarios[0].masked, []);
    // Users sent nothing around it.
    let judgement = one_replica_fails(Outcome::Refused, |at, shot| {
        if (11.5..13.0).contains(&at) {
            (shot.outcome, shot.sent, shot.done) = (Outcome::Unsent, None, None);
        }
    });
    assert_eq!(judgement.scenarios[0].masked, []);
}

#[test]
fn clients_without_a_proxy_have_nothing_to_hide() {
    let mut story = asked();
    for facts in [&mut story.run.meta.streams[0], &mut story.run.shots[0].0] {
        facts.name = "overlay-fresh".to_owned();
        facts.route = Route::Overlay;
    }
    let silent = story.tasks[3].task.clone();
    story.shots(GOOD_END + 0.5, slow_answers);
    story.direct(1, GOOD_END + 0.5, |at, task, shot| {
        if task == silent && (11.99..12.49).contains(&at) {
            fail(shot, Outcome::Refused, 0.02);
        }
    });
    assert_eq!(judge(&story.finish()).scenarios[0].masked, []);
}

fn takes(shot: &mut Shot, secs: f64) {
    shot.done = shot.sent.map(|sent| sent + Offset::from_secs_f64(secs));
}

/// Some good answers take 60 ms instead of 3 just after a container ended, at 13.4 s.
fn slow_answers(at: f64, shot: &mut Shot) {
    if (13.4..13.5).contains(&at) {
        takes(shot, if at < 13.45 { 0.06 } else { 0.3 });
    }
}

fn held(
    users: impl Fn(f64, &mut Shot),
    control: Option<fn(f64, &mut Shot)>,
) -> Vec<(MaskedKind, u64, Offset)> {
    let mut story = good_update();
    story.shots(GOOD_END + 0.5, users);
    if let Some(control) = control {
        story.stream("control", Purpose::Control);
        story.shots_of(1, GOOD_END + 0.5, control);
    }
    let judgement = judge(&story.finish());
    assert_eq!(judgement.verdict, Verdict::Pass, "{:?}", judgement.because);
    let masked = judgement.scenarios.into_iter().next().unwrap().masked;
    masked.into_iter().map(|masked| (masked.kind, masked.count, masked.worst_latency_s)).collect()
}

#[test]
fn answers_that_came_late_but_well_were_most_likely_repeated() {
    let found = held(slow_answers, Some(nothing));
    assert_eq!(found, [(MaskedKind::Held, 20, Offset::from_millis(300))]);
}

#[test]
fn slow_answers_that_something_else_explains_are_not_counted() {
    assert_eq!(held(slow_answers, None), [], "nothing to compare with");
    let busy = |at: f64, shot: &mut Shot| {
        if (13.3..13.32).contains(&at) {
            takes(shot, 0.05);
        }
    };
    // 13.31 + 0.05 + 0.2: what was sent later than that is not the control's time.
    assert_eq!(held(slow_answers, Some(busy)), [], "the control was slow too");
    let long_ago = |at: f64, shot: &mut Shot| {
        if (12.0..12.02).contains(&at) {
            takes(shot, 0.05);
        }
    };
    assert_eq!(held(slow_answers, Some(long_ago)).len(), 1);
    let not_that_slow = |at: f64, shot: &mut Shot| {
        if (13.4..13.5).contains(&at) {
            takes(shot, 0.039);
        }
    };
    assert_eq!(held(not_that_slow, Some(nothing)), []);
    let always_slow = |_: f64, shot: &mut Shot| takes(shot, 0.04);
    assert_eq!(held(always_slow, Some(nothing)), [], "as slow as before the change");
    let far_away = |at: f64, shot: &mut Shot| {
        if (35.0..35.1).contains(&at) {
            takes(shot, 0.3);
        }
    };
    assert_eq!(held(far_away, Some(nothing)), [], "long after the last change of a task");
    // Sent late by this program: the answer itself took no longer than usual.
    let own_lag = |at: f64, shot: &mut Shot| {
        if (13.4..13.41).contains(&at) {
            shot.sent = Some(shot.intended + Offset::from_millis(300));
            takes(shot, 0.003);
        }
    };
    assert_eq!(held(own_lag, Some(nothing)), []);
}

#[test]
fn a_crash_that_no_user_noticed_is_hidden() {
    let mut story = asked();
    let id = story.current(1);
    story.container(&id, SUBMIT + 20.0, ContainerAction::Die);
    story.task(&id).error = "task: non-zero exit (1)".to_owned();
    story.see(&id, SUBMIT + 20.1, TaskState::Failed, TaskState::Shutdown);
    story.start(1, 2, SUBMIT + 21.0);
    story.shots(GOOD_END + 0.5, nothing);
    // It stops to answer a little before the engine notices that it has ended.
    story.direct(1, GOOD_END + 0.5, |at, task, shot| {
        if task == id && (29.85..29.95).contains(&at) {
            fail(shot, Outcome::Reset, 0.001);
        }
    });
    let judgement = judge(&story.finish());
    assert_eq!(judgement.scenarios[0].masked.len(), 1);
    assert_eq!(judgement.scenarios[0].masked[0].count, 1);
}

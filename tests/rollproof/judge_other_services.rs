//! A scenario that changes several services: each is judged, and so is the stack as a whole.

use std::path::Path;

use rollproof::judge::{Cause, Limits, Verdict, judge};
use rollproof::record::{
    AllowedFailed, EndReason, Event, EventKind, Expects, MachineLoad, OtherChange, Outcome, Run,
    SpecMatch, WithdrawnPort,
};
use rollproof::report::{Material, SUMMARY, Style};
use rollproof::swarm::{TaskState, UpdateState};

use super::judge_story::{
    GOOD_END, ROLLBACK_END, SERVICE, SUBMIT, Story, good_rollback, good_update, nothing,
};
use super::records::Judged;

const WORKER: &str = "demo_worker";

/// What happened to the service of a run, as if it had happened to the worker.
fn as_worker(run: &Run) -> Vec<Event> {
    let renamed = run.events.iter().filter_map(|event| {
        let mut event = event.clone();
        let mine = |service: &mut String| {
            let mine = service == SERVICE;
            WORKER.clone_into(service);
            mine
        };
        let wanted = match &mut event.kind {
            EventKind::Submitted { service, .. } | EventKind::Service { service, .. } => {
                mine(service)
            }
            EventKind::Task(task) => {
                task.task = format!("w{}", task.task);
                task.container = String::new();
                mine(&mut task.service)
            }
            EventKind::TaskGone { task } => {
                *task = format!("w{task}");
                true
            }
            _ => false,
        };
        wanted.then_some(event)
    });
    renamed.collect()
}

/// A run in which the worker is changed beside the service under test.
fn with_worker(
    mut story: Story,
    end: f64,
    worker: &Run,
    spec: SpecMatch,
    expects: Option<Expects>,
) -> Run {
    story.shots(end, nothing);
    let mut run = story.finish();
    let mut facts = run.meta.stack.clone();
    WORKER.clone_into(&mut facts.service);
    let replicas = facts.replicas;
    let change = OtherChange {
        facts,
        change: "image app:v1 → app:v2".to_owned(),
        replicas,
        generation: 1,
        expects,
        ends: false,
    };
    let at = rollproof::Offset::from_secs_f64(SUBMIT);
    let mut events = as_worker(worker);
    events.push(Event { at, seen: at, kind: EventKind::AlsoChanged(Box::new(change)) });
    let ended = rollproof::Offset::from_secs_f64(end - 0.001);
    let kind = EventKind::OtherEnded { service: WORKER.to_owned(), spec };
    events.push(Event { at: ended, seen: ended, kind });
    run.events.extend(events);
    run.events.sort_by_key(|event| event.seen);
    run
}

fn update() -> Run {
    good_update().finish()
}

/// The same update in half the time, so that it is over before the rollback ends.
fn quick_update() -> Run {
    let mut run = update();
    for event in &mut run.events {
        for at in [&mut event.at, &mut event.seen] {
            let since = at.as_secs_f64() - SUBMIT;
            if since > 0.0 {
                *at = rollproof::Offset::from_secs_f64(SUBMIT + since / 2.0);
            }
        }
    }
    run
}

fn rollback() -> Run {
    good_rollback().finish()
}

#[test]
fn a_port_that_the_next_version_withdraws_is_the_cause() {
    let withdrawn = |port: u16| {
        let mut story = good_update();
        story.shots(GOOD_END, |at, shot| {
            if at > SUBMIT + 2.0 {
                shot.outcome = Outcome::Refused;
                shot.replica = None;
            }
        });
        let mut run = story.finish();
        run.shots[0].0.url = "http://10.0.0.2:8080/path".to_owned();
        let at = rollproof::Offset::from_secs_f64(SUBMIT);
        let port = WithdrawnPort { port, service: "demo_proxy".to_owned(), now: vec![8090] };
        let started = |event: &Event| matches!(event.kind, EventKind::ScenarioStarted { .. });
        let begin = run.events.iter().position(started).unwrap() + 1;
        run.events.insert(begin, Event { at, seen: at, kind: EventKind::PortWithdrawn(port) });
        judge(&run, &Limits::default()).scenarios.remove(0)
    };
    let scenario = withdrawn(8080);
    assert_eq!(scenario.verdict, Verdict::Fail);
    assert_eq!(scenario.causes.len(), 1, "{:#?}", scenario.causes);
    let group = &scenario.causes[0];
    assert_eq!((group.cause, group.failed), (Cause::PortWithdrawn, scenario.failed));
    let text = "the new version does not publish port 8080 (demo_proxy), but 8090";
    assert_eq!(group.text, text);
    assert!(group.remedy.as_ref().unwrap().contains("publish the old port"));
    // Another port says nothing about this one.
    assert!(withdrawn(80).causes.iter().all(|group| group.cause != Cause::PortWithdrawn));
}

#[test]
fn every_changed_service_is_judged_on_its_own() {
    let expects = Some(Expects::Update);
    let run = with_worker(good_update(), GOOD_END, &update(), SpecMatch::Submitted, expects);
    let judged = judge(&run, &Limits::default());
    let scenario = &judged.scenarios[0];
    assert_eq!(scenario.verdict, Verdict::Pass, "{:#?}", scenario.checks);
    let worker = &scenario.services[0];
    assert_eq!((worker.service.as_str(), worker.verdict), (WORKER, Verdict::Pass));
    assert!(worker.checks.iter().any(|check| check.name == "every-slot-on-new-version"));
    let one = scenario.checks.iter().find(|check| check.name == "one-version").unwrap();
    assert_eq!(one.because, "demo_app and demo_worker are on the new version");
}

#[test]
fn a_service_that_keeps_its_old_replicas_fails_the_scenario_and_is_named() {
    let mut worker = update();
    // Nothing of the worker is replaced.
    worker.events.retain(|event| match &event.kind {
        EventKind::Task(task) => task.generation == 1 && event.at < rollproof::Offset::ZERO,
        EventKind::TaskGone { .. } => false,
        _ => true,
    });
    let expects = Some(Expects::Update);
    let run = with_worker(good_update(), GOOD_END, &worker, SpecMatch::Submitted, expects);
    let judged = judge(&run, &Limits::default());
    assert_eq!(judged.verdict, Verdict::Fail);
    let because = &judged.because[0];
    assert!(because.contains("demo_worker: only 0 of 6 replicas run the new version"), "{because}");
}

#[test]
fn a_stack_on_two_versions_is_mixed_and_one_on_the_previous_is_not() {
    let both = with_worker(good_rollback(), ROLLBACK_END, &rollback(), SpecMatch::Previous, None);
    let judged = judge(&both, &Limits::default());
    assert_eq!(judged.scenarios[0].verdict, Verdict::Pass, "{:#?}", judged.scenarios[0].checks);

    let mixed =
        with_worker(good_rollback(), ROLLBACK_END, &quick_update(), SpecMatch::Submitted, None);
    let judged = judge(&mixed, &Limits::default());
    let scenario = &judged.scenarios[0];
    assert_eq!(scenario.verdict, Verdict::Fail);
    assert_eq!(scenario.services[0].verdict, Verdict::Pass, "{:#?}", scenario.services[0].checks);
    assert_eq!(
        judged.because,
        [
            "broken-update: the stack is mixed: demo_worker is on the new version, demo_app is rolled back"
        ]
    );
    assert!(
        scenario.advice.as_ref().unwrap().text.as_ref().unwrap().contains("previous stack file")
    );

    // Made to fail on purpose, the worker has to roll back too.
    let broken = Some(Expects::Rollback);
    let run =
        with_worker(good_rollback(), ROLLBACK_END, &quick_update(), SpecMatch::Submitted, broken);
    let worker = &judge(&run, &Limits::default()).scenarios[0].services[0];
    assert_eq!(worker.verdict, Verdict::Fail);
    assert!(worker.checks.iter().any(|check| check.because == "Swarm completed the broken update"));
}

/// Its new task waits for the host port of the old one.
fn stuck() -> Run {
    let mut worker = Story::new(1);
    worker.scenario("update", Expects::Update);
    worker.state(10.1, UpdateState::Updating, "update in progress");
    let id = worker.add(3, 2, 10.2);
    let waits = "no suitable node (host-mode port already in use on 1 node)";
    waits.clone_into(&mut worker.task(&id).error);
    worker.see(&id, 10.3, TaskState::Pending, TaskState::Running);
    worker.finish()
}

/// What users lost is explained where it is told, and not by another service that is stuck.
#[test]
fn lost_requests_have_their_own_cause_beside_a_service_that_is_stuck() {
    let mut story = good_update();
    for event in &mut story.run.events {
        if let EventKind::ScenarioEnded { reason, .. } = &mut event.kind {
            *reason = EndReason::Deadline { text: "after 55 s".to_owned() };
        }
    }
    let expects = Some(Expects::Update);
    let mut run = with_worker(story, GOOD_END, &stuck(), SpecMatch::Submitted, expects);
    let quiet = Judged::of(run.clone());
    assert_eq!(quiet.judgement.scenarios[0].loss_advice, None);
    for shot in run.shots.iter_mut().flat_map(|(_, shots)| shots) {
        if (SUBMIT + 2.0..SUBMIT + 3.0).contains(&shot.intended.as_secs_f64()) {
            shot.outcome = Outcome::WrongStatus;
            shot.status = Some(500);
        }
    }
    let judged = Judged::of(run);
    let scenario = &judged.judgement.scenarios[0];
    let other = scenario.advice.as_ref().unwrap();
    assert!(other.because.starts_with("demo_worker: "), "{other:?}");
    let lost = scenario.loss_advice.as_ref().unwrap();
    assert!(lost.because.contains("requests") && !lost.because.contains(WORKER), "{lost:?}");
    let record = Some(Path::new("/runs/20261121-011409-4f2a"));
    let material = Material::One(&judged.judgement);
    let summary = (SUMMARY.write)(material, Style { record, ..Style::default() });
    assert!(summary.lines().count() <= 20, "{summary}");
    insta::assert_snapshot!("lost_beside_a_stuck_service", summary);
    let labels = summary.lines().filter_map(|line| line.split_whitespace().next());
    let labels: Vec<&str> = labels.filter(|label| ["lost", "why", "fix"].contains(label)).collect();
    assert_eq!(labels, ["lost", "why", "fix", "why", "fix"], "{summary}");
    // Lost requests that are allowed have no advice, but their cause.
    let mut run = judged.run.clone();
    run.meta.limits.allow_failed = Some(AllowedFailed::Requests(500));
    let allowed = Judged::of(run);
    assert_eq!(allowed.judgement.scenarios[0].loss_advice, None);
    let text = allowed.write("summary").split_whitespace().collect::<Vec<_>>().join(" ");
    let lost =
        "after the change: answered with status 500 while replicas were serving why demo_worker";
    assert!(text.contains(lost), "{text}");
    // Every other report says both, too.
    for format in ["details", "markdown", "junit", "github", "gitlab", "html"] {
        // Markdown escapes what it may read as its own.
        let text = judged.write(format).replace('\\', "");
        for because in ["demo_worker: Swarm waits without", "answered with status 500"] {
            assert!(text.contains(because), "{format}: {text}");
        }
    }
}

/// A service beside the one under test whose new task waits for the port of the old one, on a busy machine.
#[test]
fn a_service_that_waits_for_what_swarm_names_is_no_matter_of_a_busy_machine() {
    let judged = |moved: bool| {
        let mut story = good_update();
        for event in &mut story.run.events {
            if let EventKind::ScenarioEnded { reason, .. } = &mut event.kind {
                *reason = EndReason::Deadline { text: "after 55 s".to_owned() };
            }
        }
        for second in 1..=36 {
            let load = MachineLoad { busy: 990, stolen: 0, waiting: Some(900) };
            story.event(f64::from(second), EventKind::Machine(load));
        }
        story.run.meta.stack.ports_moved = moved;
        let expects = Some(Expects::Update);
        let run = with_worker(story, GOOD_END, &stuck(), SpecMatch::Submitted, expects);
        judge(&run, &Limits::default())
    };
    for (moved, fix) in [(false, "free the host port"), (true, "in this run only")] {
        let judgement = judged(moved);
        assert_eq!(judgement.verdict, Verdict::Fail, "{:#?}", judgement.because);
        let advice = judgement.scenarios[0].advice.as_ref().unwrap();
        let text = format!("{}{}", advice.lines.join("\n"), advice.text.as_deref().unwrap_or(""));
        assert!(text.contains(fix), "{advice:?}");
    }
}

/// Swarm calls an update completed, and its task ends again and again.
#[test]
fn a_service_that_ends_after_its_update_is_told_where_its_reason_is() {
    let mut worker = good_update();
    let id = worker.current(3);
    worker.task(&id).exit_code = Some(1);
    worker.task(&id).error = "task: non-zero exit (1)".to_owned();
    worker.see(&id, GOOD_END - 1.0, TaskState::Failed, TaskState::Running);
    let expects = Some(Expects::Update);
    let worker = worker.finish();
    let run = with_worker(good_update(), GOOD_END, &worker, SpecMatch::Submitted, expects);
    let judgement = judge(&run, &Limits::default());
    let worker = &judgement.scenarios[0].services[0];
    assert_eq!(worker.verdict, Verdict::Fail);
    let fix = worker.checks.iter().find_map(|check| check.remedy.as_deref()).unwrap_or_default();
    let advice = judgement.scenarios[0].advice.as_ref().unwrap();
    let text = format!("{fix} {}", advice.text.as_deref().unwrap_or_default());
    assert!(text.contains("`docker service logs demo_worker`"), "{advice:#?} {worker:#?}");
}
